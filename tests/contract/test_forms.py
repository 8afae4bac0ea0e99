"""Forms with files are what httpx makes of them, whatever is in them."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.forms import File, multipart

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = TEXT | st.binary(max_size=8) | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
FILES = st.lists(st.tuples(TEXT, st.tuples(TEXT, st.binary(max_size=8), st.just("image/png"))), min_size=1, max_size=3)


@given(st.dictionaries(TEXT, VALUES | st.lists(VALUES, max_size=3), max_size=3), FILES)
def test_a_form_is_what_httpx_makes_of_it(data: dict[str, Any], files: list[File]) -> None:
    kind = {"content-type": "multipart/form-data; boundary=edge"}
    wanted = httpx.Request("POST", "https://desk.example", headers=kind, data=data, files=files).read()
    assert multipart(data, files, "edge") == wanted


def test_a_form_holds_nothing_but_texts_numbers_and_bytes() -> None:
    with pytest.raises(TypeError, match="dict"):
        multipart({"a": {}}, [("f", ("n", b"", "text/plain"))], "edge")

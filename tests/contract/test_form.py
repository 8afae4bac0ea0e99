"""Forms of several parts are what httpx makes of the same fields and files."""

from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.form import multipart, new_boundary

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text('"\\\r\n\x00\x1b\x7f;=%', max_size=8)
VALUE = TEXT | st.binary(max_size=20) | st.integers() | st.floats() | st.booleans() | st.none()
FIELDS = st.dictionaries(TEXT, VALUE | st.lists(VALUE, max_size=3) | st.tuples(VALUE, VALUE), max_size=4)
FILES = st.lists(st.tuples(TEXT, st.tuples(TEXT, st.binary(max_size=50), TEXT)), min_size=1, max_size=3)


@given(FIELDS, FILES)
def test_a_form_is_byte_for_byte_what_httpx_makes(fields: dict[str, Any], files: Any) -> None:
    boundary = new_boundary()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    wanted = httpx.Request("POST", "http://vendor.example/", headers=headers, data=fields, files=files)
    assert multipart(fields, files, boundary) == wanted.read()


def test_no_boundary_comes_twice() -> None:
    found = {new_boundary() for _ in range(1000)}
    assert len(found) == 1000
    assert {len(one) for one in found} == {32}

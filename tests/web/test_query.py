"""Query strings are read as everybody reads them."""

from urllib.parse import parse_qsl

from hypothesis import example, given
from hypothesis import strategies as st

from bridge.web.hooks import pairs_of

PIECES = st.sampled_from(["&", "=", "+", "%", "%41", "%E4%BD%A0", "%ff", "a", "signature", "1", "é", "\x00", ";", "&&"])


@given(st.lists(PIECES, max_size=12).map("".join))
@example("signature=a%2Bb&timestamp=1&nonce=&nonce")
def test_a_query_is_read_as_the_standard_library_does(query: str) -> None:
    assert pairs_of(query) == parse_qsl(query, keep_blank_values=True)

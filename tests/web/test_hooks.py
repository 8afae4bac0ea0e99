"""What callbacks are read into, and how they are answered."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from hypothesis import example, given
from hypothesis import strategies as st

from bridge.contract import Reply, Request
from bridge.web.hooks import _send
from bridge.web.reading import Headers, pairs_of

PIECES = st.sampled_from(["&", "=", "+", "%", "%41", "%E4%BD%A0", "%ff", "a", "signature", "1", "é", "\x00", ";", "&&"])


@given(st.lists(PIECES, max_size=12).map("".join))
@example("signature=a%2Bb&timestamp=1&nonce=&nonce")
def test_a_query_is_read_as_the_standard_library_does(query: str) -> None:
    assert pairs_of(query) == parse_qsl(query, keep_blank_values=True)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["", "1", "2"])), max_size=6))
def test_a_parameter_given_twice_has_no_value(query: list[tuple[str, str]]) -> None:
    request = Request("GET", "/hooks/shop", query, {}, b"", "", datetime(2026, 1, 5, tzinfo=UTC))
    for name in ("a", "b", "c", "d"):
        values = [value for key, value in query if key == name]
        assert request.one(name) == request.one(name) == (values[0] if len(values) == 1 else "")
    assert replace(request, query=[("a", "new")]).one("a") == "new"


def test_headers_are_read_when_they_are_asked_for() -> None:
    headers = Headers([(b"x-one", b"1"), (b"x-two", b"\xe9"), (b"x-one", b"again")])
    assert dict(headers) == {"x-one": "again", "x-two": "\xe9"} and len(headers) == 2
    assert headers.get("x-three", "none") == "none" and "x-two" in headers


async def test_an_answer_has_each_header_once() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    reply = Reply(200, "好", headers={"X-Content-Type-Options": "nosniff", "allow": "GET"})
    for _ in range(2):
        await _send(send, reply)
    start, body = sent[:2]
    assert sent[2:] == [start, body] and body["body"] == "好".encode()
    assert sorted(start["headers"]) == [
        (b"allow", b"GET"),
        (b"content-length", b"3"),
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"x-content-type-options", b"nosniff"),
    ]

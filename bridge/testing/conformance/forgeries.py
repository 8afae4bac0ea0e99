"""Callbacks that nobody who knows the secret would send, and payloads from a later version of the vendor."""

import dataclasses
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from bridge.contract import Request

_MOST_WORDS = 60


def forgeries(request: Request) -> Iterator[tuple[str, Request]]:
    """The same callback with one thing altered at a time."""
    replace = dataclasses.replace
    yield "body with a byte more", replace(request, body=request.body + b" x")
    yield "body cut", replace(request, body=request.body[: len(request.body) // 2])
    yield "other words", replace(request, body=request.body.replace(b"authentic", b"fictional"))
    yield "another letter", replace(request, body=re.sub(rb"[a-y]", lambda hit: bytes([hit[0][0] + 1]), request.body))
    yield "no body", replace(request, body=b"")
    for name in request.headers:
        rest = {key: value for key, value in request.headers.items() if key != name}
        yield f"without header {name}", replace(request, headers=rest)
        for odd in ("", "x", request.headers[name][:-1], request.headers[name] + "0", "ü" * 40, "A" * 10_000):
            yield f"header {name} altered", replace(request, headers=rest | {name: odd})
    for index, (name, value) in enumerate(request.query):
        rest_query = [pair for place, pair in enumerate(request.query) if place != index]
        yield f"without query {name}", replace(request, query=rest_query)
        yield f"query {name} twice", replace(request, query=[*request.query, (name, value)])
        for odd in ("", "x", value[:-1], value + "0", "ü" * 40):
            yield f"query {name} altered", replace(request, query=[*rest_query, (name, odd)])


def odd_requests(account: str, now: datetime) -> Iterator[tuple[str, Request]]:
    """What nobody who knows the secret would send."""
    plain = Request("POST", f"/hooks/{account}", (), {}, b"", "198.51.100.66", now)
    replace = dataclasses.replace
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW"):
        yield method, replace(plain, method=method)
    bodies = {
        "empty": b"",
        "one MiB": b"a" * 2**20,
        "not UTF-8": b"\xff\xfe\x00",
        "deep": b"[" * 100_000,
        "null": b"null",
        "a list": b"[]",
        "no XML": b"<xml><a>",
        "entities": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><xml><a>&b;</a></xml>',
    }
    for name, body in bodies.items():
        for kind in ("application/json", "text/xml", "", "multipart/form-data; boundary=x", "x" * 5000):
            yield f"{name} as {kind[:30]}", replace(plain, body=body, headers={"content-type": kind})
    many = tuple((f"q{number}", "x") for number in range(2000))
    yield "2,000 parameters", replace(plain, query=many)
    yield "a year ago", replace(plain, at=now - timedelta(days=365))


def enriched(payload: bytes) -> bytes:
    """The payload with fields that no documentation knows, in the syntax it has."""
    try:
        value = json.loads(payload)
    except ValueError:
        head, mark, tail = payload.rpartition(b"</")
        if payload.lstrip().startswith(b"<") and mark:
            return head + b"<UnknownField>1</UnknownField>" + mark + tail
        return b"X-Unknown-Field: 1\r\n" + payload
    return json.dumps(_richer(value), ensure_ascii=False).encode()


POISON = ("half \ud83d", "nul \0", "\udc00\ud800", "[" * 5_000)
"""Words that no store takes as they are: half a character, NUL, and ids without end, nested where they are read."""


NUMBERS = (10**30, -(2**63) - 1, float("inf"), float("nan"))
"""What JSON can say and no column takes."""


def poisoned(payload: bytes) -> Iterator[tuple[str, bytes]]:
    """The payload with poison in one of its strings or numbers at a time, in the syntax it has."""
    try:
        value = json.loads(payload)
    except ValueError:
        for odd in POISON:
            raw = odd.encode("utf-8", "surrogatepass")
            for place, word in enumerate(re.finditer(rb"[\w.@-]{4,}", payload)):
                if place < _MOST_WORDS:
                    yield f"{word[0]!r} with {odd[:8]!a}", payload[: word.end()] + raw + payload[word.end() :]
        return
    for path, leaf in _leaves(value):
        if isinstance(leaf, str):
            for odd in POISON:
                yield f"{path} with {odd[:8]!a}", json.dumps(_with(value, path, f"{leaf}{odd}")).encode()
        else:
            for number in NUMBERS:
                yield f"{path} is {number}", json.dumps(_with(value, path, number)).encode()


def texts(value: Any) -> Iterator[str]:
    """All texts of a JSON value, also the names of fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from texts(part)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str | float]]:
    """All strings and numbers of a JSON value, each with the way to it."""
    if isinstance(value, str | float) or type(value) is int:
        yield path, value
    elif isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(part, (*path, key))


def _with(value: Any, path: tuple[Any, ...], odd: str | float) -> Any:
    """The value with something odd in the place of one of its leaves."""
    if not path:
        return odd
    if isinstance(value, dict):
        return {key: _with(part, path[1:], odd) if key == path[0] else part for key, part in value.items()}
    return [_with(part, path[1:], odd) if place == path[0] else part for place, part in enumerate(value)]


def _richer(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _richer(part) for key, part in value.items()} | {"x_unknown_field": {"a": [1, None]}}
    return [_richer(part) for part in value] if isinstance(value, list) else value

"""Requests that hardly anybody would send, by surface. Each is made from a seeded random, so that a find can be repeated."""

import json
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from connectors.wechat.simulator import Simulator as PhoneSimulator

ODD: list[Any] = [
    "", " ", "\x00", "\ud800", "\u202e", "a" * 5000, "../../etc/passwd", "//evil.example", "<script>", "{{x}}", "%00", "\r\nx: y",
    -1, 0, 2**63, 10**30, 1.5, float("nan"), True, None, [], {}, ["a"], {"a": {"b": ["c"]}}, [[[[[]]]]], "😀", "退款",
]  # fmt: skip
_METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]
_HEADERS = [
    ("origin", ["http://[", "null", "https://evil.example", "http://[::1", "//"]),
    ("host", ["evil.example", "[", "", "a:b:c"]),
    ("x-forwarded-for", ["::1", "203.0.113.9, ,", "x" * 500, "[2001:db8::1]"]),
    ("x-forwarded-proto", ["https", "javascript"]),
    ("last-event-id", ["999999999999999", "-1", "d.1", "x.y", "9" * 40]),
    ("content-type", ["application/json", "text/xml", "multipart/form-data; boundary=", "", "a/b; charset=utf-7"]),
    ("accept", ["text/event-stream", "*/*"]),
    ("cookie", ["desk-site=x", "=;=;", "device-site=a.b; desk-site=" + "y" * 50]),
    ("authorization", ["Bearer x", "Bearer a.b", "Basic eA==", "Bearer"]),
    ("range", ["bytes=0-", "bytes=5-1", "bytes=0-0,1-1,2-2", "bytes=-999999999999"]),
    ("if-none-match", ["*", '"x"']),
    ("transfer-encoding", ["chunked", "gzip, chunked"]),
    ("content-length", ["-1", "1e3", "99999999999"]),
    ("x-desk", ["1"]),
    ("x-name", ["%00%0a", "a.html", "%ff" * 50, "../x"]),
    ("x-visitor", ["x" * 30, "\xff"]),
]


class Surfaces:
    """`headers` are those of somebody who may come in, by surface."""

    def __init__(self, sealed: PhoneSimulator, plain: PhoneSimulator, api_token: str) -> None:
        self._sealed, self._plain, self._api_token = sealed, plain, api_token
        self.visitor: dict[str, str] = {}
        self.agent: dict[str, str] = {}
        self.targets: dict[str, Callable[[Random], bytes]] = {
            "hooks, sealed": lambda random: self._hook(random, "shop", self._sealed),
            "hooks, plain": lambda random: self._hook(random, "open", self._plain),
            "chat": self._chat,
            "desk": self._desk,
            "uploads": self._upload,
            "api": self._api,
            "bytes": _bytes,
        }

    def _hook(self, random: Random, account: str, phone: PhoneSimulator) -> bytes:
        kind = random.choice(["text", "image", "event", "link", "location", "voice", "nonsense"])
        fields = phone.message(random.choice(["oA", "o" * 100, "../x", "o\x00"]), kind)
        for name in random.sample(
            ["Content", "MediaId", "PicUrl", "Event", "SessionFrom", "CreateTime", "MsgId", "Title"], 3
        ):
            fields[name] = random.choice([value for value in ODD if value == value and value != "\ud800"])
        query, body = phone.push(fields)
        if random.random() < 0.6:
            body = bent(random, body)
        if random.random() < 0.3:
            query[random.choice([*query, "echostr"])] = str(random.choice(ODD)).encode("utf-8", "replace").decode()
        return request(random, random.choice(["POST", "POST", "GET"]), f"/hooks/{account}?{urlencode(query)}", body, {})

    def _chat(self, random: Random) -> bytes:
        path = random.choice(
            [
                "sessions",
                "identify",
                "profile",
                "events",
                "messages",
                "receipts",
                "typing",
                "close",
                "badge",
                "config",
                "files/x",
            ]
        )
        names = [
            "client_id", "text", "attachments", "page", "identity", "visitor_token", "lang", "name", "jwt", "user_id",
            "user_hash", "expires", "read", "delivered", "on", "resume",
        ]  # fmt: skip
        return call(random, f"/chat/site/v1/{path}", names, self.visitor)

    def _desk(self, random: Random) -> bytes:
        ticket = random.choice(["1001", "0", "9" * 30, "x", "%0a", "..%2f"])
        path = random.choice(
            ["sign-in", "me", "events", "tickets", "search", "sessions", "sessions/end", f"tickets/{ticket}"]
            + [
                f"tickets/{ticket}/{verb}"
                for verb in ("entries", "messages", "notes", "assignee", "status", "seen", "typing")
            ]
        )
        names = ["client_id", "text", "attachments", "seen_seq", "to", "status", "seq", "on", "id", "name", "password"]
        return call(random, f"/desk/site/v1/{path}", names, self.agent)

    def _upload(self, random: Random) -> bytes:
        starts = [
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"GIF89a",
            b"RIFF\0\0\0\0WEBP",
            b"%PDF-",
            b"PK\x03\x04",
            b"<svg",
            b"\x00",
        ]
        body = random.choice(starts) + random.randbytes(random.randrange(3000))
        door, headers = random.choice([("chat", self.visitor), ("desk", self.agent)])
        return request(random, "POST", f"/{door}/site/v1/uploads", body, headers)

    def _api(self, random: Random) -> bytes:
        path = random.choice(
            ["/api/consents", "/media/x", "/media/%00", "/media/" + "a" * 64 + ".99.x", "/metrics%0A", "/readyz/", "//"]
        )
        names = ["account", "conversation", "template", "count", "id", "more"]
        return call(random, path, names, {"authorization": f"Bearer {self._api_token}"})


def call(random: Random, path: str, names: list[str], headers: dict[str, str]) -> bytes:
    """A request with JSON of odd values, or odd JSON."""
    body = {name: random.choice(ODD) for name in random.sample(names, random.randrange(len(names)))}
    body |= {"client_id": f"fuzz-{random.randrange(10**8):08}", "wait": 0} if random.random() < 0.7 else {}
    data = json.dumps(body).encode()
    if random.random() < 0.2:
        data = random.choice([b"[" * 5000, b"{}" * 9, b'{"a":1,"a":2}', b"\xff", b'{"a":' * 900, bent(random, data)])
    keys = ["before", "after", "since", "limit", "wait", "q", "status", "e", "s", "v"]
    values = [999999999999999, -1, "d.1", "0", "%", "\x00", "'", "9" * 40]
    query = "&".join(f"{key}={quote(str(random.choice(values)))}" for key in random.sample(keys, random.randrange(4)))
    query += "&wait=0" if "events" in path else ""
    method = random.choice(["GET", "POST", "POST", *_METHODS])
    kind = {"content-type": "application/json"} if random.random() < 0.8 else {}
    return request(random, method, f"{path}?{query}", b"" if method == "GET" else data, headers | kind)


def request(random: Random, method: str, target: str, body: bytes, headers: dict[str, str]) -> bytes:
    """What goes over the line, with some odd headers."""
    found = {"host": "bridge", **headers, "content-length": str(len(body)), "connection": "close"}
    for name, values in random.sample(_HEADERS, random.choice([0, 0, 1, 2, 4])):
        if name not in {"authorization", "cookie"} or random.random() < 0.3:
            found[name] = random.choice(values)
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in found.items())]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def bent(random: Random, data: bytes) -> bytes:
    """The bytes, a few of them others."""
    bent = bytearray(data)
    for _ in range(random.randrange(1, 5)):
        place = random.randrange(len(bent) + 1)
        bent[place : place + random.randrange(3)] = random.choice(
            [b"", b"\0", b"\xed\xa0\x80", b"\\ud800", b'"', b"{", random.randbytes(2)]
        )
    return bytes(bent)


def _bytes(random: Random) -> bytes:
    """What is hardly HTTP."""
    start = random.choice(
        [
            b"GET / HTTP/1.1\r\n",
            b"POST /hooks/shop HTTP/1.1\r\nhost: a\r\n",
            b"\x16\x03\x01",
            b"PRI * HTTP/2.0\r\n\r\n",
            b"",
        ]
    )
    return start + random.choice(
        [random.randbytes(200), b"a: b\r\n" * 150, b"a" * 40_000, b"transfer-encoding: chunked\r\n\r\nzz\r\n"]
    )

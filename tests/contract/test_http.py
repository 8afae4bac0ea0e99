"""Http against real sockets: what is certain, what is not, and what never comes back."""

import asyncio
import gzip
import json
import logging
import socket
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest

from bridge.contract import Http, Rejected, Response, Retryable
from tests.contract.sockets import Act, answers, drips, hangs, sends, serving

CANARY = "canary-token-5b1f"
BODY = {"text": "hello"}


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    http = Http(timeout=5)
    yield http
    await http.close()


async def failure(http: Http, method: str, url: str, **options: object) -> Retryable:
    with pytest.raises(Retryable) as caught:
        await http.request(method, url, **options)
    return caught.value


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


# Certain: nothing left this machine


async def test_a_refused_connection_is_certain(http: Http) -> None:
    error = await failure(http, "POST", f"http://127.0.0.1:{unused_port()}/send", json=BODY)
    assert (error.certain, error.code) == (True, "ConnectError")


async def test_a_name_that_does_not_exist_is_certain(http: Http) -> None:
    error = await failure(http, "POST", "http://no-such-host.invalid/send", json=BODY)
    assert error.certain


async def test_an_address_that_never_answers_is_certain() -> None:
    """A listener whose queue is full swallows the first packet, as a router would."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    http = Http(timeout=0.15)
    try:
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            waiting.append(filler)
        error = await failure(http, "POST", f"http://127.0.0.1:{listener.getsockname()[1]}/send", json=BODY)
    finally:
        await http.close()
        for filler in (*waiting, listener):
            filler.close()
    assert error.certain


async def test_waiting_for_a_free_connection_is_certain() -> None:
    async with serving(hangs) as server:
        http = Http(timeout=5, max_concurrency=1)
        first = asyncio.create_task(http.request("POST", server.url))
        while not server.heads:
            await asyncio.sleep(0)
        error = await failure(http, "POST", server.url, json=BODY, timeout=0.1)
        assert error.certain
        assert len(server.heads) == 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await http.close()


@pytest.mark.parametrize("url", ["ftp://host/x", "nothing", "/path", "http://"])
async def test_an_address_that_cannot_be_called_is_certain(http: Http, url: str) -> None:
    with pytest.raises((Retryable, Rejected)) as caught:
        await http.request("POST", url, json=BODY)
    assert caught.value.certain


@pytest.mark.parametrize("url", ["http://[::1/x", "http://host:abc/", "http://a\x00b/", "https://exa mple/\r\n"])
async def test_what_is_no_address_is_rejected(http: Http, url: str) -> None:
    with pytest.raises(Rejected):
        await http.request("POST", url, json=BODY)


async def test_a_header_that_cannot_be_sent_is_certain(http: Http) -> None:
    async with serving(answers()) as server:
        for value in ("ü", "a\r\nb: c"):
            with pytest.raises((Retryable, Rejected)) as caught:
                await http.request("POST", server.url, headers={"x-name": value})
            assert caught.value.certain
        assert not [head for head in server.heads if b"b: c" in head]


# Uncertain: it went out and nothing readable came back


UNCERTAIN: dict[str, Act] = {
    "closed without an answer": sends(),
    "half a status line": sends(b"HTTP/1.1 20"),
    "half a head": sends(b"HTTP/1.1 200 OK\r\ncontent-le"),
    "half a body": sends(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"errc'),
    "half a chunk": sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf"),
    "not HTTP": sends(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
    "a broken gzip": answers("200 OK", b"\x1f\x8b\x08nonsense", "content-encoding: gzip"),
    "half a gzip": answers("200 OK", gzip.compress(b"x" * 5000)[:-12], "content-encoding: gzip"),
    "an encoding nobody asked for": answers("200 OK", b"...", "content-encoding: br"),
    "an endless head": sends(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000),
}


@pytest.mark.parametrize("act", UNCERTAIN.values(), ids=UNCERTAIN.keys())
async def test_no_readable_answer_is_uncertain(http: Http, act: Act) -> None:
    async with serving(act) as server:
        assert not (await failure(http, "POST", server.url + "/send", json=BODY)).certain
        assert len(server.heads) == 1, "Http itself never repeats"


@pytest.mark.parametrize("act", UNCERTAIN.values(), ids=UNCERTAIN.keys())
async def test_the_same_is_harmless_for_what_may_be_repeated(http: Http, act: Act) -> None:
    async with serving(act) as server:
        assert (await failure(http, "GET", server.url)).certain
        assert (await failure(http, "POST", server.url, repeatable=True)).certain


@pytest.mark.parametrize("act", [hangs, drips], ids=["hangs", "drips"])
async def test_the_deadline_is_for_the_whole_answer(http: Http, act: Act) -> None:
    async with serving(act) as server:
        error = await failure(http, "POST", server.url, json=BODY, timeout=0.15)
        assert (error.certain, error.code) == (False, "timeout")
        assert (await failure(http, "GET", server.url, timeout=0.1)).certain


async def test_a_deadline_of_its_own_may_be_longer_than_the_usual_one() -> None:
    async def late(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.15)
        await answers()(head, reader, writer)

    http = Http(timeout=0.05)
    async with serving(late) as server:
        assert (await http.request("POST", server.url, timeout=5)).status == 200
    await http.close()


async def test_a_connection_of_before_counts_as_one() -> None:
    """What goes out on a connection that was kept may have arrived, whatever the requests beside it wait for."""
    answered = asyncio.Event()

    async def once(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        server.heads.append(await reader.readuntil(b"\r\n\r\n"))
        answered.set()
        await asyncio.Event().wait()

    http = Http(timeout=5, max_concurrency=1)
    async with serving(once) as server:
        assert (await http.request("POST", server.url)).status == 200
        kept = asyncio.create_task(failure(http, "POST", server.url, timeout=0.3))
        await answered.wait()
        waiting = await failure(http, "POST", server.url, timeout=0.1)
        assert (waiting.certain, (await kept).certain) == (True, False)
        assert len(server.heads) == 2
    await http.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_nothing_is_repeated_when_a_kept_connection_turns_out_to_be_dead(http: Http, method: str) -> None:
    async def once(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        server.heads.append(await reader.readuntil(b"\r\n\r\n"))

    async with serving(once) as server:
        assert (await http.request(method, server.url)).status == 200
        error = await failure(http, method, server.url)
        assert (error.certain, error.code) == (method == "GET", "ReadError")
        assert len(server.heads) == 2


async def test_an_idle_connection_that_the_vendor_closed_does_no_harm(http: Http) -> None:
    async with serving(sends(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")) as server:
        for _ in range(3):
            assert (await http.request("POST", server.url, json=BODY)).status == 200
            await asyncio.sleep(0.01)


# Answers


async def test_an_answer_is_complete(http: Http) -> None:
    async with serving(answers("422 No", b'{"a": "\xc3\xbc"}', "X-Rate-Limit: 7")) as server:
        answer = await http.request("PUT", server.url + "/a/b?token=x", json={"text": "ü", "n": None})
    assert (answer.status, answer.ok, answer.json(), answer.text) == (422, False, {"a": "ü"}, '{"a": "ü"}')
    assert answer.headers["x-rate-limit"] == "7"
    assert answer.where == "PUT 127.0.0.1/a/b"
    head = server.heads[0].lower()
    assert b"content-type: application/json" in head
    assert b"accept-encoding: identity" in head


async def test_json_goes_out_without_escapes(http: Http) -> None:
    """Some vendors show `\\u4f60` to the customer just as it came."""
    seen: list[bytes] = []

    async def act(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readexactly(len('{"text":"你"}'.encode())))
        await answers()(head, reader, writer)

    async with serving(act) as server:
        await http.request("POST", server.url, json={"text": "你"})
    assert seen == ['{"text":"你"}'.encode()]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("content", [None, b"x", b"x" * 600_000], ids=["nothing", "little", "much"])
async def test_a_type_that_nobody_gave_is_not_made_up(http: Http, method: str, content: bytes | None) -> None:
    async with serving(answers()) as server:
        await http.request(method, server.url, content=content)
        await http.request(method, server.url, content=content, headers={"Content-Type": "text/given"})
    none, given = ([line.lower() for line in head.split(b"\r\n")] for head in server.heads)
    assert not [line for line in none if line.startswith(b"content-type")]
    assert [line for line in given if line.startswith(b"content-type")] == [b"content-type: text/given"]
    assert {b"user-agent: bridge", b"accept: */*", b"accept-encoding: identity"} <= set(none)


FORM = {
    "data": {"JSON": '{"text": "你"}', "many": ["1", "2"]},
    "files": [("a", ('"ü\n".png', b"\x00\r\n--", "image/png"))],
}


async def test_a_form_is_what_httpx_makes_of_it_with_a_boundary_that_was_not_there_before(http: Http) -> None:
    seen: list[tuple[str, bytes]] = []

    async def act(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)
        seen.append((fields[b"content-type"].decode(), await reader.readexactly(int(fields[b"content-length"]))))
        await answers()(head, reader, writer)

    async with serving(act) as server:
        for _ in range(2):
            await http.request("POST", server.url, **FORM)
        mine = "multipart/form-data; boundary=mine"
        await http.request("POST", server.url, headers={"Content-Type": mine}, **FORM)
        await http.request("POST", server.url, data={"a": ["1", "ü"]})
    for content_type, body in seen[:3]:
        wanted = httpx.Request("POST", server.url, headers={"content-type": content_type}, **FORM)
        assert body == wanted.read()
    assert len({content_type for content_type, _ in seen[:2]}) == 2
    assert seen[2][0] == mine
    assert seen[3] == ("application/x-www-form-urlencoded", b"a=1&a=%C3%BC")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": [0.1, 1e400, -0.0, 123456789012345678901234567890, "\\ud83d\\ude00", null]}',
        b'{"half": "\\ud83d"}',
        "\ufeff[1]".encode(),
        '["ü"]'.encode("utf-16"),
        b"[NaN, -Infinity, 1E5, 2.5e-8]",
    ],
)
def test_an_answer_is_read_as_the_library_reads_it(body: bytes) -> None:
    assert repr(Response(200, {}, body, "GET host/x").json()) == repr(json.loads(body))


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000, b"9" * 10_000])
def test_an_answer_that_is_no_json_is_as_uncertain_as_its_request(body: bytes) -> None:
    for safe in (True, False):
        with pytest.raises(Retryable) as caught:
            Response(200, {}, body, "POST host/x", safe).json()
        assert caught.value.certain is safe


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "17"}, 17),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Mon, 05 Jan 2026 09:01:00 GMT", "date": "Mon, 05 Jan 2026 09:00:00 GMT"}, 60),
        ({"retry-after": "Mon, 05 Jan 2026 09:00:00 GMT", "date": "Mon, 05 Jan 2026 09:01:00 GMT"}, 0),
        ({"retry-after": "Mon, 05 Jan 2026 09:01:00 GMT", "date": "yesterday"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert Response(429, headers, b"", "GET host/").retry_after == seconds


async def test_a_huge_answer_is_not_read_to_its_end(http: Http) -> None:
    async def endless(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with serving(endless) as server:
        error = await failure(http, "POST", server.url, max_bytes=100_000)
        assert not error.certain
        assert "100000 bytes" in str(error)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_compressed_answer_is_read_and_bounded(http: Http, coding: str) -> None:
    pack = gzip.compress if coding == "gzip" else zlib.compress
    async with serving(answers("200 OK", pack(b'{"a": 1}'), f"content-encoding: {coding}")) as server:
        assert (await http.request("GET", server.url)).json() == {"a": 1}
    async with serving(answers("200 OK", pack(b"\0" * 50_000_000), f"content-encoding: {coding}")) as server:
        assert "larger than" in str(await failure(http, "GET", server.url))


async def test_redirects_are_the_connectors_business(http: Http) -> None:
    async with serving(answers("302 Found", b"", "location: http://169.254.169.254/")) as server:
        assert (await http.request("GET", server.url)).status == 302
        assert len(server.heads) == 1


async def test_cookies_do_not_carry_over(http: Http) -> None:
    async with serving(answers("200 OK", b"{}", "set-cookie: session=1; path=/")) as server:
        await http.request("GET", server.url)
        await http.request("GET", server.url)
    assert not [head for head in server.heads if b"cookie" in head.lower()]


async def test_the_environment_cannot_send_traffic_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{unused_port()}")
    http = Http(timeout=5)
    async with serving(answers()) as server:
        assert (await http.request("GET", server.url)).ok
    await http.close()


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError, TimeoutError])
async def test_a_transport_of_ones_own_claims_no_certainty(error: type[Exception]) -> None:
    """Only real connections say when the first byte left."""

    async def never(request: httpx.Request) -> httpx.Response:
        raise error("late")

    http = Http(transport=httpx.MockTransport(never))
    assert not (await failure(http, "POST", "https://vendor.example/send")).certain
    assert (await failure(http, "GET", "https://vendor.example/send")).certain
    await http.close()


class Pieces(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in (b'{"a":', b"", b" 1}"):
            yield piece


async def test_a_transport_of_ones_own_gets_and_gives_what_a_vendor_would() -> None:
    seen: list[httpx.Request] = []

    async def vendor(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path == "/pieces":
            return httpx.Response(200, stream=Pieces())
        if request.url.path == "/gzip":
            return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Packed())
        return httpx.Response(201, headers=[("X-A", "1"), ("x-a", "2")], content=request.content)

    class Packed(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield gzip.compress(b'{"a": 1}')

    http = Http(timeout=2, home="https://vendor.example", transport=httpx.MockTransport(vendor))
    base = "https://vendor.example"
    answer = await http.request("post", f"{base}/x y?a=1", headers={"X-Name": "n"}, json={"text": "ü"})
    assert (answer.status, answer.headers["x-a"], answer.body) == (201, "1, 2", '{"text":"ü"}'.encode())
    assert (seen[0].method, str(seen[0].url), seen[0].headers["x-name"]) == ("POST", f"{base}/x%20y?a=1", "n")
    assert seen[0].extensions["timeout"] == {"connect": 2, "read": 2, "write": 2, "pool": 2}
    assert (await http.request("GET", f"{base}/pieces")).json() == {"a": 1}
    assert (await http.request("GET", f"{base}/gzip")).json() == {"a": 1}
    assert b"".join([piece async for piece in http.download(f"{base}/pieces", limit=100)]) == b'{"a": 1}'
    assert "100 bytes" in str(await failure(http, "POST", base, content=b"x" * 101, max_bytes=100))
    await http.close()


# Secrets


@pytest.mark.parametrize(
    "act",
    [answers(), answers("500 Oops", CANARY.encode()), sends(), sends(CANARY.encode()), hangs],
    ids=["fine", "error", "closed", "garbage", "hangs"],
)
async def test_a_secret_never_reaches_logs_or_errors(http: Http, act: Act, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx")
    caplog.set_level(logging.DEBUG, logger="httpcore")
    said = []
    async with serving(act) as server:
        base = server.url.replace("http://", f"http://user:{CANARY}@")
        try:
            answer = await http.request(
                "POST",
                f"{base}/send?access_token={CANARY}",
                params={"secret": CANARY},
                headers={"authorization": f"Bearer {CANARY}"},
                json={"token": CANARY},
                timeout=0.1 if act is hangs else 5,
            )
            said += [answer.where]
        except Retryable as error:
            said += [str(error), repr(error), error.code, repr(error.__cause__)]
    assert not [text for text in (*said, caplog.text) if CANARY in text]
    assert json.dumps(said)

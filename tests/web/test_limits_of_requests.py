"""Heads, addresses, connections: each has a limit, on every way in."""

import asyncio
from typing import Any

import pytest

from bridge.web.connections import Connections
from bridge.web.fastpath import Connection
from bridge.web.proxies import Proxies
from tests.web.test_fastpath import WebHarness, answers, push


def first(harness: WebHarness) -> bytes:
    return harness.line.written.split(b" ")[1] if harness.line.written else b""


HEAD = b"POST /hooks/shop HTTP/1.1\r\nHost: bridge\r\n"


@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        ([HEAD + b"a: b\r\n" * 101 + b"\r\n"], b"431"),
        ([HEAD] + [b"a: b\r\n" * 40] * 3, b"431"),
        ([HEAD + b"a: " + b"b" * 40_000 + b"\r\n\r\n"], b"431"),
        ([HEAD + b"a: "] + [b"b" * 9000] * 4, b"431"),
        ([HEAD] + [b"n" * 9000] * 4, b"431"),
        ([b"POST /hooks/shop?" + b"q" * 8200 + b" HTTP/1.1\r\nHost: bridge\r\n\r\n"], b"414"),
        ([b"GET /" + b"p" * 9000, b"p" * 9000 + b" HTTP/1.1\r\nHost: bridge\r\n\r\n"], b"414"),
        ([b"GET /page HTTP/1.1\r\nHost: bridge\r\n" + b"a: b\r\n" * 101 + b"\r\n"], b"431"),
    ],
)
async def test_a_head_has_limits(chunks: list[bytes], status: bytes) -> None:
    harness = WebHarness(Connection)
    await harness.hear(*chunks)
    assert first(harness) == status and harness.line.closed and not harness.kept


async def test_what_follows_a_body_in_pieces_has_limits_too() -> None:
    start = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nwords\r\n"
    for more in (
        [b"0\r\n"] + [b"a: b\r\n" * 50] * 5,
        [b"0\r\na: "] + [b"b" * 9000] * 9,
        [b"1;" + b"e" * 9000] * 1 + [b"e" * 9000] * 8,
    ):
        harness = WebHarness(Connection)
        await harness.hear(start, *more)
        assert harness.line.closed and not harness.kept


async def test_ten_million_lines_cost_no_memory() -> None:
    harness = WebHarness(Connection)
    harness.protocol.data_received(HEAD)
    sent = 0
    while not harness.line.closed and sent < 10_000_000:
        harness.protocol.data_received(b"a: b\r\n" * 1000)
        sent += 1000
    assert harness.line.closed and sent < 3000


async def test_a_head_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.web.connections.HEAD_WITHIN", 0.05)
    monkeypatch.setattr("bridge.web.connections._LOOK_EVERY", 0.02)
    silent, half, answered = WebHarness(Connection), WebHarness(Connection), WebHarness(Connection)
    await half.hear(HEAD)
    await answered.hear(push())
    await asyncio.sleep(0.15)
    assert silent.line.closed and not silent.line.written
    assert half.line.closed and first(half) == b"408"
    assert not answered.line.closed


async def test_a_caller_who_does_not_read_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.web.connections.READ_WITHIN", 0.05)
    monkeypatch.setattr("bridge.web.connections._LOOK_EVERY", 0.02)
    harness, fine = WebHarness(Connection), WebHarness(Connection)
    for one in (harness, fine):
        await one.hear(push())
        one.protocol.pause_writing()
    fine.protocol.resume_writing()
    await asyncio.sleep(0.15)
    assert harness.line.closed and not fine.line.closed


class One:
    """A connection that rests, or does not."""

    network, since, stalled = "", 0.0, 0.0

    def __init__(self, *, busy: bool = False) -> None:
        self.busy, self.dropped = busy, False

    def rests(self) -> bool:
        return not self.busy

    def drop(self) -> None:
        self.dropped = True


def entered(connections: Connections, *peers: str, busy: bool = False) -> list[One]:
    found = [One(busy=busy) for _ in peers]
    for one, peer in zip(found, peers, strict=True):
        assert connections.enter(one, peer)
    return found


async def test_one_network_has_so_many_and_its_oldest_gives_way() -> None:
    connections = Connections(each=2)
    ones = entered(connections, "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")
    assert [one.dropped for one in ones] == [True, False, False, False] and len(connections) == 3


async def test_what_is_under_way_is_not_ended_and_the_newcomer_is_told() -> None:
    connections = Connections(each=2)
    entered(connections, "192.0.2.1", "192.0.2.1", busy=True)
    newest: Any = One()
    assert not connections.enter(newest, "192.0.2.1")
    assert connections.enter(newest, "192.0.2.2")


async def test_when_all_is_full_the_most_crowded_network_gives_way() -> None:
    connections = Connections(most=3)
    ones = entered(connections, "192.0.2.1", "192.0.2.9", "192.0.2.9", "192.0.2.2")
    assert [one.dropped for one in ones] == [False, True, False, False]


async def test_a_trusted_proxy_is_no_network() -> None:
    connections = Connections(Proxies(["10.0.0.0/8"]), each=1)
    assert not any(one.dropped for one in entered(connections, *["10.1.2.3"] * 5))


@pytest.mark.parametrize(
    ("peer", "said", "caller"),
    [
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),  # nobody's proxy
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "192.0.2.1, 203.0.113.9", "203.0.113.9"),  # the first was written by the caller
        ("127.0.0.1", "203.0.113.9, 10.0.0.1", "203.0.113.9"),  # two of ours in a row
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("", "203.0.113.9", "203.0.113.9"),
    ],
)
def test_whose_word_counts(peer: str, said: str, caller: str) -> None:
    proxies = Proxies(["127.0.0.1", "10.0.0.0/8"])
    assert proxies.caller(peer, [(b"x-forwarded-for", said.encode())] if said else []) == caller


@pytest.mark.parametrize(
    "path", ["/page%0A", "/page%00", "/%0Apage", "/page%0D", "/page%7f", "/hooks/shop%0A", "/hooks/%01"]
)
async def test_control_characters_in_an_address_are_refused(path: str) -> None:
    harness = WebHarness(Connection)
    await harness.hear(push(b"", path=path, method="GET"))
    assert answers(harness)[0].startswith(b"400")

"""What the rig lends keeps the rules of what the bridge lends."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.contract import Account, Append, Conflict, Media, MediaStore, Put, Records, Rejected, Token, Tokens
from bridge.testing.clock import VirtualClock
from bridge.testing.conformance.purity import Impure, make_isolated_account
from bridge.testing.records import MemoryRecords
from bridge.testing.rig import lend_account, make_account
from bridge.testing.tokens import MemoryTokens

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20


async def test_an_account_is_complete() -> None:
    clock = VirtualClock()
    async with lend_account("shop", clock=clock, language="zh") as account:
        assert (account.hook_url, account.language) == ("https://bridge.example.com/hooks/shop", "zh")
        assert account.now() == clock()
        protocols: tuple[Tokens, MediaStore, Records] = (account.tokens, account.media, account.records)
        assert all(protocols)
    assert make_account("a").secret != make_account("b").secret


# Tokens


def counting(clock: VirtualClock, lasts: timedelta | None = timedelta(hours=2)) -> Any:
    made: list[Token | None] = []

    async def renew(old: Token | None) -> Token:
        made.append(old)
        await asyncio.sleep(0)
        return Token(f"t{len(made)}", clock() + lasts if lasts else None)

    renew.made = made  # type: ignore[attr-defined] # a function that remembers
    return renew


async def test_a_token_is_renewed_once_for_all() -> None:
    clock = VirtualClock()
    tokens, renew = MemoryTokens(clock), counting(clock)
    found = await asyncio.gather(*(tokens.get("a", renew) for _ in range(5)))
    assert ({token.value for token in found}, len(renew.made)) == ({"t1"}, 1)


async def test_a_token_is_renewed_early() -> None:
    clock = VirtualClock()
    tokens, renew = MemoryTokens(clock), counting(clock)
    await tokens.get("a", renew, early=timedelta(minutes=5))
    clock.advance(minutes=114)
    assert (await tokens.get("a", renew, early=timedelta(minutes=5))).value == "t1"
    clock.advance(minutes=2)
    assert (await tokens.get("a", renew, early=timedelta(minutes=5))).value == "t2"
    assert renew.made[1] == Token("t1", VirtualClock()() + timedelta(hours=2)), "renew gets the old one"


async def test_a_refused_token_is_renewed_unless_a_newer_one_is_there() -> None:
    clock = VirtualClock()
    tokens, renew = MemoryTokens(clock), counting(clock, None)
    await tokens.get("a", renew)
    found = await asyncio.gather(*(tokens.get("a", renew, refused="t1") for _ in range(3)))
    assert ({token.value for token in found}, len(renew.made)) == ({"t2"}, 2)
    assert (await tokens.get("a", renew, refused="t1")).value == "t2"


async def test_a_token_that_cannot_be_renewed_leaves_the_old_one_and_the_lock() -> None:
    tokens = MemoryTokens(VirtualClock())

    async def fails(old: Token | None) -> Token:
        raise Rejected("no")

    for _ in range(2):
        with pytest.raises(Rejected):
            await tokens.get("a", fails)
    assert tokens.stored == {}


# Media


async def test_the_same_bytes_are_kept_once() -> None:
    account = make_account("shop")
    one = await account.media.keep(PNG, name="a.jpg", mime="image/jpeg")
    other = await account.media.keep(PNG, name="b.png")
    assert one.sha256 == other.sha256
    assert (one.mime, one.size, one.name, one.account) == ("image/png", 28, "a.jpg", "shop")
    assert await account.media.read(one) == PNG
    assert one.url == account.media.link(one)
    assert one.url.startswith("https://bridge.example.com/media/")


async def test_what_is_gone_is_rejected() -> None:
    account: Account = make_account()
    with pytest.raises(Rejected):
        await account.media.read(Media(account="shop", id="1", sha256="00" * 32))


# Records


async def test_records_have_versions() -> None:
    records = MemoryRecords()
    assert await records.commit(Put("visit", "a", {"n": 1}, expect=0)) == [1]
    assert await records.commit(Put("visit", "a", {"n": 2}, expect=1)) == [2]
    with pytest.raises(Conflict):
        await records.commit(Put("visit", "a", {"n": 3}, expect=1))
    assert await records.get("visit", "a") == ({"n": 2}, 2)
    assert await records.commit(Put("visit", "a", None)) == [0]
    assert await records.get("visit", "a") is None


async def test_a_commit_is_all_or_nothing() -> None:
    records = MemoryRecords()
    with pytest.raises(Conflict):
        await records.commit(Append("s", {"n": 1}), Put("visit", "a", {}), Put("visit", "b", {}, expect=7))
    assert await records.read("s") == []
    assert await records.get("visit", "a") is None
    with pytest.raises(TypeError):
        await records.commit(Put("visit", "a", {"when": VirtualClock()()}))


async def test_streams_count_without_gaps_and_know_repeats() -> None:
    records = MemoryRecords()
    assert await records.commit(Append("s", {"n": 1}, once="x"), Append("s", {"n": 2})) == [1, 2]
    assert await records.commit(Append("s", {"n": 1}, once="x"), Append("s", {"n": 3})) == [1, 3]
    assert await records.read("s", after=1) == [(2, {"n": 2}), (3, {"n": 3})]
    assert await records.read("s", limit=1) == [(1, {"n": 1})]
    assert await records.commit(Append("t", {"n": 1}, once="x")) == [1], "once is of its stream"


async def test_lists_and_searches() -> None:
    records = MemoryRecords()
    for key in ("b1", "a2", "a1"):
        await records.commit(Put("visit", key, {"name": f'Größe "{key}"'}))
    await records.commit(Put("other", "a3", {}))
    assert [key for key, _ in await records.list("visit")] == ["a1", "a2", "b1"]
    assert [key for key, _ in await records.list("visit", after="a1", limit=1)] == ["a2"]
    assert [key for key, _ in await records.list("visit", prefix="a")] == ["a1", "a2"]
    assert [key for key, _ in await records.search("visit", "größe")] == ["a1", "a2", "b1"]
    assert [key for key, _ in await records.search("visit", '"b1"')] == ["b1"]


async def test_waiting_ends_when_a_stream_grows_or_time_is_up() -> None:
    records = MemoryRecords()
    waiter = asyncio.create_task(records.wait(["s"], 10))
    await asyncio.sleep(0)
    await records.commit(Append("other", {}))
    await asyncio.sleep(0)
    assert not waiter.done()
    await records.commit(Append("s", {}))
    await waiter
    await records.wait(["s"], 0.01)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(("", "x", "y"))), max_size=20))
def test_numbers_are_the_place_in_the_stream(appends: list[tuple[str, str]]) -> None:
    async def run() -> None:
        records = MemoryRecords()
        for stream, once in appends:
            (number,) = await records.commit(Append(stream, {"once": once}, once=once))
            assert dict(await records.read(stream))[number] == {"once": once}
        for stream in "ab":
            numbers = [number for number, _ in await records.read(stream)]
            assert numbers == list(range(1, len(numbers) + 1))

    asyncio.run(run())


# The account that cannot be used


@pytest.mark.parametrize(
    "use", [lambda account: account.now(), lambda account: account.http.request, lambda account: account.records.get]
)
def test_a_dry_account_notices_every_use(use: Any) -> None:
    account = make_isolated_account("trial")
    assert account.name == "trial"
    with pytest.raises(Impure):
        use(account)

"""Webhook, nudge, poll, listener, route: whichever way a message comes, it is the same message."""

import asyncio
from collections.abc import Sequence
from typing import Any

from bridge.contract import Fetches, Listens, MessageReceived, Polls, Raw, Rejected, Serves, StoreDown
from bridge.testing.conformance.case import ACCOUNT, ConnectorCase, applies, offers
from bridge.testing.conformance.harness import Harness
from bridge.testing.rig import result_of


class InboundPaths(ConnectorCase):
    """Every way in that the connector has."""

    async def test_all_ways_in_meet_on_one_key(self, harness: Harness) -> None:
        """Webhook, nudge, poll, listener and route: each way that exists brings the message, all with the same key."""
        paths = await self._paths(harness, "by whatever way")
        found = {path: self._find(harness, raws, "by whatever way") for path, raws in paths.items()}
        assert found, "there is no way in: no callbacks, no Polls, no Listens, no Serves"
        for path, seen in found.items():
            assert seen, f"the {path} did not bring the message"
        assert len({frozenset(seen) for seen in found.values()}) == 1, f"different keys or ids by way: {found}"

    @applies(offers(Polls))
    async def test_the_first_collection_starts_from_now(self, harness: Harness) -> None:
        await self.happens(harness, "long ago")
        harness.clock.advance(days=2)
        raws, cursor = await _collect(harness, None)
        assert not self._find(harness, raws, "long ago"), "the first collection must not import history"
        assert cursor is not None, "the first collection returned no cursor"

    @applies(offers(Polls))
    async def test_a_collection_can_be_repeated(self, harness: Harness) -> None:
        _, cursor = await _collect(harness, None)
        harness.clock.advance(minutes=5)
        await self.happens(harness, "collected twice")
        harness.clock.advance(minutes=5)
        first, _ = await _collect(harness, cursor)
        again, _ = await _collect(harness, cursor)
        assert {raw.key for raw in first} == {raw.key for raw in again}

    @applies(offers(Serves))
    async def test_routes_belong_to_the_account(self, harness: Harness) -> None:
        assert isinstance(harness.connector, Serves)
        for route in harness.connector.routes(harness.persist):
            path = getattr(route, "path", "")
            assert f"/{ACCOUNT}" in path, f"{path}: two accounts of this kind would share a route"

    @applies(offers(Serves))
    async def test_what_could_not_be_kept_is_not_confirmed(self, harness: Harness) -> None:
        """While the store is down the visitor's request fails, so that it is sent again."""
        harness.store_down = True
        try:
            await self.happens(harness, "while the store is down")
        except (AssertionError, StoreDown, ValueError, KeyError, OSError):
            return
        except Exception as error:
            if type(error).__name__ == "HTTPStatusError":
                return
            raise
        raise AssertionError("`happens` succeeded although nothing was kept; let it raise for a status of 400 or more")

    @applies(offers(Fetches))
    async def test_fetch_gives_the_bytes_and_keeps_the_limit(self, harness: Harness) -> None:
        data = b"%PDF-1.7\n" + b"x" * 5000
        media = await self.put_file(harness, data)
        connector: Any = harness.connector
        fetched = b"".join([chunk async for chunk in connector.fetch(media, len(data))])
        assert fetched == data
        try:
            async for _ in connector.fetch(media, len(data) - 1):
                pass
        except Rejected:
            return
        raise AssertionError("a file above the limit must raise Rejected")

    async def _paths(self, harness: Harness, text: str) -> dict[str, Sequence[Raw]]:
        connector = harness.connector
        paths: dict[str, Sequence[Raw]] = {}
        cursor: str | None = None
        if isinstance(connector, Polls):
            _, cursor = await _collect(harness, None)
            harness.clock.advance(minutes=5)
        if isinstance(connector, Listens):
            paths["listener"] = await self._listen(harness, text)
        else:
            await self.happens(harness, text)
        if self.takes_callbacks:
            result = await result_of(connector, await harness.request())
            if result.raws:
                paths["callback"] = result.raws
            paths |= await _nudge(harness, result.refresh)
        elif isinstance(connector, Serves):
            paths["route"] = list(harness.kept)
        if isinstance(connector, Polls):
            harness.clock.advance(minutes=5)
            paths["poll"], _ = await _collect(harness, cursor)
        return paths

    async def _listen(self, harness: Harness, text: str) -> list[Raw]:
        """What the listener keeps while the text is said."""
        assert isinstance(harness.connector, Listens)
        listener = asyncio.create_task(harness.connector.listen(harness.persist, None))
        listener.add_done_callback(lambda _: asyncio.ensure_future(harness.notice()))
        try:
            await self.listening(harness)
            await self.happens(harness, text)
            await harness.until(lambda: listener.done() or self._find(harness, harness.kept, text))
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
        return list(harness.kept)

    def _find(self, harness: Harness, raws: Sequence[Raw], text: str) -> set[tuple[str, str]]:
        """(key, message id) of the raws that say the text."""
        return {
            (raw.key, event.message.id)
            for raw in raws
            for event in _messages(harness.connector.normalise(raw))
            if any(text in getattr(part, "body", "") for part in event.message.parts)
        }


async def _nudge(harness: Harness, conversations: Sequence[str]) -> dict[str, Sequence[Raw]]:
    """What a look at these conversations brings; nothing without Polls or without a nudge."""
    if not isinstance(harness.connector, Polls) or not conversations:
        return {}
    pages = [await harness.connector.poll(None, conversation) for conversation in conversations]
    return {"nudge": [raw for page in pages for raw in page.raws]}


async def _collect(harness: Harness, cursor: str | None) -> tuple[list[Raw], str | None]:
    """All pages from a cursor."""
    assert isinstance(harness.connector, Polls)
    raws: list[Raw] = []
    for _ in range(50):
        page = await harness.connector.poll(cursor)
        raws += page.raws
        cursor = page.cursor or cursor
        if not page.more:
            return raws, cursor
    raise AssertionError("50 pages and still more: the collection does not end")


def _messages(events: Sequence[Any]) -> list[MessageReceived]:
    return [event for event in events if isinstance(event, MessageReceived)]

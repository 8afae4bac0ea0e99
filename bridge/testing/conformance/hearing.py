"""A conversation at the vendor, what is said there, and how the connector hears of it."""

import json
from collections.abc import Sequence
from typing import Any

from bridge.contract import AuthorKind, Event, MessageReceived, Polls, Raw, Receipt, Role, Text
from bridge.testing.conformance.builders import said, send, target_for
from bridge.testing.conformance.case import ConnectorCase
from bridge.testing.conformance.harness import Harness

MANY = 250  # more than a page of any vendor that is known


class Hearing(ConnectorCase):
    """What the tests that listen share."""

    def there(self) -> AuthorKind:
        """Who speaks at the vendor, to whom the bridge listens."""
        return AuthorKind.AGENT if self.role is Role.DESK else AuthorKind.CUSTOMER

    async def begun(self, harness: Harness, key: str = "key-begin") -> str:
        """A conversation in which something was said; what happens from now on is found from `harness.cursor`."""
        if isinstance(harness.connector, Polls) and harness.cursor is None:
            _, harness.cursor = await self.pages(harness, None)
        if self.role is Role.DESK:
            receipt = await self.tell(harness, None, key, "a conversation begins")
            harness.peers[receipt.conversation] = receipt.peer
            return receipt.conversation
        return await self.open_conversation(harness)

    async def tell(self, harness: Harness, conversation: str | None, key: str, text: str) -> Receipt:
        context, target = target_for(self.role, conversation, key=key)
        message = said(self.role, Text(body=text), conversation=conversation or "c1")
        (step,) = harness.connector.render([message], context)
        return await send(harness, step, target)

    async def heard(self, harness: Harness, conversation: str, text: str) -> list[MessageReceived]:
        """Messages with a text, by every way in that is there."""
        return self.saying(harness, await self.kept(harness, conversation), text)

    async def kept(self, harness: Harness, conversation: str) -> list[Raw]:
        """What came by every way in that is there."""
        harness.clock.advance(minutes=5)
        raws, connector = list(harness.kept), harness.connector
        if isinstance(connector, Polls):
            raws += (await connector.poll(None, conversation)).raws
            raws += (await self.pages(harness, harness.cursor))[0]
        return raws

    async def pages(self, harness: Harness, cursor: str | None) -> tuple[list[Raw], str | None]:
        """All pages from a cursor, and the last one's."""
        connector: Any = harness.connector
        raws: list[Raw] = []
        for _ in range(2 * MANY):
            page = await connector.poll(cursor)
            raws += page.raws
            cursor = page.cursor or cursor
            if not page.more:
                break
        return raws, cursor

    def saying(self, harness: Harness, raws: Sequence[Raw], text: str) -> list[MessageReceived]:
        events: list[Event] = [event for raw in raws for event in harness.connector.normalise(raw)]
        return [
            event
            for event in events
            if isinstance(event, MessageReceived) and text in json.dumps(event.message.model_dump(mode="json"))
        ]

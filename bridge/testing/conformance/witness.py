"""What people at the vendor see, and what the connector makes of what they do: rules that need a witness there."""

import re
from typing import Any

from pydantic import SecretStr

from bridge.contract import (
    Audience,
    AuthorKind,
    ConnectorError,
    Fetches,
    File,
    Polls,
    Role,
    Status,
    StatusChanged,
    Support,
    Text,
)
from bridge.testing.conformance.builders import said, send, target_for
from bridge.testing.conformance.case import ConnectorCase, applies, needs, offers
from bridge.testing.conformance.harness import Harness
from bridge.testing.conformance.hearing import MANY, Hearing

_ODD: tuple[dict[str, Any], ...] = (
    {"tags": "one", "group": 7, "priority": {"a": 1}, "custom_fields": "x", "queue": ["a"], "brand": True},
    {"tags": [7, None, {"a": 1}], "group": ["a"], "priority": [], "custom_fields": [1], "product": 3.5},
)


def _is_desk(case: type[ConnectorCase]) -> bool:
    return case.role is Role.DESK


def _desk_that_polls(case: type[ConnectorCase]) -> bool:
    return case.role is Role.DESK and case.tickets_end and issubclass(case.connector, Polls)


class Witness(Hearing):
    """Private stays private, ours is known as ours, nothing is lost while the bridge is away."""

    # Private and public

    @needs("says_privately", _is_desk)
    async def test_private_notes_are_read_as_private(self, harness: Harness) -> None:
        conversation = await self.begun(harness)
        await self.says_privately(harness, conversation, "between us agents")
        found = await self.heard(harness, conversation, "between us agents")
        assert found, "a private note never arrives: agents' commands begin with #"
        assert all(event.message.audience is Audience.AGENTS for event in found), "a note would go to the customer"

    @needs("audience_of", _is_desk)
    async def test_notes_of_the_bridge_are_private_there(self, harness: Harness) -> None:
        conversation = await self.begun(harness)
        if not harness.connector.capabilities.notes:
            return
        context, target = target_for(self.role, conversation, key="key-note")
        note = said(self.role, Text(body="for agents only"), conversation="c1")
        for step in harness.connector.render([note.model_copy(update={"audience": Audience.AGENTS})], context):
            await send(harness, step, target)
        assert await self.audience_of(harness, "for agents only") is Audience.AGENTS

    @needs("author_of", _is_desk)
    async def test_the_customer_is_the_author_there(self, harness: Harness) -> None:
        """What `Capabilities.customer_is_author` promises is what agents see."""
        conversation = await self.begun(harness)
        await self.tell(harness, conversation, "key-2", "words of a customer")
        if harness.connector.capabilities.customer_is_author is Support.FULL:
            assert await self.author_of(harness, "words of a customer") is AuthorKind.CUSTOMER
        else:
            assert await self.author_of(harness, "words of a customer") is not AuthorKind.AGENT

    @needs("says")
    async def test_who_speaks_is_known(self, harness: Harness) -> None:
        conversation = await self.begun(harness)
        await self.says(harness, conversation, "who is speaking")
        found = await self.heard(harness, conversation, "who is speaking")
        expected = self.there()
        assert found, "what was said in a conversation does not arrive"
        assert all(event.message.author.kind is expected for event in found)
        assert all(event.message.audience is Audience.CUSTOMER for event in found)
        assert all(event.message.conversation == conversation for event in found)

    # Ours

    @applies(offers(Polls))
    async def test_what_we_wrote_is_known_as_ours(self, harness: Harness) -> None:
        """Where it comes back, then with the key of its step or with an id that the receipt named."""
        conversation = await self.begun(harness)
        receipt = await self.tell(harness, conversation, "key-ours", "we wrote this ourselves")
        for event in await self.heard(harness, conversation, "we wrote this ourselves"):
            message = event.message
            known = message.origin == "key-ours" or message.id in receipt.ids
            assert known, f"it would be taken for a new message: {message.id}, receipt {receipt.ids}"
            if harness.connector.capabilities.echoes_origin:
                ours = message.origin == "key-ours" or message.author.kind is not self.there()
                assert ours, "capabilities promise that our own writes can always be told (echoes_origin)"

    async def test_receipts_show_no_secret(self, harness: Harness) -> None:
        receipt = await self.tell(harness, await self.begun(harness), "key-url", "see the address")
        text = receipt.model_dump_json()
        values = [getattr(harness.connector.config, name) for name in type(harness.connector.config).model_fields]
        secrets = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        assert not [secret for secret in secrets if len(secret) >= 6 and secret in text], "a receipt shows a secret"
        assert "@" not in receipt.url.partition("//")[2].partition("/")[0], "a receipt's address holds a password"

    # Conversations

    @needs("says", lambda case: _is_desk(case) and issubclass(case.connector, Polls))
    async def test_a_conversation_can_be_read_alone(self, harness: Harness) -> None:
        connector: Any = harness.connector
        conversation, other = await self.begun(harness), await self.begun(harness, "key-other")
        await self.says(harness, conversation, "in this one")
        await self.says(harness, other, "in another one")
        harness.clock.advance(minutes=5)
        raws = (await connector.poll(None, conversation)).raws
        assert self.saying(harness, raws, "in this one"), "poll(None, conversation) did not find it"
        if conversation != other:
            assert not self.saying(harness, raws, "in another one")

    @needs("says", offers(Polls))
    async def test_several_in_one_second_keep_their_order(self, harness: Harness) -> None:
        conversation = await self.begun(harness)
        cursor = await self._away(harness)
        texts = [f"same second {number:02}" for number in range(6)]
        for text in texts:
            await self.says(harness, conversation, text)
        assert await self._collected(harness, cursor, "same second") == texts

    @needs("says", offers(Polls))
    async def test_nothing_is_lost_while_away(self, harness: Harness) -> None:
        """250 messages in two conversations: all of them, once, those of each in their order, over as many pages as it
        takes.
        """
        places = [await self.begun(harness, f"key-{number}") for number in range(2)]
        cursor = await self._away(harness)
        texts = [f"of many {number:03}" for number in range(MANY)]
        for number, text in enumerate(texts):
            harness.clock.advance(seconds=30)  # within what vendors allow people to write
            await self.says(harness, places[number % 2], text)
        found = await self._collected(harness, cursor, "of many")
        assert sorted(found) == texts, f"{len(found)} of {MANY} were found"
        for part in range(2):
            mine = texts[part::2]
            assert [text for text in found if text in mine] == mine, "not oldest first"

    @applies(_desk_that_polls)
    async def test_a_solved_ticket_is_told(self, harness: Harness) -> None:
        conversation = await self.begun(harness)
        harness.clock.advance(minutes=2)
        await self.finishes(harness, conversation)
        harness.clock.advance(minutes=5)
        connector: Any = harness.connector
        raws = [*harness.kept, *(await connector.poll(None, conversation)).raws]
        states = [
            event.status
            for raw in raws
            for event in harness.connector.normalise(raw)
            if isinstance(event, StatusChanged) and event.conversation == conversation
        ]
        assert states, "the end of a ticket is never told"
        assert states[-1] in {Status.SOLVED, Status.CLOSED}, f"a solved ticket is told as {states[-1]}"

    # Files

    @needs("sends_file", offers(Fetches))
    async def test_files_from_there_arrive(self, harness: Harness) -> None:
        conversation = await self.begun(harness)
        data = b"%PDF-1.7\n" + b"y" * 3000
        await self.sends_file(harness, conversation, data)
        found = [
            part.media
            for event in await self.heard(harness, conversation, "")
            for part in event.message.parts
            if hasattr(part, "media") and event.message.author.kind is not AuthorKind.BRIDGE
        ]
        assert found, "a file was dropped on its way in"
        connector: Any = harness.connector
        assert data in [b"".join([chunk async for chunk in connector.fetch(media, 10**6)]) for media in found]

    @needs("files_shown")
    async def test_files_from_here_can_be_opened_there(self, harness: Harness) -> None:
        if harness.connector.capabilities.file.support is not Support.FULL:
            return
        data = b"%PDF-1.7\n" + b"z" * 3000
        media = await harness.account.media.keep(data, name="invoice.pdf", mime="application/pdf")
        conversation = await self.begun(harness)
        context, target = target_for(self.role, conversation, key="key-file")
        message = said(self.role, File(media=media), conversation=conversation)
        for number, step in enumerate(harness.connector.render([message], context)):
            await send(harness, step, target.model_copy(update={"key": f"key-file-{number}"}))
        assert data in await self.files_shown(harness), "a file was dropped on its way out"

    # Routes

    @applies(_is_desk)
    async def test_odd_fields_of_a_route_are_no_crash(self, harness: Harness) -> None:
        """An admin may write anything under `[routes.set]`: it works, or the vendor's refusal has its class."""
        for number, fields in enumerate(_ODD):
            context, target = target_for(self.role, None, key=f"key-odd-{number}")
            context = context.model_copy(update={"fields": fields})
            message = said(self.role, Text(body=f"odd fields {number}"), conversation="c1")
            try:
                for step in harness.connector.render([message], context):
                    await send(harness, step, target.model_copy(update={"fields": fields}))
            except ConnectorError:
                continue
            except Exception as error:
                raise AssertionError(f"{fields}: {type(error).__name__} left the connector") from error

    def test_every_rule_is_proven(self) -> None:
        """A hook that is not given stands in `cannot_show` with its reason: silence is no proof."""
        missing = sorted(set(self.unproven.values()) - set(self.cannot_show))
        rules = {hook: [test for test, of in self.unproven.items() if of == hook] for hook in missing}
        assert not missing, f"give these hooks, or say in cannot_show why not: {rules}"

    # Helpers

    async def _away(self, harness: Harness) -> str | None:
        """The cursor from which the bridge goes on when it is back."""
        _, cursor = await self.pages(harness, None)
        harness.clock.advance(minutes=5)
        return cursor

    async def _collected(self, harness: Harness, cursor: str | None, text: str) -> list[str]:
        """The texts that a collection brings, in its order; of what comes again under one key, the first."""
        harness.clock.advance(minutes=5)
        found: dict[str, str] = {}
        for raw in (await self.pages(harness, cursor))[0]:
            for event in self.saying(harness, [raw], text):
                words = " ".join(getattr(part, "body", "") for part in event.message.parts)
                said_there = re.search(rf"{text} \d+", words)
                found.setdefault(raw.key, said_there[0] if said_there else words)
        return list(found.values())

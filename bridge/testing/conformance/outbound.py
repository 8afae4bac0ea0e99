"""`render` says everything in order within the capabilities; `deliver` makes it visible exactly as often as it says."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import strategies as st

from bridge.contract import (
    Audience,
    Format,
    Gone,
    LooksUp,
    Message,
    Prepares,
    Rejected,
    RenderContext,
    Role,
    SetsUp,
    Step,
    Target,
    Text,
    Types,
)
from bridge.testing.conformance.builders import leaves, said, send, target_for
from bridge.testing.conformance.case import ConnectorCase, applies, offers
from bridge.testing.conformance.examples import for_each
from bridge.testing.conformance.harness import Harness
from bridge.testing.strategies import messages, rooms


def _is_desk(case: type[ConnectorCase]) -> bool:
    return case.role is Role.DESK


class Outbound(ConnectorCase):
    """Tests of `render`, `prepare`, `deliver`, `find` and the optional powers of a way out."""

    # render

    def test_every_message_is_covered_in_order(self) -> None:
        connector = self.isolated()
        notes = self.role is Role.DESK and connector.capabilities.notes

        def examine(spoken: Sequence[Message], context: RenderContext) -> None:
            steps = connector.render(spoken, context)
            covered = list(dict.fromkeys(of for step in steps for of in step.covers))
            due = [message.id for message in spoken if notes or message.audience is Audience.CUSTOMER]
            assert covered == due, "each message is covered by at least one step, in order, and nothing else is"

        self._render(examine)

    def test_private_notes_stay_private(self) -> None:
        """Where a note of its own would act as the customer's words (`notes_act`), it stands below them, for agents."""
        connector = self.isolated()
        joins = self.role is Role.DESK and connector.capabilities.notes_act  # often known only once there is an account

        def examine(spoken: Sequence[Message], context: RenderContext) -> None:
            private = {message.id for message in spoken if message.audience is Audience.AGENTS}
            said = {message.id for message in spoken} - private
            for step in connector.render(spoken, context):
                if step.audience is Audience.CUSTOMER:
                    noted = private & set(step.covers)
                    assert not noted or (joins and said & set(step.covers)), "customers see a private note"

        self._render(examine)

    def test_steps_survive_json(self) -> None:
        connector = self.isolated()

        def examine(spoken: Sequence[Message], context: RenderContext) -> None:
            for step in connector.render(spoken, context):
                assert Step.model_validate_json(step.model_dump_json()) == step

        self._render(examine)

    def test_render_is_pure(self) -> None:
        one, other = self.isolated(), self.isolated()

        def examine(spoken: Sequence[Message], context: RenderContext) -> None:
            before = context.model_dump_json()
            steps = list(one.render(spoken, context))
            assert list(one.render(spoken, context)) == steps
            assert list(other.render(spoken, context)) == steps
            assert context.model_dump_json() == before, "render changed the context"

        self._render(examine)

    def test_texts_keep_to_the_limit(self) -> None:
        connector = self.isolated()
        limit = connector.capabilities.max_text_bytes

        def examine(spoken: Sequence[Message], context: RenderContext) -> None:
            for step in connector.render(spoken, context):
                for text in leaves(step.body):
                    size = len(text.encode())  # also proves that no surrogate is left over from cutting a character
                    assert limit is None or size <= limit, f"a text of {size} bytes, {limit} are allowed"

        self._render(examine)

    def test_costs_are_counted(self) -> None:
        connector = self.isolated()

        def examine(spoken: Sequence[Message], context: RenderContext) -> None:
            for step in connector.render(spoken, context):
                assert step.cost >= (1 if connector.capabilities.window and step.covers else 0)

        self._render(examine)

    def test_nothing_said_makes_no_step(self) -> None:
        context, _ = target_for(self.role, "c1", key="k")
        assert list(self.isolated().render([], context)) == []

    def test_no_word_is_lost(self) -> None:
        connector = self.isolated()
        words = st.text(st.sampled_from("abcdeXYZ0189你好退款"), min_size=1, max_size=12)

        @for_each(st.lists(st.lists(words, min_size=1, max_size=8), min_size=1, max_size=5), shrinks=self.shrinks)
        def examine(sentences: list[list[str]]) -> None:
            spoken = [said(self.role, Text(body=" ".join(line)), conversation="c1") for line in sentences]
            context, _ = target_for(self.role, "c1", key="k")
            steps = connector.render(spoken, context)
            everything = " ".join(text for step in steps for text in leaves(step.body))
            place = 0
            for word in (word for line in sentences for word in line):
                place = everything.find(word, place)
                assert place >= 0, f"{word!r} is missing, or not in order"
                place += len(word)

    def test_markup_becomes_readable(self) -> None:
        """No tag reaches a place that shows plain text only."""
        connector = self.isolated()
        formats = connector.capabilities.formats
        context, _ = target_for(self.role, "c1", key="k")
        body = '<p>Dear <b>customer</b>, see <a href="https://acme.example/a?b=1&amp;c=2">this</a></p><p>Bye</p>'
        steps = connector.render([said(self.role, Text(body=body, format=Format.HTML), conversation="c1")], context)
        text = " ".join(text for step in steps for text in leaves(step.body))
        assert "customer" in text
        assert "acme.example/a" in text, "the link's address is lost"
        assert Format.HTML in formats or "<b>" not in text, "markup is shown as it is"

    # deliver

    async def test_what_is_delivered_is_seen_once(self, harness: Harness) -> None:
        conversation = await self.open_conversation(harness)
        await self._say(harness, conversation, "key-1", "seen once only")
        assert await self.times(harness, "seen once only") == 1

    async def test_the_order_of_steps_is_seen(self, harness: Harness) -> None:
        conversation = await self.open_conversation(harness)
        for number, text in enumerate(("first of three", "second of three", "third of three")):
            await self._say(harness, conversation, f"key-{number}", text)
        seen = "\n".join(await self.shown(harness))
        assert seen.find("first of three") < seen.find("second of three") < seen.find("third of three")

    async def test_special_characters_arrive_as_they_are(self, harness: Harness) -> None:
        conversation = await self.open_conversation(harness)
        text = "1 < 2 & \"quoted\" 'too' <b>no markup</b> {{ticket.id}} 你好 👍🏽 \\n %s"
        await self._say(harness, conversation, "key-1", text)
        assert await self.times(harness, text) == 1, f"people see {(await self.shown(harness))[-1:]}"

    @applies(_is_desk)
    async def test_the_first_step_opens_a_ticket(self, harness: Harness) -> None:
        receipt = await self._say(harness, None, "key-1", "opens a ticket")
        assert receipt.conversation, "the receipt must name the new ticket"
        await self._say(harness, receipt.conversation, "key-2", "comes after")
        assert await self.times(harness, "opens a ticket") == 1
        assert await self.times(harness, "comes after") == 1

    @applies(_is_desk)
    async def test_a_note_makes_no_ticket(self, harness: Harness) -> None:
        """As the first thing on a ticket a note would be read by the customer: it is refused, nothing is written."""
        context, target = target_for(self.role, None, key="key-1")
        note = said(self.role, Text(body="for agents only"), conversation="c1")
        note = note.model_copy(update={"audience": Audience.AGENTS})
        before = await self.shown(harness)
        for step in harness.connector.render([note], context):
            with pytest.raises((Gone, Rejected)):
                await send(harness, step, target)
        assert await self.shown(harness) == before

    @applies(lambda case: _is_desk(case) and case.tickets_end)
    async def test_a_customers_words_never_stand_on_a_finished_ticket(self, harness: Harness) -> None:
        """An agent is done with it between the connector's look and its write: it is open afterwards, or the words are
        refused and go to the next one.
        """
        conversation = (await self._say(harness, None, "key-1", "opens a ticket")).conversation
        step, target = self._step(harness, conversation, "key-2", "one more thing")
        connector: Any = harness.connector
        if isinstance(connector, Prepares):
            target = target.model_copy(update={"prepared": await connector.prepare(step, target)})
        harness.clock.advance(2)
        await self.finishes(harness, conversation)
        assert not await self.is_open(harness, conversation)
        try:
            await connector.deliver(step, target)
        except Gone:
            return
        assert await self.times(harness, "one more thing") == 1
        assert await self.is_open(harness, conversation), "nobody looks at a finished ticket"

    async def test_receipts_do_not_lie(self, harness: Harness) -> None:
        """The same step twice: either it is seen once, or the second receipt names another message."""
        conversation = await self.open_conversation(harness)
        step, target = self._step(harness, conversation, "key-1", "delivered twice")
        first = await send(harness, step, target)
        second = await send(harness, step, target.model_copy(update={"attempt": 2}))
        times = await self.times(harness, "delivered twice")
        assert times in {1, 2}
        assert (times == 1) or not first.ids or first.ids != second.ids, "one id for two messages"

    @applies(offers(Prepares))
    async def test_preparing_is_not_seen_and_can_be_repeated(self, harness: Harness) -> None:
        conversation = await self.open_conversation(harness)
        context, target = target_for(self.role, conversation, key="key-1")
        connector: Any = harness.connector
        (step,) = connector.render([said(self.role, Text(body="prepared"), conversation=conversation)], context)
        before = await self.shown(harness)
        await connector.prepare(step, target)
        prepared = await connector.prepare(step, target)
        assert json.loads(json.dumps(prepared)) == prepared, "what prepare returns is stored as JSON"
        assert await self.shown(harness) == before
        await connector.deliver(step, target.model_copy(update={"prepared": prepared}))
        assert await self.times(harness, "prepared") == 1

    @applies(offers(LooksUp))
    async def test_find_knows_what_was_delivered(self, harness: Harness) -> None:
        conversation = await self.open_conversation(harness)
        step, target = self._step(harness, conversation, "key-1", "to be found")
        connector: Any = harness.connector
        assert await connector.lookup(step, target) is None
        receipt = await send(harness, step, target)
        found = await connector.lookup(step, target)
        assert found is not None
        assert found.ids == receipt.ids, "find must name the same messages as deliver did"
        assert found.conversation == receipt.conversation
        assert await connector.lookup(step, target.model_copy(update={"key": "key-2"})) is None

    @applies(lambda case: issubclass(case.connector, LooksUp) and case.role is Role.DESK)
    async def test_find_knows_a_new_ticket(self, harness: Harness) -> None:
        step, target = self._step(harness, None, "key-1", "a new ticket to be found")
        connector: Any = harness.connector
        assert await connector.lookup(step, target) is None
        receipt = await send(harness, step, target)
        found = await connector.lookup(step, target)
        assert found is not None
        assert found.conversation == receipt.conversation

    async def test_a_conversation_that_never_was_is_no_trouble_for_others(self, harness: Harness) -> None:
        """Ends for good (Gone, Rejected, WindowClosed), or the vendor opens it: never an endless retry."""
        from bridge.contract import WindowClosed

        try:
            await self._say(harness, "999999999", "key-1", "to nobody")
        except (Gone, Rejected, WindowClosed) as error:
            assert str(error)

    @applies(offers(Types))
    async def test_typing_is_no_message(self, harness: Harness) -> None:
        conversation = await self.open_conversation(harness)
        before = await self.shown(harness)
        connector: Any = harness.connector
        await connector.typing(conversation, on=True)
        await connector.typing(conversation, on=False)
        assert await self.shown(harness) == before

    @applies(offers(SetsUp))
    async def test_set_up_can_be_repeated(self, harness: Harness) -> None:
        """A plan changes nothing; applied once, nothing is left to apply."""
        connector: Any = harness.connector
        first, second = await connector.plan(), await connector.plan()
        assert [change.text for change in first] == [change.text for change in second]
        for change in first:
            if change.apply is not None:
                await change.apply()
        left = [change.text for change in await connector.plan() if change.apply is not None]
        assert not left, f"after set-up there is still something to do: {left}"

    # Helpers

    def _render(self, examine: Any) -> None:
        capabilities = self.isolated().capabilities
        drawn = (messages(self.role, capabilities), rooms(self.role, capabilities))
        for_each(*drawn, shrinks=self.shrinks)(examine)

    def _step(self, harness: Harness, conversation: str | None, key: str, text: str) -> tuple[Step, Target]:
        context, target = target_for(self.role, conversation, key=key)
        message = said(self.role, Text(body=text), conversation=conversation or "c1")
        steps = harness.connector.render([message], context)
        assert len(steps) == 1, "a short text must be one step"
        return steps[0], target

    async def _say(self, harness: Harness, conversation: str | None, key: str, text: str) -> Any:
        return await send(harness, *self._step(harness, conversation, key, text))

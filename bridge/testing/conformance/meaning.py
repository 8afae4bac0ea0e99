"""What was said is shown: things without words, agents' notes, and words whose file is refused."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bridge.contract import (
    Audience,
    Card,
    ConnectorError,
    Format,
    Gone,
    Image,
    Location,
    OwnersChanged,
    Part,
    Retryable,
    Role,
    Step,
    Target,
    Text,
    Unsupported,
    to_plain,
)
from bridge.testing.conformance.builders import leaves, said, send, target_for
from bridge.testing.conformance.case import ConnectorCase, applies, needs
from bridge.testing.conformance.files import picture
from bridge.testing.conformance.harness import Harness
from bridge.testing.conformance.hearing import Hearing
from bridge.testing.faults import Trouble


def _html(body: str) -> Text:
    return Text(body=body, format=Format.HTML)


WORDLESS: Mapping[str, tuple[Part, str]] = {
    "a picture of another host": (_html('<p><img src="https://cdn.shop.example/map.png"></p>'), "cdn.shop.example/map"),
    "a picture in a link": (
        _html('<a href="https://pay.shop.example/1"><img src="https://cdn.shop.example/pay.png"></a>'),
        "pay.shop.example/1",
    ),
    "a page in the page": (_html('<iframe src="https://maps.shop.example/7"></iframe>'), "maps.shop.example/7"),
    "a film": (_html('<video><source src="https://cdn.shop.example/how.mp4"></video>'), "cdn.shop.example/how"),
    "an object": (_html('<object data="https://cdn.shop.example/plan.pdf"></object>'), "cdn.shop.example/plan"),
    "a drawing": (_html('<svg aria-label="floor plan"><path d="M0 0"/></svg>'), "floor plan"),
    "a choice": (_html('<form><input type="radio" checked> <label>express</label></form>'), "express"),
    "a place": (Location(latitude=31.2304, longitude=121.4737), "31.23"),
    "a card with an address": (Card(url="https://shop.example/p/1"), "shop.example/p/1"),
    "a card of an app": (Card(app="wx1234567890abcdef", path="pages/order?id=7"), "pages/order?id=7"),
    "something without a shape": (Unsupported(what="sticker", words={"zh": "[贴纸]"}), "sticker"),
}
"""Things with a meaning and without words, and what of each must be seen."""

_NOTE = "Not delivered yet: 1 < 2 & <b>no markup</b>\n\n> first answer\n> second answer"


def _notes(case: type[ConnectorCase]) -> bool:
    return case.role is Role.DESK


def _has_vendor(case: type[ConnectorCase]) -> bool:
    return case.simulator is not None


class Meaning(Hearing):
    """Nothing vanishes because it has no words, or because something else came with it."""

    @pytest.mark.parametrize("what", WORDLESS)
    def test_what_has_no_words_is_shown(self, what: str) -> None:
        """It is sent, linked or said in words, and never as if nothing were in the message."""
        connector = self.isolated()
        part, wanted = WORDLESS[what]
        context, _ = target_for(self.role, "c1", key="k")
        steps = connector.render([said(self.role, part, conversation="c1")], context)
        shown = json.dumps([step.body for step in steps], ensure_ascii=False)
        shown += to_plain(" ".join(text for step in steps for text in leaves(step.body)), Format.HTML)
        assert wanted in shown, f"{what} reaches nobody: {shown}"

    async def test_what_has_no_words_arrives(self, harness: Harness) -> None:
        conversation = await self.begun(harness)
        wanted = await self.says_wordless(harness, conversation)
        heard = await self.heard(harness, conversation, "")
        words = [_words(event.message.parts) for event in heard]
        assert any(wanted in text for text in words), f"it is read as nothing: {words}"

    @needs("says")
    async def test_what_is_said_is_read_as_words(self, harness: Harness) -> None:
        """Notes quote what agents wrote: its format is named, so that no markup stands in them."""
        conversation = await self.begun(harness)
        await self.says(harness, conversation, "words to be quoted")
        heard = await self.heard(harness, conversation, "words to be quoted")
        quoted = [_words(event.message.parts) for event in heard]
        assert quoted, "what was said does not arrive"
        assert all("<" not in text for text in quoted), f"a note would quote markup: {quoted}"

    @applies(_notes)
    async def test_notes_are_read_as_they_were_written(self, harness: Harness) -> None:
        """Line by line, with what they quote."""
        if not harness.connector.capabilities.notes:
            return
        conversation = await self.open_conversation(harness)
        context, target = target_for(self.role, conversation, key="key-note")
        note = said(self.role, Text(body=_NOTE), conversation="c1").model_copy(update={"audience": Audience.AGENTS})
        for step in harness.connector.render([note], context):
            await send(harness, step, target)
        seen = [text for text in await self.shown(harness) if "first answer" in text]
        lines = [line.strip() for text in seen for line in text.splitlines()]
        for line in filter(None, _NOTE.splitlines()):
            assert line in lines, f"agents do not read {line!r}: {seen}"

    @applies(_has_vendor)
    @pytest.mark.parametrize("status", [413, 429, 503])
    async def test_words_do_not_wait_for_a_file_that_is_refused(self, harness: Harness, status: int) -> None:
        """Whatever the vendor says to a file, the words that came with it are seen at once."""
        conversation = await self.open_conversation(harness)
        media = await harness.account.media.keep(picture(900), name="picture.png", mime="image/png")
        message = said(self.role, Text(body="words that stay"), Image(media=media), conversation=conversation)
        context, target = target_for(self.role, conversation, key="key-file")
        for place, step in enumerate(harness.connector.render([message], context)):
            await self._bring(harness, step, target.model_copy(update={"key": f"key-file-{place}"}), status)
        assert "words that stay" in "".join(await self.shown(harness)), "the words are lost with their file"

    @needs("gives_to_another", _notes)
    async def test_words_never_stand_on_somebody_elses_ticket(self, harness: Harness) -> None:
        """A ticket of ours that was given to another customer takes no more of ours: Gone, and nothing is written."""
        conversation = await self.begun(harness)
        await self.gives_to_another(harness, conversation)
        harness.clock.advance(minutes=1)
        context, target = target_for(self.role, conversation, key="key-other")
        target = target.model_copy(update={"peer": harness.peers.get(conversation, "")})
        (step,) = harness.connector.render([said(self.role, Text(body="for my eyes"), conversation="c1")], context)
        with pytest.raises(Gone) as caught:
            await send(harness, step, target)
        assert not caught.value.moved_to, "it would follow the ticket to somebody else"
        assert not await self.times(harness, "for my eyes")

    @needs("gives_to_another", _notes)
    async def test_a_ticket_that_went_to_another_customer_is_told(self, harness: Harness) -> None:
        """What agents write there from then on is for somebody else: the event says whose the ticket is."""
        conversation = await self.begun(harness)
        await self.gives_to_another(harness, conversation)
        harness.clock.advance(minutes=1)
        await self.says(harness, conversation, "for somebody else")
        mine = harness.peers.get(conversation, "")
        raws = await self.kept(harness, conversation)
        told = [event for raw in raws for event in harness.connector.normalise(raw) if isinstance(event, OwnersChanged)]
        heard = self.saying(harness, raws, "for somebody else")
        away = [event for event in heard if event.owners and mine not in event.owners]
        assert away == heard or (told and mine not in told[-1].owners), "it would go to the former customer"

    # Helpers

    async def _bring(self, harness: Harness, step: Step, target: Target, status: int) -> None:
        """Sends a step whose file the vendor refuses; what may be tried again is tried once, as the engine would."""
        if step.media and self.uploads:
            harness.vendor.faults.add(Trouble.STATUS, self.uploads, status=status, times=4)
        elif step.media and status == 413 and "words that stay" in "".join(leaves(step.body)):
            await self.arm(harness, Trouble.STATUS, status=status)
        for last in (False, True):
            try:
                await send(harness, step, target)
            except ConnectorError as error:
                words = "words that stay" in "".join(leaves(step.body))
                if words and (last or not isinstance(error, Retryable) or status != 413):
                    pytest.fail(f"the words wait for their file: {type(error).__name__}: {error.message}")
                continue
            break
        self.disarm(harness)


def _words(parts: Sequence[Part]) -> str:
    """All that can be read of parts."""
    found: list[str] = []
    for part in parts:
        fields: dict[str, Any] = part.model_dump(mode="json")
        found.append(to_plain(part.body, part.format) if isinstance(part, Text) else json.dumps(fields))
    return " ".join(found)

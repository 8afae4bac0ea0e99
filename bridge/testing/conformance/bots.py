"""What every bot must survive, and what it must tell apart.

    class TestModel(BotConformance):
        connector = Model
        simulator = Simulator      # a `BotSimulator`: it says what it is told to, and makes the trouble it is told to

A bot without a vendor sets `simulator = None` and gives `settings`.
"""

import asyncio
import inspect
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bridge.bots.answers import Limits, check_answer
from bridge.contract import (
    Account,
    Author,
    AuthorKind,
    BotAnswered,
    BotVerdict,
    Connector,
    ConnectorError,
    Contact,
    Malformed,
    Message,
    Raw,
    RenderContext,
    Request,
    Role,
    Target,
    Text,
    Unauthentic,
    answer_key,
    describe,
)
from bridge.contract.storable import storable
from bridge.testing.clock import system_clock
from bridge.testing.conformance.documents import HEADINGS
from bridge.testing.conformance.forgeries import POISON, poisoned, texts
from bridge.testing.rig import lend_account
from bridge.testing.simulator import Simulator


class BotTrouble(StrEnum):
    """What a bot's vendor can do instead of answering."""

    SLOW = "slow"  # nothing before the deadline
    DRIP = "drip"  # signs of life for ever, and no answer
    HALF = "half"  # the connection ends in the middle of an answer
    ERROR_200 = "200 with an error"
    QUOTA = "quota"  # no money left
    LIMIT = "limit"  # too many requests just now
    HTML = "html"  # a proxy's page
    PAGE = "200 with a page"  # a sign-in, or a proxy's good-will
    AUTH = "auth"  # the key is refused
    BAD_TOOL = "invalid tool arguments"
    FORGOTTEN = "unknown conversation"  # what `memory` names is gone
    EMPTY = "empty"  # an answer without words
    NESTED = "nested"  # JSON deeper than anybody walks


class BotSimulator(Simulator):
    """`says` is the next answers' text, `handoff` whether they ask for a person; with `breaks_particulars` what they
    say of that is no JSON, or of another shape. `trouble` is what happens instead, so many `times`. `asked` are the
    questions that arrived, as the vendor reads them.
    """

    says: str = "We open at nine."
    handoff: bool = False
    breaks_particulars: bool = False
    trouble: BotTrouble | None = None
    times: int = 1
    asked: list[str]

    def meets(self) -> BotTrouble | None:
        """The trouble of this request, which is used up by it."""
        found = self.trouble
        if found is not None:
            self.times -= 1
            if self.times <= 0:
                self.trouble = None
        return found


class BotConformance:
    """Subclass it once per bot."""

    connector: ClassVar[type[Connector[Any]]]
    simulator: ClassVar[type[BotSimulator] | None] = None
    troubles: ClassVar[Sequence[BotTrouble]] = tuple(BotTrouble)  # what this vendor can do
    pytestmark: ClassVar[Any] = pytest.mark.anyio

    def settings(self, vendor: Any) -> dict[str, Any]:
        """The account's keys."""
        keys: dict[str, Any] = vendor.settings()
        return keys

    @asynccontextmanager
    async def _bot(self, **changes: Any) -> AsyncIterator[tuple[Connector[Any], Any, Account]]:
        vendor = self.simulator(clock=system_clock) if self.simulator is not None else None
        if vendor is not None:
            await vendor.start()
        try:
            keys = {**self.settings(vendor), **changes}
            config = self.connector.Config.model_validate(keys)
            async with lend_account("trial", home=vendor.base if vendor is not None else "") as account:
                yield self.connector(config, account), vendor, account
        finally:
            if vendor is not None:
                await vendor.stop()

    async def _ask(self, bot: Connector[Any], text: str, *, memory: str = "", key: str = "job-1") -> list[BotAnswered]:
        message = Message(id="m-1", conversation="", author=Author(kind=AuthorKind.CUSTOMER), parts=(Text(body=text),))
        context = RenderContext(conversation="c-1", contact=Contact(id="p-1"), memory=memory, asks=True)
        (step,) = bot.render([message], context)
        assert step.covers == ("m-1",)
        receipt = storable(await bot.deliver(step, Target(key=key, link="1")))
        raw = Raw(answer_key(key), receipt.payload.encode())
        events = bot.normalise(raw)
        assert list(events) == list(bot.normalise(raw)), "normalise is not pure"
        return [event for event in events if isinstance(event, BotAnswered)]

    def test_it_is_a_bot(self) -> None:
        assert Role.BOT in self.connector.roles

    def test_the_readme_has_its_headings(self) -> None:
        text = (Path(inspect.getfile(self.connector)).parent / "README.md").read_text("utf-8")
        found = {line.removeprefix("## ").strip() for line in text.splitlines() if line.startswith("## ")}
        assert [heading for heading in HEADINGS if heading not in found] == []

    def test_every_key_says_what_it_is(self) -> None:
        bare = [one.key for one in describe(self.connector.Config) if not (one.title.en and one.title.zh)]
        assert bare == []
        assert [one.key for one in describe(self.connector.Config) if not (one.help.en and one.help.zh)] == []

    async def test_a_question_has_one_answer(self) -> None:
        async with self._bot() as (bot, vendor, _):
            found = await self._ask(bot, "When do you open?")
            if vendor is None:
                assert [one.job for one in found] == ["job-1"]
                return
            assert [(one.job, one.text, one.verdict) for one in found] == [("job-1", vendor.says, BotVerdict.ANSWER)]
            assert any("When do you open?" in text for text in vendor.asked)

    async def test_a_stranger_is_refused(self) -> None:
        async with self._bot() as (bot, _, _account):
            request = Request("POST", "/hooks/trial", (), {}, b"{}", "192.0.2.1", system_clock())
            with pytest.raises((Unauthentic, Malformed)):
                found: Any = bot.verify(request)
                if inspect.isawaitable(found):
                    await found

    async def test_hand_off_and_text_come_as_one(self) -> None:
        async with self._bot() as (bot, vendor, _):
            if vendor is None:
                return
            vendor.says, vendor.handoff = "Let me get somebody.", True
            (found,) = await self._ask(bot, "I need help")
            assert found.verdict is BotVerdict.HANDOFF
            assert found.text in {"Let me get somebody.", ""}

    async def test_hand_off_with_text_and_broken_particulars_counts(self) -> None:
        """What a hand-off says of itself cannot be read: a person comes all the same, and not twice."""
        async with self._bot() as (bot, vendor, _):
            if vendor is None:
                return
            vendor.says, vendor.handoff, vendor.breaks_particulars = "Let me get somebody.", True, True
            (found,) = await self._ask(bot, "I need help")
            assert found.verdict is BotVerdict.HANDOFF and found.text in {"Let me get somebody.", ""}

    async def test_words_of_a_page_are_read_as_words(self) -> None:
        """Whatever the vendor makes of them on the way, the customer reads no tags."""
        async with self._bot() as (bot, vendor, _):
            if vendor is None:
                return
            vendor.says = "<p>We open at <b>nine</b> &amp; close at five.</p><script>alert(1)</script>"
            (found,) = await self._ask(bot, "When do you open?")
            checked = check_answer(found.text, "When do you open?", Limits())
            assert (checked.text, checked.wrong) == ("We open at nine & close at five.", "")

    async def test_poison_in_an_answer_can_be_stored(self) -> None:
        """Half a character, NUL or words without end, where the vendor says something: it is read, or an error of the
        contract's. What is read can be stored on either database once the bridge has seen to it.
        """
        async with self._bot() as (bot, vendor, _):
            for odd in POISON if vendor is not None else ():
                vendor.says = f"We open {odd} at nine."
                try:
                    found = await self._ask(bot, "When do you open?")
                except (ConnectorError, Malformed):
                    continue
                for event in map(storable, found):
                    dumped = event.model_dump_json()
                    assert BotAnswered.model_validate_json(dumped) == event, "not the same out of the store"
                    assert not any("\0" in text for text in texts(json.loads(dumped))), "a NUL would be stored"

    async def test_poison_in_a_payload_is_read_or_malformed(self) -> None:
        async with self._bot() as (bot, vendor, _):
            if vendor is None:
                return
            who = Author(kind=AuthorKind.CUSTOMER)
            message = Message(id="m-1", conversation="", author=who, parts=(Text(body="?"),))
            (step,) = bot.render([message], RenderContext(conversation="c-1", contact=Contact(id="p-1"), asks=True))
            receipt = await bot.deliver(step, Target(key="job-1", link="1"))
            for where, payload in poisoned(receipt.payload.encode()):
                try:
                    events = [storable(event) for event in bot.normalise(Raw(answer_key("job-1"), payload))]
                except Malformed:
                    continue
                except Exception as error:
                    raise AssertionError(f"{where}: {type(error).__name__} left normalise") from error
                for event in events:
                    assert type(event).model_validate_json(event.model_dump_json()) == event, where

    async def test_check_costs_nothing(self) -> None:
        async with self._bot() as (bot, vendor, _):
            health = await bot.check()
            assert health.ok, health.problems
            assert vendor is None or vendor.asked == [], "a check is no question"

    async def test_nothing_shows_a_secret(self) -> None:
        async with self._bot() as (bot, _, _account):
            shown = repr(bot.config) + str(bot.config) + repr(await bot.check())
            for name in type(bot.config).model_fields:
                value = getattr(bot.config, name)
                if hasattr(value, "get_secret_value") and value.get_secret_value():
                    assert value.get_secret_value() not in shown

    @pytest.mark.parametrize("trouble", list(BotTrouble))
    async def test_it_survives(self, trouble: BotTrouble) -> None:
        """An error of the contract's, or an answer that says nothing; within the deadline, and never a wrong answer."""
        if self.simulator is None or trouble not in self.troubles:
            return
        async with self._bot(deadline=timedelta(seconds=1)) as (bot, vendor, _):
            vendor.trouble, vendor.times = trouble, 1 if trouble is BotTrouble.FORGOTTEN else 100
            began = time.monotonic()
            try:
                async with asyncio.timeout(10):
                    found = await self._ask(bot, "When do you open?", memory="forgotten-1")
            except ConnectorError as error:
                assert error.message, trouble
                assert trouble is not BotTrouble.FORGOTTEN, "a forgotten conversation is begun anew, once"
            except Malformed:
                pass
            else:
                if trouble is BotTrouble.FORGOTTEN:
                    assert [one.text for one in found] == [vendor.says]
                else:
                    assert all(one.verdict is not BotVerdict.ANSWER or not one.text for one in found), (trouble, found)
            assert time.monotonic() - began < 4, f"{trouble}: the deadline is total"

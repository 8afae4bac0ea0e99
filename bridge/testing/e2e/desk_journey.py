"""The journeys of a desk: what a customer and an agent say to each other through a bridge that is killed on the way."""

import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bridge.contract import Connector, LooksUp
from bridge.testing.e2e.desk import Desk
from bridge.testing.e2e.journey import CUSTOMER, Journey
from bridge.testing.e2e.messenger import Messenger, MessengerSimulator
from bridge.testing.e2e.process import Process, until

PDF = b"%PDF-1.4 an invoice\n%%EOF\n"
LINES = [f"line {number}" for number in range(5)]

# kept: committed and not answered · claimed: leased · begun: marked and nothing sent · answered: done at the desk and
# not recorded here
CERTAIN = ("kept:2", "claimed:2")
UNCERTAIN = ("begun", "answered", "answered:2")


class DeskJourney:
    """Subclass it once per desk. Journeys after which only a look-up can tell are for desks that have one."""

    connector: ClassVar[type[Connector[Any]]]
    desk: ClassVar[Callable[[], Desk]]

    pytestmark: ClassVar[Any] = pytest.mark.anyio

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not issubclass(cls.connector, LooksUp):
            cls.test_killed_while_only_the_desk_knows = None  # type: ignore[assignment, method-assign]  # not collected then

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    async def journey(self, tmp_path: Path) -> AsyncIterator[Journey]:
        desk = type(self).desk()
        async with MessengerSimulator() as phone:
            await desk.start()
            accounts = {"shop": phone.settings(), "desk": desk.settings()}
            database = f"sqlite+aiosqlite:///{tmp_path}/bridge.db"
            routes = [{"channel": "shop", "desk": "desk"}]
            bridge = Process(tmp_path, database, accounts, routes, connectors=(Messenger, self.connector))
            phone.hook_url = bridge.hook("shop")
            desk.calls(bridge.hook("desk"))
            try:
                yield Journey(phone, desk, bridge)
            finally:
                await bridge.close()
                await desk.stop()

    async def test_what_a_customer_says_stands_on_one_ticket_once_and_in_order(self, journey: Journey) -> None:
        await journey.begin("hello")
        for line in LINES:
            await journey.phone.says(CUSTOMER, line)
        await journey.reach_the_desk(LINES[-1])
        await journey.there_and_back()
        assert journey.desk.seen() == ["hello", *LINES, "the last words"]
        assert len(journey.desk.tickets()) == 1, "one conversation, one ticket"

    async def test_an_answer_arrives_once_and_a_note_stays_inside(self, journey: Journey) -> None:
        await journey.begin("question")
        await journey.desk.agent_notes(journey.desk.ticket, "internal remark")
        await journey.desk.agent_says(journey.desk.ticket, "answer")
        await journey.reach_the_customer("answer")
        await journey.there_and_back()
        assert journey.phone.received(CUSTOMER) == ["answer", "goodbye"]
        assert journey.desk.seen() == ["question", "the last words"], "the agent's own words came back"

    async def test_files_arrive_on_both_sides(self, journey: Journey) -> None:
        await journey.begin("see file")
        await journey.phone.sends_image(CUSTOMER, PDF)
        await until(lambda: PDF in journey.desk.files())
        await journey.desk.agent_says(
            journey.desk.ticket, "here you are", [("invoice.pdf", "application/pdf", PDF + b"2")]
        )
        await journey.reach_the_customer("here you are")
        await until(lambda: PDF + b"2" in journey.phone.files(CUSTOMER))
        await journey.there_and_back()
        assert journey.desk.files() == [PDF]
        assert journey.phone.files(CUSTOMER) == [PDF + b"2"]

    async def test_the_desk_is_away_for_a_while(self, journey: Journey) -> None:
        await journey.begin("before")
        await journey.desk.stop()
        for line in LINES:
            await journey.phone.says(CUSTOMER, line)
        await until(lambda: "refused" in journey.bridge.text() or "retry" in journey.bridge.text())
        await journey.desk.start()
        await journey.reach_the_desk(*LINES)
        await journey.there_and_back()
        assert journey.desk.seen() == ["before", *LINES, "the last words"]

    @pytest.mark.parametrize("failpoint", CERTAIN)
    async def test_killed_on_the_way_to_the_desk(self, journey: Journey, failpoint: str) -> None:
        await self._is_killed(journey, failpoint)

    @pytest.mark.parametrize("failpoint", UNCERTAIN)
    async def test_killed_while_only_the_desk_knows(self, journey: Journey, failpoint: str) -> None:
        await self._is_killed(journey, failpoint)

    async def test_killed_on_the_way_to_the_customer(self, journey: Journey) -> None:
        await journey.begin("question")
        await journey.bridge.has_settled()
        assert await journey.bridge.terminate() == 0
        await journey.desk.agent_says(journey.desk.ticket, "first")  # found when the bridge is back
        async with journey.bridge.supervised(failpoint="settled") as ends:
            await until(lambda: ends)
            await journey.bridge.until_ready()
            await journey.desk.agent_says(journey.desk.ticket, "second")
            await journey.reach_the_customer("first", "second")
            await journey.there_and_back()
            assert journey.phone.received(CUSTOMER) == ["first", "second", "goodbye"]

    async def _is_killed(self, journey: Journey, failpoint: str) -> None:
        """The process ends itself at this point and is started again: nothing is lost, doubled or out of order."""
        async with journey.bridge.supervised(failpoint=failpoint) as ends:
            for line in LINES:
                await journey.phone.says(CUSTOMER, line)
                if failpoint.endswith(":2") and line == LINES[0]:  # else all of them may be one write
                    await until(lambda: journey.desk.seen() == LINES[:1])
            await until(lambda: ends)
            await journey.reach_the_desk(*LINES)
            await journey.there_and_back()
            assert ends == [-signal.SIGKILL]
            assert journey.desk.seen() == [*LINES, "the last words"]
            assert len(journey.desk.tickets()) == 1

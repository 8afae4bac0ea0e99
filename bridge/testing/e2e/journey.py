"""The journeys of a desk: what a customer and an agent say to each other through a bridge that is killed on the way."""

import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bridge.contract import Connector, LooksUp
from bridge.testing.e2e.desk import Desk
from bridge.testing.e2e.messenger import Messenger, MessengerSimulator
from bridge.testing.e2e.process import Process, until
from bridge.testing.e2e.way import CUSTOMER, Way

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
    async def way(self, tmp_path: Path) -> AsyncIterator[Way]:
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
                yield Way(phone, desk, bridge)
            finally:
                await bridge.close()
                await desk.stop()

    async def test_what_a_customer_says_stands_on_one_ticket_once_and_in_order(self, way: Way) -> None:
        await way.begin("hello")
        for line in LINES:
            await way.phone.says(CUSTOMER, line)
        await way.reach_the_desk(LINES[-1])
        await way.there_and_back()
        assert way.desk.seen() == ["hello", *LINES, "the last words"]
        assert len(way.desk.tickets()) == 1, "one conversation, one ticket"

    async def test_an_answer_arrives_once_and_a_note_stays_inside(self, way: Way) -> None:
        await way.begin("question")
        await way.desk.agent_notes(way.desk.ticket, "internal remark")
        await way.desk.agent_says(way.desk.ticket, "answer")
        await way.reach_the_customer("answer")
        await way.there_and_back()
        assert way.phone.received(CUSTOMER) == ["answer", "goodbye"]
        assert way.desk.seen() == ["question", "the last words"], "the agent's own words came back"

    async def test_files_arrive_on_both_sides(self, way: Way) -> None:
        await way.begin("see file")
        await way.phone.sends_image(CUSTOMER, PDF)
        await until(lambda: PDF in way.desk.files())
        await way.desk.agent_says(way.desk.ticket, "here you are", [("invoice.pdf", "application/pdf", PDF + b"2")])
        await way.reach_the_customer("here you are")
        await until(lambda: PDF + b"2" in way.phone.files(CUSTOMER))
        await way.there_and_back()
        assert way.desk.files() == [PDF]
        assert way.phone.files(CUSTOMER) == [PDF + b"2"]

    async def test_the_desk_is_away_for_a_while(self, way: Way) -> None:
        await way.begin("before")
        await way.desk.stop()
        for line in LINES:
            await way.phone.says(CUSTOMER, line)
        await until(lambda: "refused" in way.bridge.text() or "retry" in way.bridge.text())
        await way.desk.start()
        await way.reach_the_desk(*LINES)
        await way.there_and_back()
        assert way.desk.seen() == ["before", *LINES, "the last words"]

    @pytest.mark.parametrize("failpoint", CERTAIN)
    async def test_killed_on_the_way_to_the_desk(self, way: Way, failpoint: str) -> None:
        await self._is_killed(way, failpoint)

    @pytest.mark.parametrize("failpoint", UNCERTAIN)
    async def test_killed_while_only_the_desk_knows(self, way: Way, failpoint: str) -> None:
        await self._is_killed(way, failpoint)

    async def test_killed_on_the_way_to_the_customer(self, way: Way) -> None:
        await way.begin("question")
        await way.bridge.has_settled()
        assert await way.bridge.terminate() == 0
        await way.desk.agent_says(way.desk.ticket, "first")  # found when the bridge is back
        async with way.bridge.supervised(failpoint="settled") as ends:
            await until(lambda: ends)
            await way.bridge.until_ready()
            await way.desk.agent_says(way.desk.ticket, "second")
            await way.reach_the_customer("first", "second")
            await way.there_and_back()
            assert way.phone.received(CUSTOMER) == ["first", "second", "goodbye"]

    async def _is_killed(self, way: Way, failpoint: str) -> None:
        """The process ends itself at this point and is started again: nothing is lost, doubled or out of order."""
        async with way.bridge.supervised(failpoint=failpoint) as ends:
            for line in LINES:
                await way.phone.says(CUSTOMER, line)
                if failpoint.endswith(":2") and line == LINES[0]:  # else all of them may be one write
                    await until(lambda: way.desk.seen() == LINES[:1])
            await until(lambda: ends)
            await way.reach_the_desk(*LINES)
            await way.there_and_back()
            assert ends == [-signal.SIGKILL]
            assert way.desk.seen() == [*LINES, "the last words"]
            assert len(way.desk.tickets()) == 1

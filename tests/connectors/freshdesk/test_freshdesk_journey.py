"""The main job with WeChat on one side and Freshdesk on the other, the bridge as a process of its own."""

import io
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image as Pillow

from bridge.testing.e2e.process import Process, until
from bridge.testing.faults import Trouble
from connectors.freshdesk.simulator import Simulator as DeskSimulator
from connectors.freshdesk.simulator.state import Seen
from connectors.wechat.simulator import Simulator as PhoneSimulator

CUSTOMER = "oCustomer_A"
CREATE, NOTE = r"POST /api/v2/tickets$", r"POST .*/notes$"


@dataclass
class PlatformHarness:
    phone: PhoneSimulator
    desk: DeskSimulator
    bridge: Process

    @property
    def ticket(self) -> str:
        """The newest one."""
        return str(max(self.desk.state.tickets))

    async def begin(self, *words: str) -> None:
        """The customer says the first words, and the bridge has written down where they went."""
        await self.bridge.start()
        for word in words:
            await self.phone.says(CUSTOMER, word)
        await until(lambda: self.said() == list(words))
        await self.bridge.has_settled()

    def seen(self) -> list[Seen]:
        return [seen for number in self.desk.state.tickets for seen in self.desk.ticket(str(number))]

    def said(self) -> list[str]:
        """The customer's words on all tickets, line by line, without references and remarks in brackets."""
        return [
            line
            for seen in self.seen()
            if seen.kind in {"description", "note"} and seen.who != "Agent"
            for line in seen.text.split("\n")
            if line and not line.startswith(("[", "ref "))
        ]

    def remarks(self) -> list[str]:
        return [seen.text for seen in self.seen() if seen.kind == "private note" and seen.who == "Bridge"]


@pytest.fixture
async def harness(database_url: str, tmp_path: Path) -> AsyncIterator[PlatformHarness]:
    async with PhoneSimulator() as phone, DeskSimulator() as desk:
        accounts = {"shop": phone.settings(), "desk2": desk.settings()}
        route = {"channel": "shop", "desk": "desk2", "group": "WeChat", "tags": ["vip"]}
        bridge = Process(tmp_path, database_url, accounts, [route])
        phone.hook_url, desk.hook_url = bridge.hook("shop"), bridge.hook("desk2")
        yield PlatformHarness(phone, desk, bridge)
        await bridge.close()


async def test_the_main_job(harness: PlatformHarness) -> None:
    """Text, burst, answer with a file, internal note, solve and write again, closed and write again."""
    await harness.begin("{{ticket.id}} <b>one</b>")
    row = harness.desk.state.tickets[int(harness.ticket)]
    assert row.fields["group_id"] == 82
    assert {"bridge", "vip"} <= set(row.tags)
    for word in ("two", "three", "four"):
        await harness.phone.says(CUSTOMER, word)
    await until(lambda: harness.said()[1:] == ["two", "three", "four"])

    picture = io.BytesIO()
    Pillow.new("RGB", (4, 3), "navy").save(picture, "PNG")
    await harness.desk.agent_notes(harness.ticket, "<p>secret</p>")
    await harness.desk.agent_replies(
        harness.ticket, "<p>see <b>this</b></p>", [("a.png", "image/png", picture.getvalue())]
    )
    await until(lambda: len(harness.phone.chat(CUSTOMER)) >= 6)
    assert "see this" in harness.phone.received(CUSTOMER)
    assert not any("secret" in text for text in harness.phone.received(CUSTOMER))

    for put_to_sleep, words in ((harness.desk.resolve, "still broken"), (harness.desk.close, "and again")):
        await put_to_sleep(harness.ticket)
        await harness.phone.says(CUSTOMER, words)
        await until(lambda words=words: words in harness.said())
        await until(lambda: harness.desk.status(harness.ticket) == 2)
    assert len(harness.desk.state.tickets) == 1
    assert harness.said() == ["{{ticket.id}} <b>one</b>", "two", "three", "four", "still broken", "and again"]
    assert harness.remarks() == []


async def test_silent_callbacks_and_a_desk_that_was_down(harness: PlatformHarness) -> None:
    await harness.begin("one")
    harness.desk.silent = True
    await harness.desk.agent_replies(harness.ticket, "<p>found by polling</p>")
    await until(lambda: harness.phone.received(CUSTOMER) == ["found by polling"])
    await harness.desk.stop()
    for word in ("two", "three"):
        await harness.phone.says(CUSTOMER, word)
    await harness.desk.start()
    await until(lambda: harness.said() == ["one", "two", "three"])


async def test_an_archived_ticket_is_followed_by_a_new_one(harness: PlatformHarness) -> None:
    await harness.begin("one")
    first = harness.ticket
    harness.desk.archive(first)
    await harness.phone.says(CUSTOMER, "two")
    await until(lambda: "two" in harness.said())
    assert harness.said() == ["one", "two"]
    assert harness.ticket != first
    assert f"continues ticket #{first}" in harness.desk.ticket(harness.ticket)[0].text
    await harness.desk.agent_replies(harness.ticket, "<p>here</p>")
    await until(lambda: harness.phone.received(CUSTOMER) == ["here"])
    assert len(harness.desk.state.contacts) == 1


async def test_a_merged_ticket_is_followed(harness: PlatformHarness) -> None:
    await harness.begin("one")
    first = harness.ticket
    requester = harness.desk.state.tickets[int(first)].requester
    other = str(harness.desk.state.add_ticket(requester, "by mail", "<p>mail</p>").id)
    await harness.desk.merge(first, other)
    await harness.phone.says(CUSTOMER, "two")
    await until(lambda: any("two" in seen.text for seen in harness.desk.ticket(other)))
    await harness.desk.agent_replies(other, "<p>here</p>")
    await until(lambda: harness.phone.received(CUSTOMER) == ["here"])


async def test_a_command_in_a_private_note_is_obeyed(harness: PlatformHarness) -> None:
    await harness.begin("one")
    await harness.desk.agent_notes(harness.ticket, "<div>#status</div>")
    await until(harness.remarks)
    assert len(harness.remarks()) == 1
    assert "Replies left" in harness.remarks()[0]


@pytest.mark.parametrize("where", [CREATE, NOTE])
async def test_a_fault_after_the_effect_makes_no_double(harness: PlatformHarness, where: str) -> None:
    before = ["zero"] if where == NOTE else []
    if before:
        await harness.begin(*before)
    else:
        await harness.bridge.start()
    harness.desk.faults.add(Trouble.STATUS_AFTER, where, status=502)
    for word in ("one", "two"):
        await harness.phone.says(CUSTOMER, word)
    await until(lambda: harness.said() == [*before, "one", "two"])
    assert len(harness.desk.state.tickets) == 1


@pytest.mark.parametrize("failpoint", ["begun", "answered", "answered:2"])
async def test_killed_in_the_middle_of_a_write(harness: PlatformHarness, failpoint: str) -> None:
    async with harness.bridge.supervised(failpoint=failpoint) as ends:
        for count, word in enumerate(("one", "two", "three"), 1):
            await harness.bridge.until_ready()  # a platform that finds nobody for long gives the message up
            await harness.phone.says(CUSTOMER, word)
            await until(lambda count=count: len(harness.said()) >= count, 60)
            if count == (2 if failpoint.endswith(":2") else 1):
                await until(lambda: ends, 60)
        assert ends == [-signal.SIGKILL]
        assert harness.said() == ["one", "two", "three"]
        assert len(harness.desk.state.tickets) == 1


async def test_a_suspended_account_waits_and_recovers(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    harness.desk.site.suspended = "account_suspended"
    await harness.phone.says(CUSTOMER, "one")
    await until(lambda: "account_suspended" in harness.bridge.text())
    harness.desk.site.suspended = ""
    await until(lambda: harness.said() == ["one"], 60)

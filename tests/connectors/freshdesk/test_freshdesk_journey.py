"""The main job with WeChat on one side and Freshdesk on the other, the bridge as a process of its own."""

import io
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image as Pillow

from bridge.testing.faults import Trouble
from connectors.freshdesk.simulator import Simulator as DeskSimulator
from connectors.freshdesk.simulator.state import Seen
from connectors.wechat.simulator import Simulator as PhoneSimulator
from tests.e2e.process import Process, until

CUSTOMER = "oCustomer_A"
CREATE, NOTE = r"POST /api/v2/tickets$", r"POST .*/notes$"


@dataclass
class Street:
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
async def street(database_url: str, tmp_path: Path) -> AsyncIterator[Street]:
    async with PhoneSimulator() as phone, DeskSimulator() as desk:
        accounts = {"shop": phone.settings(), "desk2": desk.settings()}
        route = {"channel": "shop", "desk": "desk2", "group": "WeChat", "tags": ["vip"]}
        bridge = Process(tmp_path, database_url, accounts, [route])
        phone.hook_url, desk.hook_url = bridge.hook("shop"), bridge.hook("desk2")
        yield Street(phone, desk, bridge)
        await bridge.close()


async def test_the_main_job(street: Street) -> None:
    """Text, burst, answer with a file, internal note, solve and write again, closed and write again."""
    await street.begin("{{ticket.id}} <b>one</b>")
    row = street.desk.state.tickets[int(street.ticket)]
    assert row.fields["group_id"] == 82
    assert {"bridge", "vip"} <= set(row.tags)
    for word in ("two", "three", "four"):
        await street.phone.says(CUSTOMER, word)
    await until(lambda: street.said()[1:] == ["two", "three", "four"])

    picture = io.BytesIO()
    Pillow.new("RGB", (4, 3), "navy").save(picture, "PNG")
    await street.desk.agent_notes(street.ticket, "<p>secret</p>")
    await street.desk.agent_replies(
        street.ticket, "<p>see <b>this</b></p>", [("a.png", "image/png", picture.getvalue())]
    )
    await until(lambda: len(street.phone.chat(CUSTOMER)) >= 6)
    assert "see this" in street.phone.received(CUSTOMER)
    assert not any("secret" in text for text in street.phone.received(CUSTOMER))

    for put_to_sleep, words in ((street.desk.resolve, "still broken"), (street.desk.close, "and again")):
        await put_to_sleep(street.ticket)
        await street.phone.says(CUSTOMER, words)
        await until(lambda words=words: words in street.said())
        await until(lambda: street.desk.status(street.ticket) == 2)
    assert len(street.desk.state.tickets) == 1
    assert street.said() == ["{{ticket.id}} <b>one</b>", "two", "three", "four", "still broken", "and again"]
    assert street.remarks() == []


async def test_silent_callbacks_and_a_desk_that_was_down(street: Street) -> None:
    await street.begin("one")
    street.desk.silent = True
    await street.desk.agent_replies(street.ticket, "<p>found by polling</p>")
    await until(lambda: street.phone.received(CUSTOMER) == ["found by polling"])
    await street.desk.stop()
    for word in ("two", "three"):
        await street.phone.says(CUSTOMER, word)
    await street.desk.start()
    await until(lambda: street.said() == ["one", "two", "three"])


async def test_an_archived_ticket_is_followed_by_a_new_one(street: Street) -> None:
    await street.begin("one")
    first = street.ticket
    street.desk.archive(first)
    await street.phone.says(CUSTOMER, "two")
    await until(lambda: "two" in street.said())
    assert street.said() == ["one", "two"]
    assert street.ticket != first
    assert f"continues ticket #{first}" in street.desk.ticket(street.ticket)[0].text
    await street.desk.agent_replies(street.ticket, "<p>here</p>")
    await until(lambda: street.phone.received(CUSTOMER) == ["here"])
    assert len(street.desk.state.contacts) == 1


async def test_a_merged_ticket_is_followed(street: Street) -> None:
    await street.begin("one")
    first = street.ticket
    requester = street.desk.state.tickets[int(first)].requester
    other = str(street.desk.state.add_ticket(requester, "by mail", "<p>mail</p>").id)
    await street.desk.merge(first, other)
    await street.phone.says(CUSTOMER, "two")
    await until(lambda: any("two" in seen.text for seen in street.desk.ticket(other)))
    await street.desk.agent_replies(other, "<p>here</p>")
    await until(lambda: street.phone.received(CUSTOMER) == ["here"])


async def test_a_command_in_a_private_note_is_obeyed(street: Street) -> None:
    await street.begin("one")
    await street.desk.agent_notes(street.ticket, "<div>#status</div>")
    await until(street.remarks)
    assert len(street.remarks()) == 1
    assert "Replies left" in street.remarks()[0]


@pytest.mark.parametrize("where", [CREATE, NOTE])
async def test_a_fault_after_the_effect_makes_no_double(street: Street, where: str) -> None:
    before = ["zero"] if where == NOTE else []
    if before:
        await street.begin(*before)
    else:
        await street.bridge.start()
    street.desk.faults.add(Trouble.STATUS_AFTER, where, status=502)
    for word in ("one", "two"):
        await street.phone.says(CUSTOMER, word)
    await until(lambda: street.said() == [*before, "one", "two"])
    assert len(street.desk.state.tickets) == 1


@pytest.mark.parametrize("failpoint", ["begun", "answered", "answered:2"])
async def test_killed_in_the_middle_of_a_write(street: Street, failpoint: str) -> None:
    async with street.bridge.supervised(failpoint=failpoint) as ends:
        for count, word in enumerate(("one", "two", "three"), 1):
            await street.bridge.until_ready()  # a platform that finds nobody for long gives the message up
            await street.phone.says(CUSTOMER, word)
            await until(lambda count=count: len(street.said()) >= count, 60)
            if count == (2 if failpoint.endswith(":2") else 1):
                await until(lambda: ends, 60)
        assert ends == [-signal.SIGKILL]
        assert street.said() == ["one", "two", "three"]
        assert len(street.desk.state.tickets) == 1


async def test_a_suspended_account_waits_and_recovers(street: Street) -> None:
    await street.bridge.start()
    street.desk.site.suspended = "account_suspended"
    await street.phone.says(CUSTOMER, "one")
    await until(lambda: "account_suspended" in street.bridge.text())
    street.desk.site.suspended = ""
    await until(lambda: street.said() == ["one"], 60)

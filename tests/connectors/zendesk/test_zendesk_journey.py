"""The main job with WeChat on one side and Zendesk on the other, the bridge as a process of its own."""

import io
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image as Pillow

from bridge.testing.faults import Trouble
from connectors.wechat.simulator import Simulator as PhoneSimulator
from connectors.zendesk.simulator import Simulator as DeskSimulator
from connectors.zendesk.simulator.state import Comment, Ticket
from tests.e2e.process import Process, until

CUSTOMER = "oCustomer_A"
CREATE, COMMENT = r"POST /api/v2/tickets$", r"PUT /api/v2/tickets/\d+$"


def picture() -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", (4, 3), "navy").save(out, "PNG")
    return out.getvalue()


@dataclass
class Street:
    phone: PhoneSimulator
    desk: DeskSimulator
    bridge: Process

    @property
    def ticket(self) -> str:
        """The newest one."""
        return str(max(self.desk.state.tickets))

    @property
    def row(self) -> Ticket:
        return self.desk.state.tickets[int(self.ticket)]

    async def begin(self, *words: str) -> None:
        """The customer says the first words, and the bridge has written down where they went."""
        await self.bridge.start()
        for word in words:
            await self.phone.says(CUSTOMER, word)
        await until(lambda: self.said() == list(words))
        await self.bridge.has_settled()

    def seen(self) -> list[Comment]:
        return [comment for number in self.desk.state.tickets for comment in self.desk.ticket(str(number))]

    def said(self) -> list[str]:
        """The customer's words on all tickets, line by line, without remarks in brackets."""
        return [
            line
            for comment in self.seen()
            if comment.author not in {self.desk.state.agent.id, self.desk.state.bridge.id, -1}
            for line in comment.text.split("\n")
            if line and not line.startswith("[")
        ]

    def remarks(self) -> list[str]:
        return [comment.text for comment in self.seen() if comment.author == self.desk.state.bridge.id]


@pytest.fixture
async def street(database_url: str, tmp_path: Path) -> AsyncIterator[Street]:
    async with PhoneSimulator() as phone, DeskSimulator() as desk:
        accounts = {"shop": phone.settings(), "support": desk.settings()}
        route = {"channel": "shop", "desk": "support", "group": "WeChat", "tags": ["vip"]}
        bridge = Process(tmp_path, database_url, accounts, [route])
        phone.hook_url, desk.hook_url = bridge.hook("shop"), bridge.hook("support")
        yield Street(phone, desk, bridge)
        await bridge.close()


async def test_the_main_job(street: Street) -> None:
    """Text, image, card, burst, answer with a file, private note, solved and written again, closed and written again."""
    await street.begin("{{ticket.id}} <b>one</b>")
    assert street.row.group == 15
    assert {"bridge", "vip"} <= set(street.row.tags)
    await street.phone.sends_image(CUSTOMER, picture(), mime="image/png")
    await until(lambda: any(comment.attachments for comment in street.seen()))
    await street.phone.sends_card(CUSTOMER)
    await until(lambda: any("[card]" in comment.text for comment in street.seen()))
    said = len(street.said())
    for word in ("two", "three", "four"):
        await street.phone.says(CUSTOMER, word)
    await until(lambda: street.said()[said:] == ["two", "three", "four"])

    await street.desk.agent_says(street.ticket, "<p>secret</p>", public=False)
    await street.desk.agent_says(street.ticket, "<p>see <b>this</b></p>", files=[("a.png", "image/png", picture())])
    await until(lambda: "see this" in street.phone.received(CUSTOMER))
    await until(lambda: any((b.who, b.kind) == ("service", "image") for b in street.phone.chat(CUSTOMER)))
    assert not any("secret" in text for text in street.phone.received(CUSTOMER))

    await street.desk.agent_solves(street.ticket)
    await street.phone.says(CUSTOMER, "still broken")
    await until(lambda: "still broken" in street.said())
    await until(lambda: street.row.status == "open")
    first = street.ticket
    await street.desk.closes(first)
    await street.phone.says(CUSTOMER, "and again")
    await until(lambda: "and again" in street.said())
    assert street.desk.state.tickets[int(first)].followups == [int(street.ticket)]
    await street.desk.agent_says(street.ticket, "<p>here</p>")
    await until(lambda: "here" in street.phone.received(CUSTOMER))
    assert len(street.desk.state.tickets) == 2
    assert len([user for user in street.desk.state.users.values() if user.role == "end-user"]) == 1


async def test_silent_callbacks_and_a_desk_that_was_down(street: Street) -> None:
    await street.begin("one")
    street.desk.hooks.silent = True
    await street.desk.agent_says(street.ticket, "<p>found by polling</p>")
    await until(lambda: street.phone.received(CUSTOMER) == ["found by polling"])
    await street.desk.stop()
    for word in ("two", "three"):
        await street.phone.says(CUSTOMER, word)
    await street.desk.start()
    await until(lambda: street.said() == ["one", "two", "three"])


async def test_calls_twice_and_in_the_wrong_order(street: Street) -> None:
    await street.begin("one")
    street.desk.hooks.hold, street.desk.hooks.reorder, street.desk.hooks.duplicate = True, True, 2
    for word in ("first", "second"):
        await street.desk.agent_says(street.ticket, f"<p>{word}</p>")
    street.desk.hooks.hold = False
    await street.desk.agent_says(street.ticket, "<p>third</p>")
    await until(lambda: "third" in " ".join(street.phone.received(CUSTOMER)))
    heard = "\n".join(street.phone.received(CUSTOMER))
    assert [heard.count(word) for word in ("first", "second", "third")] == [1, 1, 1]
    assert heard.find("first") < heard.find("second") < heard.find("third")


async def test_a_merged_ticket_is_followed(street: Street) -> None:
    await street.begin("one")
    first = street.ticket
    other = street.desk.open_ticket(tags=(), subject="by mail")
    await street.desk.agent_says(other, "<p>to somebody else</p>")
    await street.desk.merges(first, other)
    await street.phone.says(CUSTOMER, "two")
    await until(lambda: any("two" in text for text in street.desk.texts(other)))
    await street.desk.agent_says(other, "<p>here</p>")
    await until(lambda: "here" in street.phone.received(CUSTOMER))
    assert "to somebody else" not in " ".join(street.phone.received(CUSTOMER))


async def test_an_agents_follow_up_of_a_closed_ticket_reaches_the_customer(street: Street) -> None:
    await street.begin("one")
    first = street.ticket
    await street.desk.closes(first)
    follow_up = street.desk.follows_up(first)
    await street.desk.agent_says(follow_up, "<p>one more thing</p>")
    await until(lambda: "one more thing" in street.phone.received(CUSTOMER))
    await street.phone.says(CUSTOMER, "thanks")
    await until(lambda: "thanks" in " ".join(street.desk.texts(follow_up)))


async def test_a_command_in_a_private_note_is_obeyed(street: Street) -> None:
    await street.begin("one")
    await street.desk.agent_says(street.ticket, "<p>#status</p>", public=False)
    await until(street.remarks)
    assert len(street.remarks()) == 1
    assert "Replies left" in street.remarks()[0]


@pytest.mark.parametrize("where", [CREATE, COMMENT])
@pytest.mark.parametrize("trouble", [Trouble.STATUS_AFTER, Trouble.RESET_AFTER])
async def test_a_fault_after_the_effect_makes_no_double(street: Street, where: str, trouble: Trouble) -> None:
    before = ["zero"] if where == COMMENT else []
    if before:
        await street.begin(*before)
    else:
        await street.bridge.start()
    street.desk.faults.add(trouble, where, status=502)
    for word in ("one", "two"):
        await street.phone.says(CUSTOMER, word)
    await until(lambda: street.said() == [*before, "one", "two"])
    assert len(street.desk.state.tickets) == 1


@pytest.mark.parametrize("failpoint", ["begun", "answered", "answered:2"])
async def test_killed_in_the_middle_of_a_write(street: Street, failpoint: str) -> None:
    words = ["one", "two", "three"]
    before = 2 if failpoint.endswith(":2") else 1
    async with street.bridge.supervised(failpoint=failpoint) as ends:
        for word in words[:before]:
            await street.phone.says(CUSTOMER, word)
        # what is said while nobody listens is lost by the platform, not by the bridge
        await until(lambda: ends and street.bridge.text().count('"event": "serving"') == 2, 60)
        for word in words[before:]:
            await street.phone.says(CUSTOMER, word)
        await until(lambda: len(street.said()) >= 3, 60)
        assert ends == [-signal.SIGKILL]
        assert street.said() == words
        assert len(street.desk.state.tickets) == 1


async def test_a_suspended_account_waits_and_recovers(street: Street) -> None:
    await street.bridge.start()
    street.desk.gate.suspended = True
    await street.phone.says(CUSTOMER, "one")
    await until(lambda: "suspended" in street.bridge.text())
    street.desk.gate.suspended = False
    await until(lambda: street.said() == ["one"], 60)


@pytest.mark.timeout(240)  # six starts of a process
async def test_set_up_by_command_and_answered_by_webhook(database_url: str, tmp_path: Path) -> None:
    """From a bare account: one command makes webhook and triggers; no poll helps the answer along."""
    async with PhoneSimulator() as phone, DeskSimulator() as desk:
        accounts = {"shop": phone.settings(), "support": desk.settings() | {"webhook_secret": ""}}
        routes = [{"channel": "shop", "desk": "support"}]
        bridge = Process(tmp_path, database_url, accounts, routes, engine={"reconcile_every": "1h"})
        phone.hook_url = bridge.hook("shop")
        street = Street(phone, desk, bridge)
        try:
            await street.begin("one")
            code, out, error = await bridge.run("setup", "zendesk", "--account", "support", "--yes")
            assert code == 0, out + error
            assert "Create the webhook" in out
            (webhook,) = desk.hooks.webhooks.values()
            assert webhook.secret not in out + error
            await desk.agent_says(street.ticket, "<p>announced</p>")
            await until(lambda: phone.received(CUSTOMER) == ["announced"])
            code, out, error = await bridge.run("setup", "zendesk", "--account", "support", "--yes")
            assert (code, len(desk.hooks.webhooks), len(desk.hooks.triggers)) == (0, 1, 3)
            code, out, error = await bridge.run("doctor", "--account", "support")
            assert code == 0, out + error
            code, out, error = await bridge.run("setup", "zendesk", "--account", "support", "--remove", "--yes")
            assert (code, desk.hooks.webhooks, desk.hooks.triggers) == (0, {}, {})
        finally:
            await bridge.close()

"""The main job with WeChat on one side and Zendesk on the other, the bridge as a process of its own."""

import io
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image as Pillow

from bridge.testing.e2e.process import Process, until
from bridge.testing.faults import Trouble
from connectors.wechat.simulator import Simulator as PhoneSimulator
from connectors.zendesk.simulator import Simulator as DeskSimulator
from connectors.zendesk.simulator.state import Comment, Ticket

CUSTOMER = "oCustomer_A"
CREATE, COMMENT = r"POST /api/v2/tickets$", r"PUT /api/v2/tickets/\d+$"


def picture() -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", (4, 3), "navy").save(out, "PNG")
    return out.getvalue()


@dataclass
class PlatformHarness:
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
async def harness(database_url: str, tmp_path: Path) -> AsyncIterator[PlatformHarness]:
    async with PhoneSimulator() as phone, DeskSimulator() as desk:
        accounts = {"shop": phone.settings(), "support": desk.settings()}
        route = {"channel": "shop", "desk": "support", "group": "WeChat", "tags": ["vip"]}
        bridge = Process(tmp_path, database_url, accounts, [route])
        phone.hook_url, desk.hook_url = bridge.hook("shop"), bridge.hook("support")
        yield PlatformHarness(phone, desk, bridge)
        await bridge.close()


async def test_the_main_job(harness: PlatformHarness) -> None:
    """Text, image, card, burst, answer with a file, private note, solved and written again, closed and written again."""
    await harness.begin("{{ticket.id}} <b>one</b>")
    assert harness.row.group == 15
    assert {"bridge", "vip"} <= set(harness.row.tags)
    await harness.phone.sends_image(CUSTOMER, picture(), mime="image/png")
    await until(lambda: any(comment.attachments for comment in harness.seen()))
    await harness.phone.sends_card(CUSTOMER)
    await until(lambda: any("[card]" in comment.text for comment in harness.seen()))
    said = len(harness.said())
    for word in ("two", "three", "four"):
        await harness.phone.says(CUSTOMER, word)
    await until(lambda: harness.said()[said:] == ["two", "three", "four"])

    await harness.desk.agent_says(harness.ticket, "<p>secret</p>", public=False)
    await harness.desk.agent_says(harness.ticket, "<p>see <b>this</b></p>", files=[("a.png", "image/png", picture())])
    await until(lambda: "see this" in harness.phone.received(CUSTOMER))
    await until(lambda: any((b.who, b.kind) == ("service", "image") for b in harness.phone.chat(CUSTOMER)))
    assert not any("secret" in text for text in harness.phone.received(CUSTOMER))

    await harness.desk.agent_solves(harness.ticket)
    await harness.phone.says(CUSTOMER, "still broken")
    await until(lambda: "still broken" in harness.said())
    await until(lambda: harness.row.status == "open")
    first = harness.ticket
    await harness.desk.closes(first)
    await harness.phone.says(CUSTOMER, "and again")
    await until(lambda: "and again" in harness.said())
    assert harness.desk.state.tickets[int(first)].followups == [int(harness.ticket)]
    await harness.desk.agent_says(harness.ticket, "<p>here</p>")
    await until(lambda: "here" in harness.phone.received(CUSTOMER))
    assert len(harness.desk.state.tickets) == 2
    assert len([user for user in harness.desk.state.users.values() if user.role == "end-user"]) == 1


async def test_silent_callbacks_and_a_desk_that_was_down(harness: PlatformHarness) -> None:
    await harness.begin("one")
    harness.desk.hooks.silent = True
    await harness.desk.agent_says(harness.ticket, "<p>found by polling</p>")
    await until(lambda: harness.phone.received(CUSTOMER) == ["found by polling"])
    await harness.desk.stop()
    for word in ("two", "three"):
        await harness.phone.says(CUSTOMER, word)
    await harness.desk.start()
    await until(lambda: harness.said() == ["one", "two", "three"])


async def test_calls_twice_and_in_the_wrong_order(harness: PlatformHarness) -> None:
    await harness.begin("one")
    harness.desk.hooks.hold, harness.desk.hooks.reorder, harness.desk.hooks.duplicate = True, True, 2
    for word in ("first", "second"):
        await harness.desk.agent_says(harness.ticket, f"<p>{word}</p>")
    harness.desk.hooks.hold = False
    await harness.desk.agent_says(harness.ticket, "<p>third</p>")
    await until(lambda: "third" in " ".join(harness.phone.received(CUSTOMER)))
    heard = "\n".join(harness.phone.received(CUSTOMER))
    assert [heard.count(word) for word in ("first", "second", "third")] == [1, 1, 1]
    assert heard.find("first") < heard.find("second") < heard.find("third")


async def test_a_merged_ticket_is_followed(harness: PlatformHarness) -> None:
    await harness.begin("one")
    first = harness.ticket
    other = harness.desk.open_ticket(tags=(), subject="by mail")
    await harness.desk.agent_says(other, "<p>to somebody else</p>")
    await harness.desk.merges(first, other)
    await harness.phone.says(CUSTOMER, "two")
    await until(lambda: any("two" in text for text in harness.desk.texts(other)))
    await harness.desk.agent_says(other, "<p>here</p>")
    await until(lambda: "here" in harness.phone.received(CUSTOMER))
    assert "to somebody else" not in " ".join(harness.phone.received(CUSTOMER))


async def test_an_agents_follow_up_of_a_closed_ticket_reaches_the_customer(harness: PlatformHarness) -> None:
    await harness.begin("one")
    first = harness.ticket
    await harness.desk.closes(first)
    follow_up = harness.desk.follows_up(first)
    await harness.desk.agent_says(follow_up, "<p>one more thing</p>")
    await until(lambda: "one more thing" in harness.phone.received(CUSTOMER))
    await harness.phone.says(CUSTOMER, "thanks")
    await until(lambda: "thanks" in " ".join(harness.desk.texts(follow_up)))


async def test_a_command_in_a_private_note_is_obeyed(harness: PlatformHarness) -> None:
    await harness.begin("one")
    await harness.desk.agent_says(harness.ticket, "<p>#status</p>", public=False)
    await until(harness.remarks)
    assert len(harness.remarks()) == 1
    assert "Replies left" in harness.remarks()[0]


@pytest.mark.parametrize("where", [CREATE, COMMENT])
@pytest.mark.parametrize("trouble", [Trouble.STATUS_AFTER, Trouble.RESET_AFTER])
async def test_a_fault_after_the_effect_makes_no_double(harness: PlatformHarness, where: str, trouble: Trouble) -> None:
    before = ["zero"] if where == COMMENT else []
    if before:
        await harness.begin(*before)
    else:
        await harness.bridge.start()
    harness.desk.faults.add(trouble, where, status=502)
    for word in ("one", "two"):
        await harness.phone.says(CUSTOMER, word)
    await until(lambda: harness.said() == [*before, "one", "two"])
    assert len(harness.desk.state.tickets) == 1


@pytest.mark.parametrize("failpoint", ["begun", "answered", "answered:2"])
async def test_killed_in_the_middle_of_a_write(harness: PlatformHarness, failpoint: str) -> None:
    words = ["one", "two", "three"]
    before = 2 if failpoint.endswith(":2") else 1
    async with harness.bridge.supervised(failpoint=failpoint) as ends:
        for word in words[:before]:
            await harness.phone.says(CUSTOMER, word)
        # what is said while nobody listens is lost by the platform, not by the bridge
        await until(lambda: ends and harness.bridge.text().count('"event": "serving"') == 2, 60)
        for word in words[before:]:
            await harness.phone.says(CUSTOMER, word)
        await until(lambda: len(harness.said()) >= 3, 60)
        assert ends == [-signal.SIGKILL]
        assert harness.said() == words
        assert len(harness.desk.state.tickets) == 1


async def test_a_suspended_account_waits_and_recovers(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    harness.desk.gate.suspended = True
    await harness.phone.says(CUSTOMER, "one")
    await until(lambda: "suspended" in harness.bridge.text())
    harness.desk.gate.suspended = False
    await until(lambda: harness.said() == ["one"], 60)


@pytest.mark.timeout(240)  # six starts of a process
async def test_set_up_by_command_and_answered_by_webhook(database_url: str, tmp_path: Path) -> None:
    """From a bare account: one command makes webhook and triggers; no poll helps the answer along."""
    async with PhoneSimulator() as phone, DeskSimulator() as desk:
        accounts = {"shop": phone.settings(), "support": desk.settings() | {"webhook_secret": ""}}
        routes = [{"channel": "shop", "desk": "support"}]
        bridge = Process(tmp_path, database_url, accounts, routes, engine={"reconcile_every": "1h"})
        phone.hook_url = bridge.hook("shop")
        harness = PlatformHarness(phone, desk, bridge)
        try:
            await harness.begin("one")
            code, out, error = await bridge.run("setup", "zendesk", "--account", "support", "--yes")
            assert code == 0, out + error
            assert "Create the webhook" in out
            (webhook,) = desk.hooks.webhooks.values()
            assert webhook.secret not in out + error
            await desk.agent_says(harness.ticket, "<p>announced</p>")
            await until(lambda: phone.received(CUSTOMER) == ["announced"])
            code, out, error = await bridge.run("setup", "zendesk", "--account", "support", "--yes")
            assert (code, len(desk.hooks.webhooks), len(desk.hooks.triggers)) == (0, 1, 3)
            code, out, error = await bridge.run("doctor", "--account", "support")
            assert code == 0, out + error
            code, out, error = await bridge.run("setup", "zendesk", "--account", "support", "--remove", "--yes")
            assert (code, desk.hooks.webhooks, desk.hooks.triggers) == (0, {}, {})
        finally:
            await bridge.close()

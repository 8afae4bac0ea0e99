"""A database that version 0.1.0 left with messages in flight in every state: `serve` brings it up to date, and all of it
ends as it would have. How the files of `past` were made stands in `past/make.py`.
"""

import base64
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from bridge.contract import Append
from bridge.services.records import StoredRecords
from bridge.testing.clock import system_clock
from bridge.testing.e2e.process import Process, until
from connectors.rt.simulator.state import Attachment, Ticket, Transaction
from connectors.wechat.simulator import Simulator as Phone
from connectors.wechat.simulator.state import Allowance, Bubble, StoredMedia
from mappings.store import Store
from tests.e2e.desks import Rt

PAST = Path(__file__).parent / "past"
AGO = timedelta(minutes=2)  # that the old version stopped: its leases are over, its answers not too old to go
TEMPLATE = "TEMPLATE-ID-0001"
_MOMENT = re.compile(r"(20\d\d-\d\d-\d\d)([ T])(\d\d:\d\d:\d\d)")


def read(name: str, shift: timedelta) -> str:
    """A file of the past with all its moments moved on."""

    def moved(found: re.Match[str]) -> str:
        then = datetime.fromisoformat(f"{found[1]} {found[3]}") + shift
        return f"{then:%Y-%m-%d}{found[2]}{then:%H:%M:%S}"

    return _MOMENT.sub(moved, (PAST / name).read_text("utf-8"))


def load(url: str, text: str) -> None:
    """Fills an empty database."""
    if url.startswith("sqlite"):
        with sqlite3.connect(make_url(url).database or "") as database:
            database.executescript(text)
        return
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute(text.encode())


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


@dataclass
class Past:
    """The old database with today's bridge on it, between the helpdesk and the platform as they were at that moment."""

    known: dict[str, Any]
    desk: Rt
    shop: Phone
    kiosk: Phone
    bridge: Process

    def lines(self, customer: str) -> list[str]:
        """What stands on a customer's ticket, line by line, from the customer's side."""
        return self.side(self.known["customers"][customer], "customer")

    def side(self, ticket: str, side: str) -> list[str]:
        return [
            line
            for entry in self.desk.entries(ticket)
            if entry.side == side
            for line in entry.text.split("\n")
            if line.strip() and not line.startswith("[")
        ]

    def new_tickets(self) -> list[list[str]]:
        """The customer's lines on each ticket that has been opened since."""
        old = {str(ticket["id"]) for ticket in self.known["desk"]["tickets"]}
        return [self.side(ticket, "customer") for ticket in self.desk.tickets() if ticket not in old]

    def notes(self, customer: str) -> str:
        return "\n".join(self.side(self.known["customers"][customer], "note"))

    def pictures(self, customer: str) -> int:
        bubbles = self.shop.chat(f"oCustomer_{customer}")
        return len([bubble for bubble in bubbles if (bubble.who, bubble.kind) == ("service", "image")])

    def received(self, customer: str) -> list[str]:
        """What the service sent to a customer, line by line."""
        return "\n".join(self.shop.received(f"oCustomer_{customer}")).split("\n")


def remember_desk(desk: Rt, known: dict[str, Any]) -> None:
    state = desk.simulator.state
    state.names.update(known["names"])
    for one in known["tickets"]:
        moments = {name: moment(one[name]) for name in ("created", "updated")}
        state.tickets[one["id"]] = Ticket(**{**one, **moments})
    for one in known["transactions"]:
        attachments = [Attachment(**{**entry, "data": base64.b64decode(entry["data"])}) for entry in one["attachments"]]
        state.attachments.update({entry.id: entry for entry in attachments})
        fields = {**one, "created": moment(one["created"]), "attachments": attachments}
        state.transactions[one["id"]] = Transaction(**fields)
    state._numbers = max(state.transactions)


def remember_platform(phone: Phone, known: dict[str, Any]) -> None:
    platform = phone.platform
    platform.templates = {TEMPLATE: ("thing1",)}
    for customer, bubbles in known["phones"].items():
        platform.people.add(customer)
        for one in bubbles:
            platform.phones[customer].append(
                Bubble(**{**one, "data": base64.b64decode(one["data"]), "at": moment(one["at"])})
            )
    for customer, one in known["allowances"].items():
        platform.people.add(customer)
        platform.allowances[customer] = Allowance(one["left"], moment(one["until"]))
    for name, one in known["files"].items():
        platform.files._stored[name] = StoredMedia(
            **{**one, "data": base64.b64decode(one["data"]), "at": datetime.fromisoformat(one["at"])}
        )
    platform.consents.update({(customer, template): left for customer, template, left in known["consents"]})
    phone._ids = count(23_456_789_012_400_000)  # behind those that were given


@pytest.fixture
async def past(empty_database_url: str, tmp_path: Path) -> AsyncIterator[Past]:
    kind = "sqlite" if empty_database_url.startswith("sqlite") else "postgresql"
    taken = datetime.fromisoformat(json.loads((PAST / f"{kind}.json").read_text("utf-8"))["taken_at"])
    shift = timedelta(seconds=round((datetime.now(UTC) - AGO - taken).total_seconds()))
    known = json.loads(read(f"{kind}.json", shift))
    load(empty_database_url, read(f"{kind}.sql", shift))
    for name, data in known["media"].items():
        path = tmp_path / "media" / name[:2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))
    desk, shop, kiosk = Rt(), Phone(), Phone(app_id="wxfedcba9876543210")
    remember_desk(desk, known["desk"])
    async with shop, kiosk, desk.simulator:
        template = {"id": TEMPLATE, "page": "pages/chat", "data": {"thing1": "An answer waits for you"}}
        accounts = {
            "shop": {**shop.settings(), "templates": {"back": template}},
            "kiosk": {**kiosk.settings(), "templates": {"back": template}},
            "desk": desk.settings(),
        }
        routes = [{"channel": channel, "desk": "desk"} for channel in ("shop", "kiosk")]
        bridge = Process(tmp_path, empty_database_url, accounts, routes)
        for name, phone in (("shop", shop), ("kiosk", kiosk)):
            remember_platform(phone, known["platforms"][name])
            phone.hook_url = bridge.hook(name)
        desk.calls(bridge.hook("desk"))
        yield Past(known, desk, shop, kiosk, bridge)
        await bridge.close()


STATES = {
    "outbox": "dead done dropped failed leased marked parked ready unconfirmed unknown",
    "inbox": "done quarantined ready",
    "media": "done failed wanted",
    "pause": "kiosk",
}


async def test_what_was_in_flight_ends_as_it_would_have(past: Past) -> None:
    assert {name: " ".join(past.known["states"][name]) for name in STATES} == STATES
    assert "due" in past.known["states"]["waiting"] and len(past.known["states"]["waiting"]) > 1
    await past.bridge.start()

    # from customers to the desk: once, in order
    await until(lambda: past.lines("later") == ["hello", "tried again"])
    await until(lambda: past.lines("unknown") == ["hello", "arrived once"])
    await until(
        lambda: sorted(past.new_tickets()) == [["kept and not routed"], ["the first words", "the words behind them"]]
    )
    wanted = past.known["customers"]["wanted"]
    await until(
        lambda: [data for entry in past.desk.entries(wanted) for _, data in entry.files] == [b"\xff\xd8\xffwanted"]
    )

    # from agents to customers
    await until(lambda: past.pictures("leased") == 1)
    await until(lambda: past.kiosk.received("oCustomer_paused") == ["after the pause"])
    await until(lambda: "may not have been delivered" in past.notes("marked").lower())
    assert past.shop.received("oCustomer_marked") == []

    # what waits for the customer goes when the customer writes
    assert past.pictures("parked") < 6 and "answer 5" not in past.received("held")
    for customer in ("refused", "held", "parked"):
        await past.shop.says(f"oCustomer_{customer}", "are you there?")
    await until(lambda: past.received("refused") == ["the platform refused it", "and this came behind it"])
    await until(lambda: past.received("held") == [f"answer {number}" for number in range(6)])
    await until(lambda: past.pictures("parked") == 6)

    # a consent that was given then is good for one invitation
    done = past.known["customers"]["done"]
    await past.desk.agent_notes(done, "#notify")
    await until(lambda: any(bubble.who == "platform" for bubble in past.shop.chat("oCustomer_done")))

    # every conversation goes on, both ways
    for customer, ticket in past.known["customers"].items():
        phone = past.kiosk if customer == "paused" else past.shop
        await phone.says(f"oCustomer_{customer}", "the last words")
        await until(lambda customer=customer: past.lines(customer)[-1] == "the last words")
        await past.desk.agent_says(ticket, "goodbye")
        await until(lambda phone=phone, customer=customer: phone.received(f"oCustomer_{customer}")[-1:] == ["goodbye"])

    # once each, and what had ended stays as it was
    assert past.lines("later") == ["hello", "tried again", "the last words"]
    assert past.lines("unknown") == ["hello", "arrived once", "the last words"]
    assert past.lines("dead") == ["hello", "the last words"]
    assert past.received("marked") == ["goodbye"]
    assert past.received("unconfirmed") == ["perhaps there", "goodbye"]
    assert past.received("failed") == past.received("dropped") == ["goodbye"]
    assert past.received("done") == ["welcome", "goodbye"]
    assert (past.pictures("leased"), past.pictures("parked")) == (1, 6)
    await lists(past)
    assert "Traceback" not in past.bridge.text(), past.bridge.text()


async def lists(past: Past) -> None:
    """What an admin sees of it, and what connectors stored."""
    _, dead, _ = await past.bridge.run("dead", "list", "--json")
    assert {"quarantined", "failed", "unconfirmed", "dead"} <= set(re.findall(r"[a-z]+", dead))
    _, joined, _ = await past.bridge.run("people", "list", "--json")
    assert '"joined"' in joined and "oCustomer_paused" in joined
    await past.bridge.terminate()
    store = Store(past.bridge.database_url)
    store.open()
    try:
        records = StoredRecords(store, "shop", system_clock)
        assert await records.get("thing", "a") == ({"text": "kept"}, 1)
        await records.commit(
            Append("stream", {"text": "again"}, once="1"), Append("stream", {"text": "more"}, once="2")
        )
        assert list(await records.read("stream", after=0)) == [(1, {"text": "first"}), (2, {"text": "more"})]
    finally:
        store.close()

"""Made the databases of this folder: version 0.1.0 (commit 7ec4ed9), stopped with messages in flight in every state.

Not to be run with newer code, and not to be kept in step with it: it belongs to that commit, whose engine, connectors
and simulators it drives. In a checkout of it: `python PATH/make.py sqlite FOLDER` and `python PATH/make.py postgresql
FOLDER` write FOLDER/sqlite.sql and FOLDER/sqlite.json (what the outside world knew at that moment) and their like.
"""

import asyncio
import base64
import dataclasses
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.engine.records import StoredRecords
from sqlalchemy import select
from tests.engine.avenue import Avenue
from tests.engine.street import TEMPLATE, Phone

from bridge import joining
from bridge.contract import Append, Put
from bridge.registry import Declared
from bridge.testing.faults import Trouble
from connectors.wechat import WeChat
from connectors.wechat.settings import Settings as PlatformSettings
from mappings import people, state
from mappings.sql import table
from mappings.tables import Inbox, MediaFile, Outbox, Waiting
from tests.e2e.desks import Rt
from tests.postgres import Cluster, server_binaries

BEGIN = "oCustomer_"  # of all names
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Kiosk(Phone):
    """A second account of the platform."""

    async def _push(self, fields: Any) -> bool:
        from bridge.contract import Request
        from bridge.testing.rig import verdict_of

        query, body = self.push(fields)
        bridge = self.scene.bridge
        request = Request("POST", "/hooks/kiosk", tuple(query.items()), {}, body, "127.0.0.1", self.clock())
        verdict = await verdict_of(bridge.world.accounts["kiosk"].connector, request)
        await bridge.engine.keep("kiosk", verdict.raws)
        return True


class Past(Avenue):
    def __init__(self, url: str, folder: Path) -> None:
        accounts = {"shop": {"kind": "wechat"}, "kiosk": {"kind": "wechat"}, "desk": {"kind": "rt"}}
        routes = [{"channel": "shop", "desk": "desk"}, {"channel": "kiosk", "desk": "desk"}]
        super().__init__(url, folder, Rt, accounts=accounts, routes=routes)
        self.kiosk = Kiosk(clock=self.clock, app_id="wxfedcba9876543210")
        self.kiosk.scene = self
        self.kiosk.platform.templates = {TEMPLATE: ("thing1",)}

    def build(self) -> Any:
        bridge = super().build()
        template = {"id": TEMPLATE, "page": "pages/chat", "data": {"thing1": "An answer waits for you"}}
        config = PlatformSettings(**self.kiosk.settings(), templates={"back": template})
        declared = {
            name: Declared(name, type(one.connector), one.config) for name, one in bridge.world.accounts.items()
        }
        declared["kiosk"] = Declared("kiosk", WeChat, config)
        return type(bridge)(self.settings(), declared, clock=self.clock)

    async def asks_of(self, customer: str, text: str = "hello") -> str:
        """A customer begins; the number of the ticket."""
        await self.asks(text, BEGIN + customer)
        return self.desk.ticket

    async def says_soon(self, ticket: str, text: str, files: Any = ()) -> None:
        """An agent answers, and nobody waits for it to go."""
        await self.desk.agent_says(ticket, text, files)
        self.clock.advance(1)
        self.bridge.engine.look("desk", self.desk.tickets())
        await self.collected()


async def happen(past: Past) -> dict[str, str]:
    """What happened until the stop. Returns the tickets by customer."""
    platform, faults = past.phone.platform, past.desk.faults
    tickets: dict[str, str] = {}

    # the desk was away for three days: dead
    tickets["dead"] = await past.asks_of("dead")
    await past.desk.simulator.stop()
    await past.asks("never arrived", BEGIN + "dead")
    for _ in range(20):
        if await past.bridge.store.read(outbox_states, "dead"):
            break
        await past.wait(hours=12)
    await past.desk.simulator.start()
    await past.wait(60)

    tickets["done"] = await past.asks_of("done")
    await past.answer("welcome", ticket=tickets["done"])
    tickets["failed"] = await past.asks_of("failed")
    past.phone.fail(48002)
    await past.answer("refused", ticket=tickets["failed"])
    tickets["unconfirmed"] = await past.asks_of("unconfirmed")
    past.phone.faults.add(Trouble.RESET_AFTER, "custom/send")
    await past.answer("perhaps there", ticket=tickets["unconfirmed"])
    tickets["dropped"] = await past.asks_of("dropped")
    platform.allowances[BEGIN + "dropped"].left = 0
    await past.answer("never mind", ticket=tickets["dropped"])
    await past.answer("#cancel", ticket=tickets["dropped"], private=True)
    tickets["refused"] = await past.asks_of("refused")
    platform.allowances[BEGIN + "refused"].left = 0
    await past.answer("the platform refused it", ticket=tickets["refused"])
    await past.answer("and this came behind it", ticket=tickets["refused"])
    tickets["held"] = await past.asks_of("held")
    for number in range(6):
        await past.answer(f"answer {number}", ticket=tickets["held"])
        await past.wait(6)
    tickets["parked"] = await past.asks_of("parked")
    await past.attach("six pictures", *[(f"{n}.png", "image/png", PICTURE + bytes([n])) for n in range(6)])

    await past.phone.sends_raw({"MsgType": ""}, openid=BEGIN + "quarantined")
    tickets["kept"] = await past.asks_of("kept")
    await past.phone.sends_image(BEGIN + "kept", b"\xff\xd8\xffkept")
    await past.wait(1)
    tickets["gone"] = await past.asks_of("gone")
    message = past.phone.message(BEGIN + "gone", "image", PicUrl="", MediaId="no-such-file")
    await past.phone._push(message)
    await past.wait(1)
    await past.phone.accepts(BEGIN + "done", TEMPLATE)
    await past.quiet()

    await past.kiosk.says(BEGIN + "paused", "hello from the kiosk")
    await past.quiet()
    tickets["paused"] = past.desk.ticket
    past.kiosk.platform.app_secret = "changed by somebody"
    await past.answer("after the pause", ticket=tickets["paused"])

    records = StoredRecords(past.bridge.store, "shop", past.clock)
    await records.commit(Put("thing", "a", {"text": "kept"}), Append("stream", {"text": "first"}, once="1"))
    await past.bridge.store.write(join_two, past.clock())

    # from here on nothing rests
    for customer in ("later", "unknown", "leased", "marked", "wanted"):
        tickets[customer] = await past.asks_of(customer)
    faults.add(Trouble.STATUS, rf"POST .*/ticket/{tickets['later']}/correspond$", status=503)
    await past.phone.says(BEGIN + "later", "tried again")
    faults.add(Trouble.RESET_AFTER, rf"POST .*/ticket/{tickets['unknown']}/correspond$")
    await past.phone.says(BEGIN + "unknown", "arrived once")
    past.phone.fail(-1, where="media/get", times=1000)
    await past.phone.sends_image(BEGIN + "wanted", b"\xff\xd8\xffwanted")
    await asyncio.sleep(2)
    past.phone.faults.add(Trouble.DELAY, "media/upload", seconds=60)
    await past.says_soon(tickets["leased"], "a picture", [("leased.png", "image/png", PICTURE + b"leased")])
    await asyncio.sleep(1)
    past.clock.advance(1)
    await asyncio.sleep(1)
    past.phone.faults.add(Trouble.DELAY, "custom/send", seconds=60)
    await past.says_soon(tickets["marked"], "on its way")
    faults.add(Trouble.DELAY, r"POST .*/ticket$", seconds=60)
    await past.phone.says(BEGIN + "first", "the first words")
    await asyncio.sleep(1)
    await past.phone.says(BEGIN + "first", "the words behind them")
    await asyncio.sleep(1)
    (router,) = [task for task in past.bridge.engine._tasks if task.get_name() == "route shop"]
    router.cancel()
    await asyncio.sleep(0.1)
    past.bridge.engine._routers["shop"]._rests = False
    await past.phone.says(BEGIN + "ready", "kept and not routed")
    return tickets


def outbox_states(tx: Any, wanted: str) -> bool:
    outbox = table(Outbox)
    return tx.execute(select(outbox.c.id).where(outbox.c.state == wanted)).first() is not None


def join_two(tx: Any, now: datetime) -> None:
    one = people.know(tx, "shop", BEGIN + "done", "{}", "customer 17", now)
    people.know(tx, "kiosk", BEGIN + "paused", "{}", "customer 17", now)
    people.suggest(tx, one.person_id, "customer 17", now)
    (row,) = people.suggestions(tx)
    assert joining.join(tx, row.id)
    state.add_audit(tx, "make", "past", "", now)


def census(tx: Any) -> dict[str, list[str]]:
    """Which states there are."""
    outbox, waiting, inbox, media = (table(one) for one in (Outbox, Waiting, Inbox, MediaFile))
    steps = tx.execute(select(outbox.c.state, outbox.c.lease, outbox.c.begun_at, outbox.c.unknown))
    return {
        "outbox": sorted(
            {
                "marked" if begun else "leased" if lease else "unknown" if state == "ready" and unknown else state
                for state, lease, begun, unknown in steps
            }
        ),
        "waiting": sorted({row.held or "due" for row in tx.execute(select(waiting))}),
        "inbox": sorted({row.state for row in tx.execute(select(inbox))}),
        "media": sorted({row.state for row in tx.execute(select(media))}),
        "pause": sorted(state.pauses(tx)),
    }


def plain(value: Any) -> Any:
    """For JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(entry) for entry in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat(" ") if isinstance(value, datetime) else value


def outside(past: Past, tickets: dict[str, str], found: Any) -> dict[str, Any]:
    """What the helpdesk and the platform know, and the files beside the database."""
    desk = past.desk.simulator.state
    return {
        "taken_at": plain(past.clock()),
        "states": found,
        "customers": tickets,
        "desk": {
            "origin": past.desk.simulator.origin,
            "names": desk.names,
            "tickets": plain(list(desk.tickets.values())),
            "transactions": plain(list(desk.transactions.values())),
        },
        "platforms": {
            name: {
                "phones": plain(phone.platform.phones),
                "allowances": {
                    who: plain({"left": one.left, "until": one.until}) for who, one in phone.platform.allowances.items()
                },
                "files": plain(phone.platform.files._stored),
                "consents": [[*key, count] for key, count in phone.platform.consents.items()],
            }
            for name, phone in (("shop", past.phone), ("kiosk", past.kiosk))
        },
        "media": {path.name: plain(path.read_bytes()) for path in sorted((past.folder / "media").glob("*/*"))},
    }


def dumped(url: str, folder: Path, cluster: Cluster | None) -> str:
    if cluster is None:
        with sqlite3.connect(folder / "bridge.db") as database:
            return "\n".join(database.iterdump()) + "\n"
    from sqlalchemy import make_url

    found = make_url(url)
    command = [
        str(server_binaries() / "pg_dump"), "--inserts", "--rows-per-insert=100", "--no-owner", "--no-comments",
        "-h", str(found.query["host"]), "-U", "bridge", str(found.database),
    ]  # fmt: skip
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kept = [
        line
        for line in text.split("\n")
        if line and not line.startswith(("--", "\\", "SET ", "SELECT pg_catalog.set_config"))
    ]
    return "\n".join(kept) + "\n"


async def main(kind: str, target: Path) -> None:
    folder = Path(tempfile.mkdtemp())
    cluster = None
    url = f"sqlite+aiosqlite:///{folder}/bridge.db"
    if kind == "postgresql":
        cluster = Cluster(server_binaries())
        cluster.start()
        url = cluster.new_database()
    try:
        past = Past(url, folder)
        async with past.kiosk, past.running() as bridge:
            tickets = await happen(past)
            found = await bridge.store.read(census)
            (target / f"{kind}.sql").write_text(dumped(url, folder, cluster))
            known = json.dumps(outside(past, tickets, found), indent=1, ensure_ascii=False)
            (target / f"{kind}.json").write_text(known + "\n")
            if cluster is not None:
                cluster.stop()
            os._exit(0)  # it does not end in order
    finally:
        if cluster is not None:
            cluster.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))

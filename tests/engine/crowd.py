"""One of several processes that serve the same database, with a share of the customers: everything that writes at once.

`run_crowd` starts them; what reached a desk or a phone stands in one file that all of them append to.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bridge.app import Bridge
from bridge.contract import Audience, Raw, Receipt, Step, StoreDown, Target
from bridge.engine.engine import Engine
from bridge.registry import Declared
from bridge.settings import Settings
from bridge.testing.clock import system_clock
from mappings.sql import table
from mappings.store import Tx
from mappings.tables import Link
from tests.engine.fakes import FakeChannel, FakeConfig, FakeDesk, FakeVendors

DESKS = ("desk", "other")
_WORDS = (("an answer", False), ("a remark", True), ("#status", True), ("#cancel", True), ("#hold", True))
_link = table(Link)


class Book:
    """What arrived, in a file that several processes append to: one line each, which the system keeps whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.echoes: list[tuple[str, Raw]] = []
        self._count = 0

    def number(self) -> str:
        self._count += 1
        return f"{os.getpid()}.{self._count}"

    def write(self, *entry: str) -> None:
        os.write(self._file, json.dumps(entry).encode() + b"\n")

    def has(self, key: str) -> bool:
        """Whether something arrived by the key of its step, from whichever process."""
        return json.dumps(key).encode() in self._path.read_bytes()


class CrowdDesk(FakeDesk):
    """Knows every ticket, whoever made it."""

    book: Book

    async def deliver(self, step: Step, target: Target) -> Receipt:
        await asyncio.sleep(0.001)
        account = self.account.name
        ticket = target.conversation or f"{account}:{target.contact.id}:{self.book.number()}"
        ids = []
        for text in step.body["texts"]:
            ids.append(self.book.number())
            note = step.audience is Audience.AGENTS
            self.book.write(account, target.contact.id, "note" if note else "customer", text, target.key)
            payload = {"type": "message", "ticket": ticket, "id": ids[-1], "text": text, "private": note,
                       "origin": target.key}  # fmt: skip
            self.book.echoes.append((account, Raw(f"comment:{ids[-1]}", json.dumps(payload).encode())))
        return Receipt(ids=tuple(ids), conversation=ticket)

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        ticket = target.conversation or f"{self.account.name}:{target.contact.id}:{self.book.number()}"
        return Receipt(conversation=ticket) if self.book.has(target.key) else None


class CrowdChannel(FakeChannel):
    """A phone that takes everything."""

    book: Book

    async def deliver(self, step: Step, target: Target) -> Receipt:
        await asyncio.sleep(0.001)
        self.book.write("shop", target.conversation or "", "agent", step.body["text"])
        return Receipt(ids=(self.book.number(),))


def _build(plan: dict[str, Any], book: Book) -> Bridge:
    vendors = FakeVendors()
    channel = type("Channel", (CrowdChannel,), {"vendors": vendors, "book": book})
    desk = type("Desk", (CrowdDesk,), {"vendors": vendors, "book": book})
    config = FakeConfig(kind="fake")
    settings = Settings(
        bridge={"public_url": "https://bridge.example.com", "database_url": plan["url"], "media_dir": plan["folder"],
                "secret_key": "0123456789abcdef0123456789abcdef"},
        accounts={"shop": {"kind": "fake-channel"}, **{name: {"kind": "fake-desk"} for name in DESKS}},
        routes=[{"channel": "shop", "desk": "other", "when": {"page": "special"}}, {"channel": "shop", "desk": "desk"}],
    )  # type: ignore[arg-type] # fmt: skip # read as from a file
    declared = {name: Declared(name, desk, config) for name in DESKS}
    return Bridge(settings, {"shop": Declared("shop", channel, config), **declared}, clock=system_clock)


def _tickets(tx: Tx) -> list[tuple[str, str, str]]:
    open_ones = select(_link.c.desk, _link.c.ticket, _link.c.conversation).where(
        _link.c.ticket.is_not(None), _link.c.state != "ended"
    )
    return [(row.desk, row.ticket, row.conversation) for row in tx.execute(open_ones)]


def _of_agents(chance: random.Random, book: Book, ticket: str, customer: str) -> Raw:
    """What an agent does on a ticket. Only every other customer is handed over."""
    number = book.number()
    if chance.random() < 0.2:
        status = {"type": "status", "ticket": ticket, "status": chance.choice(["open", "solved"]), "moved_to": ""}
        return Raw(f"status:{number}", json.dumps(status).encode())
    words, private = chance.choice(_WORDS)
    if int(customer[1:]) % 2 and chance.random() < 0.3:
        words, private = f"#move {chance.choice(DESKS)}", True
    payload = {"type": "message", "ticket": ticket, "id": f"a{number}", "text": words, "private": private, "who": "bob"}
    return Raw(f"comment:a{number}", json.dumps(payload).encode())


async def take_part(plan: dict[str, Any]) -> None:
    """One process: its customers speak, agents do something on everybody's tickets."""
    chance, book = random.Random(plan["number"]), Book(Path(plan["book"]))
    mine = [f"c{number:03}" for number in range(plan["number"], plan["links"], plan["processes"])]
    said = dict.fromkeys(mine, 0)
    async with _build(plan, book).running() as bridge:
        engine = bridge.engine
        assert engine is not None
        refused = 0
        end = time.monotonic() + plan["seconds"]
        while time.monotonic() < end:
            for name in chance.sample(mine, min(len(mine), 6)):
                payload = {"type": "message", "customer": name, "id": book.number(), "text": f"{name} {said[name]}"}
                said[name] += 1
                raw = Raw(f"msg:{payload['id']}", json.dumps(payload).encode())
                refused += await _keep(engine, "shop", raw)
            tickets = await bridge.store.read(_tickets)
            for desk, ticket, customer in chance.sample(tickets, min(len(tickets), 6)):
                refused += await _keep(engine, desk, _of_agents(chance, book, ticket, customer))
            echoes, book.echoes[:] = list(book.echoes), []
            for account, raw in echoes:
                refused += await _keep(engine, account, raw)
            await engine.timetable.run_deadlines()
            await asyncio.sleep(0.01)
        async with asyncio.timeout(120):
            await engine.idle()
    sys.stdout.write(f"\n{json.dumps({'said': said, 'refused': refused})}\n")


async def _keep(engine: Engine, account: str, raw: Raw) -> int:
    """As a vendor does: again until it is taken. Returns how often it was not."""
    refused = 0
    while True:
        try:
            await engine.persist(account, (raw,))
        except StoreDown:
            refused += 1
        else:
            return refused


def run_crowd(
    url: str, folder: Path, *, seconds: float, processes: int, links: int
) -> tuple[dict[str, int], list[Any]]:
    """(customer → how many messages they wrote, everything that arrived, in order). Raises when a process fails."""
    plan = {"url": url, "folder": str(folder / "media"), "book": str(folder / "book"), "seconds": seconds,
            "processes": processes, "links": links}  # fmt: skip
    started: list[tuple[subprocess.Popen[str], Path, Path]] = []
    for number in range(processes):
        # files: whoever writes to a pipe that nobody reads stands still when it is full
        out, err = folder / f"out-{number}", folder / f"err-{number}"
        command = [sys.executable, "-m", "tests.engine.crowd", json.dumps({**plan, "number": number})]
        with out.open("w") as to, err.open("w") as beside:
            started.append((subprocess.Popen(command, stdout=to, stderr=beside, text=True), out, err))
    said: dict[str, int] = {}
    refused = 0
    troubles = []
    for one, out, err in started:
        if one.wait(seconds + 240):
            troubles.append(err.read_text("utf-8")[-3000:])
        else:
            told = json.loads(out.read_text("utf-8").splitlines()[-1])
            said |= told["said"]
            refused += told["refused"]
    if troubles:
        raise RuntimeError("\n\n".join(troubles))
    if refused:
        sys.stdout.write(f"{refused} payloads were not kept in time and came again\n")
    return said, [json.loads(line) for line in (folder / "book").read_text("utf-8").splitlines()]


def check(said: dict[str, int], arrived: Sequence[Any]) -> None:
    """Every word of a customer reached a desk; of those who kept their desk once each and in order."""
    heard: dict[str, list[str]] = {name: [] for name in said}
    for account, customer, who, text, *_ in arrived:
        if account != "shop" and who == "customer":
            heard[customer].append(text)
    for name, count in said.items():
        words = [f"{name} {number}" for number in range(count)]
        if int(name[1:]) % 2:  # handed over: what the old desk got stands in the transcript as well
            lines = {line for text in heard[name] for line in text.splitlines()}
            missing = [one for one in words if not any(one == line or line.endswith(f" {one}") for line in lines)]
            assert not missing, (name, missing)
        else:
            others = [(place, one) for place, one in enumerate(heard[name]) if words[place : place + 1] != [one]]
            assert heard[name] == words, (name, count, others[:5])


if __name__ == "__main__":
    asyncio.run(take_part(json.loads(sys.argv[1])))

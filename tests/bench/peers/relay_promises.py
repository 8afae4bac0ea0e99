"""The lean relay loop with the fewest statements that keep the bridge's promises: their price when nothing is general.

The tables are the bridge's own, with all their indexes and foreign keys, and the rows are those that the bridge leaves,
so that it can be started on this database and goes on. The statements are written by hand and run on the driver; there
are no models, no routing table and no other kinds of messages. Seven statements for a message of a known customer, and
its share of three for each transaction: BEGIN, the claim, COMMIT.

Kept, as by the bridge:
- A callback is answered when its payload is committed. A repeat is known by its key, in a unique index.
- The same transaction routes it: who it is, the link of the conversation, the allowance, the pair by which it is traced,
  and the rendered step with its key.
- Nothing is sent before a commit holds the step, its key, its lease and the mark of its attempt. What is sent is what was
  stored. Heads of lanes only, none of a paused account: the database says what may go, memory only how many.
- Afterwards one transaction, fenced by the lease: the receipt, the journal's entry, the pair by which the echo is known,
  the link where the answer changes it.

Left out, and part of the promises: the recovery itself (all that it needs is stored), leases renewed, what follows a
request that fails, a transaction of its own for each when one of those that share one fails, callbacks before the relay.
Left out because it does not arise: all but a customer's text for an open ticket or their first one, messages joined while
a step is on its way, answers held, notices, labels, files, a breaker, metrics, logs. Where the stored truth asks for one of
them, which is read all the same, this ends with an error.
"""

import json
import sqlite3
from asyncio import AbstractEventLoop, create_task
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connectors.rt.text import address, mark
from mappings.schema import migrate
from mappings.store import Store
from tests.bench.peers.checked import checked
from tests.bench.peers.noop import ready
from tests.bench.peers.promises import Receipt, Step, change, keep, read, settle
from tests.bench.peers.relay_httpx import Entry, Relay

_PRAGMAS = (  # as the bridge sets them
    "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=3000", "trusted_schema=OFF",
    "cache_size=-16000", "wal_autocheckpoint=2000",
)  # fmt: skip


class Keeper(Relay):
    """The loop. All that it knows of what is to be done comes out of a committed transaction."""

    def __init__(self, desk: str, *, max_concurrency: int) -> None:
        super().__init__(desk, lean=True)
        self._free = max_concurrency  # turns
        self._web = self._desk.removesuffix("/REST/2.0")

    def _open(self, path: str) -> sqlite3.Connection:
        store = Store(f"sqlite:///{path}")
        store.open()
        migrate(store)
        store.close()
        base = sqlite3.connect(path, check_same_thread=False, isolation_level=None, cached_statements=512)
        for pragma in _PRAGMAS:
            base.execute(f"PRAGMA {pragma}")
        return base

    async def answer(self, request: Request) -> Response:
        raw = await checked(request)
        await self._write(keep, read(raw, datetime.now(UTC)))
        return PlainTextResponse("success")

    async def _write_group(self, loop: AbstractEventLoop, group: list[Entry]) -> None:
        changes = [(what, values) for what, values, _ in group]
        steps = await loop.run_in_executor(self._writer, change, self._base, changes, self._free)
        self._free -= len(steps)
        for step in steps:
            task = create_task(self._deliver(step))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, step: Step) -> None:
        try:
            got = await self._say(step)
        finally:
            self._free += 1
        await self._write(settle, step, got)

    async def _say(self, step: Step) -> Receipt:
        """The stored step, with its key where the desk keeps it."""
        body, ticket = json.loads(step.step)["body"], step.ticket
        fields = {"Content": body["text"], "ContentType": "text/plain", "Subject": mark(step.key)}
        if ticket is None:
            peer = address(step.conversation, "bridge.invalid")
            wanted = {"Subject": body["subject"], "Queue": "Support", "Requestor": peer}
            ticket = str((await self._post("/ticket", fields | wanted)).json()["id"])
            history = await self._call("GET", f"/ticket/{ticket}/history", params={"fields": "Type"})
            return self._receipt(history.json()["items"][0]["id"], ticket, peer)
        there = (await self._call("GET", f"/ticket/{ticket}")).json()
        if str(there["id"]) != ticket or there["Status"] in {"resolved", "rejected", "deleted"}:
            raise NotImplementedError(f"ticket {ticket} is not where it was")
        said = await self._post(f"/ticket/{ticket}/correspond", fields)
        said.json()  # else somebody in between answered
        return self._receipt(said.headers["location"].rpartition("/")[2], ticket)

    def _receipt(self, transaction: str, ticket: str, peer: str | None = None) -> Receipt:
        return Receipt(transaction, ticket, f"{self._web}/Ticket/Display.html?id={ticket}", peer)


def make(desk: str, max_concurrency: str = "32") -> Starlette:
    relay = Keeper(desk, max_concurrency=int(max_concurrency))
    routes = [Route("/hooks/{account}", relay.answer, methods=["GET", "POST"]), Route("/", ready)]
    return Starlette(routes=routes, lifespan=relay.running)

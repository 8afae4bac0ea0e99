"""Claim: what one transaction may take on for an account, and what it took; the router's and the dispatcher's own."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from bridge.engine.context import Effects, Runtime, Work
from bridge.engine.conversation.survey import outlived
from bridge.engine.outbound.interfaces import Interfaces
from bridge.engine.outbound.isolation import render_apart
from bridge.engine.outbound.lost_attempts import lost_too_often, one_suspect
from bridge.engine.outbound.rendering import render_lane
from bridge.engine.outbound.window_recheck import closed_meanwhile
from bridge.engine.runtime.ids import new_name
from mappings import attempts, links, outbox, waiting
from mappings.links import LinkRow
from mappings.locks import holds_link, lock_free_links
from mappings.states import StepState
from mappings.store import Tx

_LOCKED = 0.02  # seconds until a link that another process holds is looked at again


@dataclass(frozen=True, slots=True)
class ClaimBudget:
    """What one transaction may claim: so many steps, and so many of them have their turn at once. Whoever asked for a
    budget gives it back with `Dispatcher.send`. `rested`: the account had to rest when it was made.
    """

    steps: int
    turns: int
    rested: bool


@dataclass(slots=True)
class Claimed:
    """What a transaction claimed. `left`: more may wait, or there was no place for it. `locked`: somebody else holds a
    link that has something to send.
    """

    steps: list[tuple[Row[Any], LinkRow, bool]] = field(default_factory=list)  # with: its attempt is marked
    effects: Effects = field(default_factory=Effects)
    left: bool = False
    locked: bool = False

    async def wait_for_lock(self) -> None:
        """A moment, when all there was is locked: asking in a loop would only take time from whoever holds it."""
        if self.locked and not self.steps:
            await asyncio.sleep(_LOCKED)


class Claims:
    """Of one account. `commit_wanted`: see `Admission`."""

    def __init__(self, runtime: Runtime, name: str, owner: str, commit_wanted: Callable[[], bool]) -> None:
        self._runtime = runtime
        self._name = name
        self._owner = owner
        self._lease = runtime.settings.engine.lease
        self._commit_wanted = commit_wanted

    def claim(
        self, tx: Tx, budget: ClaimBudget, in_flight: Sequence[Row[Any]], interfaces: Interfaces, *, careful: bool
    ) -> Claimed:
        """Renders idle lanes, then claims heads; nothing while the account pauses. `in_flight`: the steps that this
        process has claimed before. `careful`, after a failure: each lane by itself, to find the one at fault.
        """
        now = self._runtime.now()  # not the budget's: what was routed since is due, too
        work = Work(tx, self._runtime, now)
        claimed = Claimed(effects=work.effects)
        waits = waiting.idle_lanes(tx, self._name, now, budget.steps)
        lanes = list(waits)
        known: dict[int, LinkRow] = {}  # where steps go does not change by rendering them
        unsure = [lane for lane in lanes if not holds_link(tx, links.link_of(lane))]
        free = lock_free_links(tx, map(links.link_of, lanes))
        claimed.left = claimed.locked = not free.issuperset(map(links.link_of, lanes))
        # the others: somebody is at them this very moment; they are looked at again in a moment
        lanes = [lane for lane in lanes if links.link_of(lane) in free]
        links.read_links(tx, free)
        waits |= waiting.waiting_in_lanes(tx, unsure)
        for lane in filter(waits.get, lanes):  # of the others somebody took it while a lock was waited for
            link = (render_apart if careful else render_lane)(work, lane, waits[lane])
            known[link.id] = link
            if self._commit_wanted():
                claimed.left = True
                break
        lease = f"{self._owner}:{new_name()}"
        rows = outbox.claim(tx, self._name, now, budget.steps, lease=lease, lease_until=now + self._lease)
        claimed.left = claimed.left or len(lanes) >= budget.steps or len(rows) >= budget.steps
        rows = [row for row in rows if row.term is None or not _of_another_term(work, row)]
        if self._name in self._runtime.asks_how:
            rows = [row for row in rows if not outlived(work, row)]
        rows = [row for row in rows if not closed_meanwhile(work, row) and not lost_too_often(work, row)]
        rows = one_suspect(tx, interfaces.open_now(tx, rows, now), list(in_flight))
        missing = links.get_links(tx, {row.link_id for row in rows} - known.keys())
        for place, row in enumerate(rows):
            begun = place < budget.turns and not row.unknown
            if begun:
                attempts.begin_attempt(tx, row.id, lease, now)
            claimed.steps.append((row, known.get(row.link_id) or missing[row.link_id], begun))
        return claimed


def _of_another_term(work: Work, row: Row[Any]) -> bool:
    """Drops a bot's question or answer whose conversation has another holder by now. True when it did."""
    link = links.get_link(work.tx, row.link_id)
    if link.term == row.term and link.state != "ended":
        return False
    why = f"the conversation is in term {link.term}"
    attempts.settle(
        work.tx, row.id, row.lease, work.now, outcome=StepState.DROPPED, detail=why, state=StepState.DROPPED, error=why
    )
    return True

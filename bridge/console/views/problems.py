"""What could not be delivered or read, by cause: tried again, given up, one or all of a cause, with a look before."""

import hashlib
import json
from typing import Any

from starlette.responses import Response

from bridge import replays as work_on
from bridge.away import pauses_by_account
from bridge.cli import dead_letters
from bridge.console.prospects import prospect
from bridge.console.visit import NotFound, Refused, Visit
from bridge.console.words import reason_in
from bridge.engine.context import Work
from mappings import causes, overview, replays
from mappings.causes import QUARANTINED, Cause, Group
from mappings.store import Tx

_PAGE = "/console/problems"
_SHOWN = 50  # things of one cause on a page
_LOOKED = 2000  # things of one cause that a preview looks at


def key_of(cause: Cause) -> str:
    """A cause in an address: nothing of what a vendor said stands there."""
    return hashlib.sha256(json.dumps(cause).encode()).hexdigest()[:16]


async def show(visit: Visit) -> Response:
    """All causes; what is tried again by itself; what waits for an account; what was begun."""
    return await visit.read(_page, visit)


def _page(tx: Tx, visit: Visit) -> Response:
    found = causes.groups(tx)
    away = pauses_by_account(tx, visit.language)
    counts = dead_letters.waiting_counts(tx)
    return visit.page(
        "problems.html",
        groups=[(key_of(one.cause), one) for one in found[:200]],
        total=sum(one.number for one in found),
        again=overview.tried_steps(tx, 50),
        away=[(name, why, counts.get(name, 0)) for name, why in away.items()],
        jobs=[
            (job, json.loads(job.cause))
            for number, job in enumerate(replays.jobs(tx))
            if not number or job.state == "running"
        ],
        masked=not visit.session.may("operator"),
        reason=lambda said: reason_in(said, visit.language),
    )


def _group(tx: Tx, visit: Visit) -> Group:
    wanted = visit.request.path_params["cause"]
    found = next((one for one in causes.groups(tx) if key_of(one.cause) == wanted), None)
    if found is None:
        raise NotFound
    return found


async def show_cause(visit: Visit) -> Response:
    """One cause: what it hit, and what would happen if all of it were tried again."""
    return await visit.read(_cause_page, visit)


def _cause_page(tx: Tx, visit: Visit) -> Response:
    group = _group(tx, visit)
    masked = not visit.session.may("operator")
    away = pauses_by_account(tx)
    rows: list[Any] = []
    after, looked = 0, 0
    sums: dict[str, int] = {}
    while looked < _LOOKED:
        found, reached = causes.piece(tx, group.cause, after, limit=500)
        for row in found:
            seen = prospect(row, visit.desk.runtime, away, visit.now, masked=masked)
            sums[seen.prospect] = sums.get(seen.prospect, 0) + 1
            if len(rows) < _SHOWN:
                rows.append(seen)
        looked += len(found)
        if reached == after or (not found and reached <= after):
            break
        after = reached
        if after >= group.example:
            break
    return visit.page(
        "problem.html",
        key=key_of(group.cause),
        group=group,
        why=reason_in(group.reason, visit.language),
        rows=rows,
        sums=sums,
        looked=looked,
        quarantined=group.cause.state == QUARANTINED,
        masked=masked,
    )


async def replay_all(visit: Visit) -> Response:
    """All of a cause, a few at a time."""
    return await _begin(visit, "replay")


async def drop_all(visit: Visit) -> Response:
    """All of a cause is given up; asked on a page of its own."""
    if visit.form.get("sure") != "1":
        return await visit.read(_drop_page, visit)
    return await _begin(visit, "drop")


def _drop_page(tx: Tx, visit: Visit) -> Response:
    group = _group(tx, visit)
    key = key_of(group.cause)
    return visit.page("drop.html", count=group.number, what=group.said if visit.session.may("operator") else "",
                      action=f"{_PAGE}/{key}/drop", fields={"sure": "1"}, back=f"{_PAGE}/{key}")  # fmt: skip


async def _begin(visit: Visit, act: str) -> Response:
    def begin(work: Work) -> int:
        return work_on.begin(work, _group(work.tx, visit).cause, act, visit.who)

    count = await visit.act("", "", begin)
    return visit.back(_PAGE, "begun", count)


async def stop(visit: Visit) -> Response:
    """No more of what was begun."""
    job = visit.number("job")

    def end(work: Work) -> None:
        if not replays.end(work.tx, job, "stopped", work.now):
            raise Refused("error.gone_meanwhile")

    await visit.act("stop", f"job {job}", end)
    return visit.back(_PAGE, "stopped")


async def replay_one(visit: Visit) -> Response:
    """One thing is tried again."""
    return await _one(visit, "again")


async def drop_one(visit: Visit) -> Response:
    """One thing is given up; asked on a page of its own."""
    if visit.form.get("sure") != "1":
        fields = {"sure": "1", "id": visit.form.get("id", "")[:20]}
        return visit.page("drop.html", count=1, what="", action=f"{_PAGE}/drop", fields=fields, back=_PAGE)
    return await _one(visit, "dropped")


async def _one(visit: Visit, said: str) -> Response:
    chosen = visit.form.get("id", "")

    def act(work: Work) -> int:
        function = dead_letters.replay if said == "again" else dead_letters.drop
        try:
            count = function(work.tx, [chosen], visit.who, work.now)
        except dead_letters.NoSuch:
            raise Refused("error.gone_meanwhile") from None
        work.effects.accounts |= set(work.runtime.accounts)
        return count

    return visit.back(_PAGE, said, await visit.act("", "", act))

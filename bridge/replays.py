"""All of one cause, tried again or given up: a few at a time, so that live traffic goes first.

Where it stands is written in the transaction that does it: a process that ends leaves nothing done twice or forgotten.
"""

import json

from bridge.engine.context import Work
from bridge.engine.engine import Engine
from mappings import causes, failed_steps, inbox, replays, state
from mappings.causes import QUARANTINED, Cause
from mappings.store import Store

BITE = 25  # in one transaction


def begin(work: Work, cause: Cause, act: str, who: str) -> int:
    """Begins with everything of a cause that is there now (`act`: `replay` or `drop`); returns how many, 0 for none."""
    group = next((one for one in causes.groups(work.tx) if one.cause == cause), None)
    if group is None:
        return 0
    said = json.dumps({"act": act, "cause": list(cause), "said": group.said}, ensure_ascii=False)
    replays.begin(work.tx, who, said, group.example, group.number, work.now)
    state.add_audit(work.tx, who, f"{act} all of a cause", f"{group.number} × {told(cause)}", work.now)
    return group.number


def told(cause: Cause) -> str:
    """A cause on one line, for the audit."""
    return f"{cause.account} {cause.state} {cause.code}: {cause.words}"[:300]


def take_bite(work: Work) -> bool:
    """The next few of the oldest job. False when there is none."""
    job = replays.next_running(work.tx)
    if job is None:
        return False
    content = json.loads(job.cause)
    cause = Cause(*content["cause"])
    rows, after = causes.piece(work.tx, cause, job.after, job.until, BITE)
    ids = [row.id for row in rows]
    done = _do(work, cause, content["act"], ids) if ids else 0
    replays.advance(work.tx, job.id, after, done)
    if after >= job.until or (not rows and after == job.after):
        replays.end(work.tx, job.id, "done", work.now)
    return True


def _do(work: Work, cause: Cause, act: str, ids: list[int]) -> int:
    work.effects.accounts.add(cause.account)
    if cause.state == QUARANTINED:
        return inbox.replay_raws(work.tx, ids) if act == "replay" else inbox.drop_raws(work.tx, ids)
    if act == "replay":
        return len(failed_steps.replay_steps(work.tx, ids, work.now))
    return failed_steps.drop_failed(work.tx, ids, "dropped by an operator")


async def tick(store: Store, engine: Engine) -> None:
    """Goes on with whatever was begun, here or before a restart."""
    if await store.read(replays.is_running):
        await engine.act(take_bite)

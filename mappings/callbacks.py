"""What became of callbacks, by account and outcome: kept for a day, so that another process can say why they fail."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, insert, select

from mappings.account_tables import Callback
from mappings.console_tables import RefusedCallback
from mappings.sql import insert_for, table
from mappings.store import Tx

_callback, _refused = table(Callback), table(RefusedCallback)
_EACH = 100  # refused callbacks that are kept of one account
ACCEPTED = ""
KEPT = timedelta(days=1)


class Seen(NamedTuple):
    """So many callbacks of one outcome, the last at a moment. `remedy` is what an admin can do, by language."""

    account: str
    outcome: str
    number: int
    remedy: Mapping[str, str]
    since: datetime
    at: datetime


class Refused(NamedTuple):
    """One callback that was refused."""

    account: str
    cause: str
    client: str
    at: datetime


def note_refused(tx: Tx, refused: list[Refused]) -> None:
    """The last ones of each account, one by one."""
    if refused:
        tx.execute(insert(_refused), [one._asdict() for one in refused])
    for account in {one.account for one in refused}:
        mine = _refused.c.account == account
        oldest = select(_refused.c.id).where(mine).order_by(_refused.c.id.desc()).offset(_EACH).limit(1)
        tx.execute(delete(_refused).where(mine, _refused.c.id <= oldest.scalar_subquery()))


def last_refused(tx: Tx, account: str, now: datetime, limit: int = 20) -> list[Row[Any]]:
    """The last callbacks of an account that were refused within a day, the newest first."""
    mine = select(_refused).where(_refused.c.account == account, _refused.c.at > now - KEPT)
    return list(tx.execute(mine.order_by(_refused.c.id.desc()).limit(limit)))


def note_callbacks(tx: Tx, seen: list[Seen]) -> None:
    """Adds to what is known. After a day without one, the count begins anew."""
    for one in seen:
        remedy = json.dumps(dict(one.remedy), ensure_ascii=False)
        tx.execute(
            delete(_callback).where(
                _callback.c.account == one.account,
                _callback.c.outcome == one.outcome,
                _callback.c.at < one.at - KEPT,
            )
        )
        tx.execute(
            insert_for(tx, _callback)
            .values(
                account=one.account, outcome=one.outcome, count=one.number, remedy=remedy, since=one.since, at=one.at
            )
            .on_conflict_do_update(
                index_elements=["account", "outcome"],
                set_={"count": _callback.c.count + one.number, "remedy": remedy, "at": one.at},
            )
        )


def callbacks_seen(tx: Tx) -> list[Seen]:
    """All, the newest first."""
    rows = tx.execute(select(_callback, _callback.c.count.label("number")).order_by(_callback.c.at.desc()))
    return [Seen(row.account, row.outcome, row.number, json.loads(row.remedy), row.since, row.at) for row in rows]


def refusals(tx: Tx, now: datetime) -> dict[str, list[Seen]]:
    """By account: why its callbacks are refused, as far as none was accepted since. The newest first."""
    seen = callbacks_seen(tx)
    accepted = {one.account: one.at for one in seen if one.outcome == ACCEPTED}
    found: dict[str, list[Seen]] = {}
    for one in seen:
        if one.outcome != ACCEPTED and one.at > now - KEPT and not accepted.get(one.account, one.since) > one.at:
            found.setdefault(one.account, []).append(one)
    return found


def forget_callbacks(tx: Tx, before: datetime) -> int:
    """Retention: refusals; when one was accepted last stays known."""
    tx.execute(delete(_refused).where(_refused.c.at < before))
    return tx.execute(delete(_callback).where(_callback.c.outcome != ACCEPTED, _callback.c.at < before)).rowcount


def accepted(tx: Tx) -> list[Row[Any]]:
    """By account: how many callbacks were taken, and when the last one."""
    number = _callback.c["count"].label("number")
    return list(tx.execute(select(_callback.c.account, number, _callback.c.at).where(_callback.c.outcome == ACCEPTED)))

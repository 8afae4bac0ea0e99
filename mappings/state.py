"""What accounts remember between restarts: tokens, pauses, leases, the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Row, case, delete, exists, insert, or_, select, update

from mappings.account_tables import Audit, Lease, Pause, StoredToken
from mappings.prepared import Prepared
from mappings.sql import insert_for, table
from mappings.store import Tx

_token, _pause, _lease, _audit = table(StoredToken), table(Pause), table(Lease), table(Audit)

BY_HAND = "operator: "  # how the reason of a pause begins that somebody made, by name
_PAUSES = Prepared(select(_pause))


def may_send(account: BindParameter[str], now: BindParameter[datetime]) -> ColumnElement[bool]:
    """For a statement: the account has no pause now."""
    return ~exists().where(_pause.c.account == account, or_(_pause.c.until.is_(None), _pause.c.until > now))


def get_token(tx: Tx, account: str, name: str) -> Row[Any] | None:
    """A stored credential (`value` is encrypted)."""
    return tx.execute(select(_token).where(_token.c.account == account, _token.c.name == name)).first()


def set_token(tx: Tx, account: str, name: str, value: bytes, expires_at: datetime | None, now: datetime) -> None:
    """Stores a credential in place of the old one."""
    values = {"value": value, "expires_at": expires_at, "at": now}
    tx.execute(
        insert_for(tx, _token)
        .values(account=account, name=name, **values)
        .on_conflict_do_update(index_elements=["account", "name"], set_=values)
    )


def pause(tx: Tx, account: str, reason: str, now: datetime, until: datetime | None = None, *, code: str = "") -> bool:
    """Stops sending for an account. `code`: the vendor's. True when it was not paused for this reason before. What
    somebody paused stays theirs: no throttle that ends by itself takes its place.
    """
    known = tx.execute(select(_pause.c.reason).where(_pause.c.account == account)).scalar()
    values = {"reason": reason, "until": until, "code": code}
    since = case((_pause.c.until < now, now), else_=_pause.c.since)  # one that was over is another one
    tx.execute(
        insert_for(tx, _pause)
        .values(account=account, since=now, **values)
        .on_conflict_do_update(
            index_elements=["account"],
            set_={**values, "since": since},
            where=None if reason.startswith(BY_HAND) else ~_pause.c.reason.startswith(BY_HAND),
        )
    )
    return known != reason


def resume(tx: Tx, account: str) -> bool:
    """Lets an account send again. False when it was not paused."""
    return bool(tx.execute(delete(_pause).where(_pause.c.account == account)).rowcount)


def pauses(tx: Tx) -> dict[str, Row[Any]]:
    """All pauses, by account."""
    return {row.account: row for row in _PAUSES.all(tx)}


def take_lease(tx: Tx, name: str, owner: str, now: datetime, until: datetime) -> bool:
    """Takes or prolongs a lease; False while another owner has it."""
    return (
        tx.execute(
            insert_for(tx, _lease)
            .values(name=name, owner=owner, until=until)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={"owner": owner, "until": until},
                where=or_(_lease.c.owner == owner, _lease.c.until < now),
            )
            .returning(_lease.c.name)
        ).scalar()
        is not None
    )


def end_lease(tx: Tx, name: str, owner: str) -> None:
    """Gives a lease back."""
    tx.execute(delete(_lease).where(_lease.c.name == name, _lease.c.owner == owner))


def end_all_leases(tx: Tx, now: datetime) -> None:
    """Every lease ends: the one process that could hold them has just started."""
    tx.execute(update(_lease).values(until=now))


def add_audit(tx: Tx, who: str, what: str, detail: str, now: datetime) -> None:
    """Writes down who did what."""
    tx.execute(insert(_audit).values(at=now, who=who, what=what, detail=detail))


def forget_audits(tx: Tx, before: datetime, limit: int = 1000) -> int:
    """Removes some that are older than a moment, the oldest first."""
    oldest = tx.execute(select(_audit.c.id, _audit.c.at).order_by(_audit.c.id).limit(limit)).all()
    gone = [row.id for row in oldest if row.at < before]
    return tx.execute(delete(_audit).where(_audit.c.id.in_(gone))).rowcount if gone else 0


def audits(tx: Tx, limit: int = 200, *, before: int | None = None, text: str = "") -> list[Row[Any]]:
    """The newest entries of the audit log, or those before one; with a text in who, what or the detail."""
    statement = select(_audit).order_by(_audit.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_audit.c.id < before)
    if text:
        named = (_audit.c[name].icontains(text, autoescape=True) for name in ("who", "what", "detail"))
        statement = statement.where(or_(*named))
    return list(tx.execute(statement))

"""Who may sign in to the console, and who is signed in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, delete, func, insert, select, update

from mappings.console_tables import ConsoleSession, ConsoleUser
from mappings.sql import insert_for, table
from mappings.states import UserColumns
from mappings.store import Tx

_user, _session = table(ConsoleUser), table(ConsoleSession)


def set_user(tx: Tx, name: str, shown: str, role: str, digest: str, now: datetime) -> bool:
    """A sign-in, or a new password and role for one; its sessions end. True when it is new."""
    known = get_user(tx, name) is not None
    values = {"shown": shown, "role": role, "hash": digest}
    tx.execute(
        insert_for(tx, _user)
        .values(name=name, language="", theme="", created_at=now, **values)
        .on_conflict_do_update(index_elements=["name"], set_=values)
    )
    tx.execute(delete(_session).where(_session.c.name == name))
    return not known


def change_user(tx: Tx, name: str, **values: Unpack[UserColumns]) -> None:
    """Sets columns of a sign-in (language, theme, role)."""
    tx.execute(update(_user).where(_user.c.name == name).values(values))


def remove_user(tx: Tx, name: str) -> bool:
    """Takes a sign-in away, with its sessions."""
    tx.execute(delete(_session).where(_session.c.name == name))
    return bool(tx.execute(delete(_user).where(_user.c.name == name)).rowcount)


def get_user(tx: Tx, name: str) -> Row[Any] | None:
    """A sign-in by its compared name."""
    return tx.execute(select(_user).where(_user.c.name == name)).first()


def users(tx: Tx) -> list[Row[Any]]:
    """All sign-ins, by name."""
    return list(tx.execute(select(_user).order_by(_user.c.name)))


def count_users(tx: Tx, role: str = "") -> int:
    """How many may sign in, in a role or at all."""
    statement = select(func.count()).select_from(_user)
    return int(tx.execute(statement.where(_user.c.role == role) if role else statement).scalar_one())


def add_session(tx: Tx, values: dict[str, Any], most: int) -> None:
    """A signed-in browser. Of one user at most so many: those that were used least recently end."""
    rows = tx.execute(
        select(_session.c.key)
        .where(_session.c.name == values["name"])
        .order_by(_session.c.seen.desc())
        .offset(most - 1)
    )
    end_sessions(tx, list(rows.scalars()))
    tx.execute(insert(_session).values(values))


def session_and_user(tx: Tx, key: str) -> Row[Any] | None:
    """A session with its user's role, hash, language and theme; None where either is gone."""
    return tx.execute(
        select(_session, _user.c.shown, _user.c.role, _user.c.hash, _user.c.language, _user.c.theme)
        .select_from(_session.join(_user, _user.c.name == _session.c.name))
        .where(_session.c.key == key)
    ).first()


def touch_session(tx: Tx, key: str, now: datetime) -> None:
    """It was used."""
    tx.execute(update(_session).where(_session.c.key == key).values(seen=now))


def sessions(tx: Tx, name: str = "") -> list[Row[Any]]:
    """Sessions of one user, or of all, those used last first."""
    statement = select(_session).order_by(_session.c.seen.desc()).limit(500)
    return list(tx.execute(statement.where(_session.c.name == name) if name else statement))


def end_sessions(tx: Tx, keys: Sequence[str]) -> int:
    """These open nothing any more."""
    return tx.execute(delete(_session).where(_session.c.key.in_(keys))).rowcount


def forget_sessions(tx: Tx, seen_before: datetime, since_before: datetime) -> int:
    """Retention: what is too old to be used."""
    return tx.execute(
        delete(_session).where((_session.c.seen < seen_before) | (_session.c.since < since_before))
    ).rowcount

"""Who may call the API."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from mappings import state
from mappings.api_tables import ApiToken
from mappings.sql import columns, table
from mappings.store import Tx

_token = table(ApiToken)


def add_token(tx: Tx, name: str, digest: str, scopes: str, now: datetime, until: datetime | None = None) -> bool:
    """False where there is one of this name. `until`: when it ends."""
    if tx.execute(select(_token.c.name).where(_token.c.name == name)).first() is not None:
        return False
    tx.execute(insert(_token).values(name=name, hash=digest, scopes=scopes, created_at=now, expires_at=until))
    ends = f", until {until:%Y-%m-%d %H:%M} UTC" if until is not None else ""
    state.add_audit(tx, "command line", "add API token", f"{name}: {scopes}{ends}", now)
    return True


def revoke_token(tx: Tx, name: str, now: datetime) -> bool:
    """False where there is none of this name."""
    found = tx.execute(delete(_token).where(_token.c.name == name)).rowcount > 0
    if found:
        state.add_audit(tx, "command line", "revoke API token", name, now)
    return found


def tokens(tx: Tx) -> list[Row[Any]]:
    """All of them by name."""
    shown = columns(_token, "name", "scopes", "created_at", "expires_at", "used_at")
    return list(tx.execute(select(*shown).order_by(_token.c.name)))


def find_token(tx: Tx, digest: str) -> Row[Any] | None:
    """What a token may do, until when, and its last use; None for one that is none."""
    return tx.execute(
        select(*columns(_token, "scopes", "expires_at", "used_at")).where(_token.c.hash == digest)
    ).first()


def touch_token(tx: Tx, digest: str, now: datetime) -> None:
    """It was used."""
    tx.execute(update(_token).where(_token.c.hash == digest).values(used_at=now))


def is_any(tx: Tx) -> bool:
    """Whether there is a token at all."""
    return tx.execute(select(_token.c.name).limit(1)).first() is not None

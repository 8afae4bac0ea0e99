"""Who may call the API."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from mappings import state
from mappings.api_tables import ApiToken
from mappings.sql import table
from mappings.store import Tx

_token = table(ApiToken)


def add_token(tx: Tx, name: str, digest: str, scopes: str, now: datetime) -> bool:
    """False where there is one of this name."""
    if tx.execute(select(_token.c.name).where(_token.c.name == name)).first() is not None:
        return False
    tx.execute(insert(_token).values(name=name, hash=digest, scopes=scopes, created_at=now))
    state.add_audit(tx, "command line", "added an API token", f"{name}: {scopes}", now)
    return True


def revoke_token(tx: Tx, name: str, now: datetime) -> bool:
    """False where there is none of this name."""
    found = tx.execute(delete(_token).where(_token.c.name == name)).rowcount > 0
    if found:
        state.add_audit(tx, "command line", "revoked an API token", name, now)
    return found


def tokens(tx: Tx) -> list[Row[Any]]:
    """All of them by name."""
    return list(tx.execute(select(_token.c.name, _token.c.scopes, _token.c.created_at).order_by(_token.c.name)))


def scopes_of(tx: Tx, digest: str) -> str | None:
    """What a token may do; None for one that is none."""
    return tx.execute(select(_token.c.scopes).where(_token.c.hash == digest)).scalar()


def is_any(tx: Tx) -> bool:
    """Whether there is a token at all."""
    return tx.execute(select(_token.c.name).limit(1)).first() is not None

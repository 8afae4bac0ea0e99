"""Consents of customers to messages of a template."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from mappings.sql import insert_for, table
from mappings.store import Tx
from mappings.tables import Consent

_consent = table(Consent)


def set_consent(tx: Tx, account: str, conversation: str, template: str, count: int, now: datetime) -> None:
    """Adds consents to messages of a template; a count of 0 takes all away."""
    statement = insert_for(tx, _consent).values(
        account=account, conversation=conversation, template=template, count=count, at=now
    )
    total = 0 if count == 0 else _consent.c["count"] + count
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["account", "conversation", "template"], set_={"count": total, "at": now}
        )
    )


def consents_of(tx: Tx, account: str, conversation: str, *, lock: bool = False) -> list[Row[Any]]:
    """The templates a customer has allowed messages of, with how many are `left`; the oldest first."""
    statement = (
        select(_consent.c.id, _consent.c.template, _consent.c["count"].label("left"))
        .where(_consent.c.account == account, _consent.c.conversation == conversation, _consent.c["count"] > 0)
        .order_by(_consent.c.id)
    )
    return list(tx.execute(statement.with_for_update() if lock else statement))


def use_consent(tx: Tx, consent_id: int, now: datetime) -> None:
    """One of these consents is used up."""
    tx.execute(
        update(_consent)
        .where(_consent.c.id == consent_id, _consent.c["count"] > 0)
        .values(count=_consent.c["count"] - 1, at=now)
    )

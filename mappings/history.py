"""What a person's earlier conversations say: where they were served, and whether they ever were."""

from typing import Any

from sqlalchemy import Row, select

from mappings.sql import columns, table
from mappings.store import Tx
from mappings.tables import Link

_link = table(Link)


def tickets_before(tx: Tx, person_id: int, without: int | None = None, limit: int = 20) -> list[Row[Any]]:
    """The newest tickets of a person, the newest first; `without` one link."""
    statement = select(*columns(_link, "id", "channel", "conversation", "desk", "ticket", "state")).where(
        _link.c.person_id == person_id, _link.c.ticket.is_not(None)
    )
    if without is not None:
        statement = statement.where(_link.c.id != without)
    return list(tx.execute(statement.order_by(_link.c.id.desc()).limit(limit)))

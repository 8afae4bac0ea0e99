"""What customers said, as it is stored until its retention ends: for counting words, never copied."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select

from mappings.lanes import is_towards_desk
from mappings.sql import columns, table
from mappings.store import Tx
from mappings.tables import Link, Outbox

_outbox, _link = table(Outbox), table(Link)


class Words(NamedTuple):
    """The texts of one step; `ended` is the number to go on before, None at the end."""

    link: int
    person: int
    at: datetime
    texts: list[str]


def newest(tx: Tx) -> int:
    """The number after that of the newest step."""
    return int(tx.execute(select(func.coalesce(func.max(_outbox.c.id), 0))).scalar_one()) + 1


def said_before(tx: Tx, before: int, since: datetime, limit: int = 1000) -> tuple[list[Words], int]:
    """(what customers said before a step, the newest first; the step to go on before, 0 at the end)."""
    wanted = select(*columns(_outbox, "id", "lane", "link_id", "messages", "created_at"), _link.c.person_id)
    wanted = wanted.join(_link, _link.c.id == _outbox.c.link_id).where(_outbox.c.id < before)
    rows = list(tx.execute(wanted.order_by(_outbox.c.id.desc()).limit(limit)))
    found = [
        Words(row.link_id, row.person_id, row.created_at, texts)
        for row in rows
        if row.created_at >= since and is_towards_desk(row.lane) and (texts := _texts(row.messages))
    ]
    ended = len(rows) < limit or rows[-1].created_at < since
    return found, 0 if ended else rows[-1].id


def _texts(messages: str) -> list[str]:
    found: list[str] = []
    for one in json.loads(messages):
        if one.get("author", {}).get("kind") == "customer" and one.get("audience", "customer") == "customer":
            found += [
                str(part.get("body") or part.get("transcript") or part.get("caption") or "") for part in _parts(one)
            ]
    return [text for text in found if text]


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in message.get("parts", ()) if isinstance(part, dict)]

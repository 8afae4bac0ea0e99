"""A step that moved to another ticket's lane while it was being sent: what becomes of it counts there."""

from typing import Any

from sqlalchemy import Row

from bridge.engine.context import Work
from mappings import links, outbox
from mappings.links import LinkRow


def where_it_is(work: Work, row: Row[Any]) -> tuple[Row[Any], LinkRow]:
    """A step as it was claimed, and its link, locked; both as they are now when the conversation went on elsewhere."""
    link = links.get_link(work.tx, row.link_id, lock=True)
    if link.state != "ended":
        return row, link
    now = outbox.get_step(work.tx, row.id)
    if now is None or now.link_id == row.link_id:
        return row, link
    return now, links.get_link(work.tx, now.link_id, lock=True)

"""Where a stored step goes, as its connector reads it."""

from typing import Any

from pydantic_core import from_json
from sqlalchemy import Row

from bridge.contract import Contact, Target
from bridge.engine.context import Runtime
from bridge.engine.conversation.links import customer_of
from mappings import links
from mappings.links import LinkRow


def target_of(row: Row[Any], link: LinkRow, runtime: Runtime) -> Target:
    """Where a stored step goes."""
    if links.is_towards_bot(row.lane):  # its question has all that it may know
        return Target(key=row.key, link=f"{link.id}.{link.term}", attempt=row.attempts + 1, tried_at=row.tried_at)
    to_desk = links.is_towards_desk(row.lane)
    return Target(
        key=row.key,
        link=f"{link.id}",
        channel=runtime.label(link.channel),
        conversation=link.ticket if to_desk else link.conversation,
        contact=customer_of(runtime, link) if to_desk else Contact.model_validate_json(link.contact),
        peer=link.peer if to_desk else "",
        previous=link.previous,
        fields=from_json(link.fields) if to_desk else {},
        context=from_json(link.context),
        attempt=row.attempts + 1,
        tried_at=row.tried_at,
    )

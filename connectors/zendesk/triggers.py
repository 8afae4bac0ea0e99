"""Triggers as set-up wants them: their conditions in words, and whether one that is there is the same. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.zendesk.api import Row, rows_of

TEMPLATE = json.dumps({"ticket_id": "{{ticket.id}}", "updated": "{{ticket.updated_at_with_timestamp}}"})
Condition = dict[str, Any]


def spoken(conditions: Mapping[str, Sequence[Condition]]) -> str:
    """Conditions in words."""
    said = [" and ".join(_condition(one) for one in conditions["all"])]
    if conditions["any"]:
        said.append(" or ".join(_condition(one) for one in conditions["any"]))
    return ", and ".join(said)


def _condition(one: Condition) -> str:
    if one["field"] == "comment_is_public":
        return f"a {'public' if one['value'] == 'true' else 'private'} comment was added"
    return f"{one['field']} {'becomes' if one['operator'] == 'value' else one['operator']} {one['value']}"


def is_same(found: Row, wanted: Mapping[str, Sequence[Condition]], webhook: str) -> bool:
    """Whether a trigger is what set-up would make."""
    conditions = found.get("conditions")
    if found.get("active") is False or not isinstance(conditions, dict):
        return False
    if any(_set(rows_of(conditions, side)) != _set(wanted[side]) for side in ("all", "any")):
        return False
    for action in rows_of(found, "actions"):
        value = action.get("value")
        if action.get("field") == "notification_webhook" and isinstance(value, list) and len(value) > 1:
            return str(value[0]) == webhook and _loads(value[1]) == _loads(TEMPLATE)
    return False


def _set(conditions: Sequence[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    return {(str(one.get("field")), str(one.get("operator")), _plain(one.get("value"))) for one in conditions}


def _plain(value: Any) -> str:
    return " ".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _loads(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return text

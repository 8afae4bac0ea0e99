"""What a ticket shows besides the messages: tags and custom fields that change with the reply allowance."""

from collections.abc import Mapping
from typing import Any

from bridge.contract import Receipt, Step
from connectors.freshdesk.api import Api
from connectors.freshdesk.errors import Refused


def tags_after(step: Step, tags: Any) -> list[str]:
    """A ticket's tags with the step's, and without others of its kind. An update replaces all of them."""
    wanted: list[str] = step.body["tags"]
    kept = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    kept = [tag for tag in kept if tag in wanted or not tag.lower().startswith(step.body["prefix"])]
    return list(dict.fromkeys([*kept, *wanted]))


async def write(api: Api, number: str, step: Step, tags: list[str], priority: int = 0) -> Receipt:
    """Tags and fields in one update; where the fields are refused, at least the tags."""
    refused: Refused | None = None
    raised = {"priority": priority} if priority else {}
    for fields in _spellings(step.body["fields"]):
        try:
            await api.change(
                f"/tickets/{number}", {"tags": tags, **raised, **({"custom_fields": fields} if fields else {})}
            )
        except Refused as error:
            refused = error
            continue
        detail = f"without fields: {refused.message}" if refused is not None and not fields else ""
        return Receipt(conversation=number, detail=detail)
    assert refused is not None
    raise refused


def _spellings(fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """As text, then with numbers for fields that take nothing else, then none. An empty value clears a field."""
    if not fields:
        return [{}]
    texts = {name: value or None for name, value in fields.items()}
    numbers = {name: int(value) if value and value.isdecimal() else value for name, value in texts.items()}
    return [texts, numbers, {}] if numbers != texts else [texts, {}]

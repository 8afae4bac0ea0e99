"""What a ticket shows besides the messages: tags and custom fields that change with the reply allowance."""

from collections.abc import Mapping
from typing import Any

from bridge.contract import AuthFailed, Gone, Receipt, Rejected, Step
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
        if step.body.get("rating"):
            detail = " ".join(filter(None, (detail, await rate(api, number, step.body["rating"]))))
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


async def rate(api: Api, number: str, score: int) -> str:
    """Keeps what the customer thinks as the ticket's own rating, once; says why where the account cannot.

    The agent of the key may do it for them, where a survey is active: https://developers.freshdesk.com/api/#satisfaction_ratings
    """
    try:
        accepted = _accepted(await api.every("/surveys", state="active"))
        if not accepted:
            return "no survey is active"
        wanted = min(accepted, key=lambda value: (abs(_place(value) - _PLACES[score]), value))
        kept = await api.every(f"/tickets/{number}/satisfaction_ratings")
        if not kept or kept[-1].get("ratings", {}).get(_QUESTION) != wanted:
            await api.make(f"/tickets/{number}/satisfaction_ratings", {"ratings": {_QUESTION: wanted}})
    except (AuthFailed, Gone, Rejected) as error:
        return f"no rating: {error.message}"
    return ""


_QUESTION = "default_question"
_PLACES = {5: 3, 4: 2, 3: 0, 2: -2, 1: -3}  # from extremely happy (103) to extremely unhappy (-103)
_CLASSIC = {1: 3, 2: 0, 3: -3}


def _place(value: int) -> int:
    return _CLASSIC.get(value, value - 100 if value > 0 else value + 100)


def _accepted(surveys: list[dict[str, Any]]) -> list[int]:
    """The values that the default question of an active survey takes."""
    for survey in surveys:
        for question in survey.get("questions") or ():
            if isinstance(question, dict) and question.get("id") == _QUESTION:
                return [value for value in question.get("accepted_ratings") or () if isinstance(value, int)]
    return []

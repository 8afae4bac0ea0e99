"""What the account needs besides a key: an automation rule that calls the bridge.

Rules can be listed, switched and deleted over the API, but the shape of the action *Trigger webhook* is not documented
(https://developers.freshdesk.com/api/#automations): guessing it could make a rule that does something else to every
ticket. So an existing rule is repaired, and a missing one is described for the admin to copy.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bridge.contract import AuthFailed, Gone, Rejected, SetUpChange
from connectors.freshdesk.api import Api, id_of
from connectors.freshdesk.settings import Settings

RULE = "Bridge: an agent answered"
STATUS_RULE = "Bridge: the status changed"
UPDATES = 4  # automation type "ticket updates"
CONTENT = '{"ticket_id":"{{ticket.id}}"}'
_STEPS = (
    "Sign in to Freshdesk as an admin and open Admin > Workflows > Automations > Ticket Updates > New rule.",
    (
        f"Rule name: {RULE}. Involves: Agent (any). Events: 'Reply is sent', 'Note is added: Any'. "
        "On tickets with: Tag is {tag}. {action}. Preview and save."
    ),
    (
        f"A second rule, name: {STATUS_RULE}. Involves: Any. Event: 'Status is changed', from Any to Any (the event, "
        "not a condition 'Status is', which would fire at every touch). On tickets with: Tag is {tag}. {action}."
    ),
    (
        "Private notes are part of the first rule because commands such as #retry are private notes. They are never "
        "sent to a customer."
    ),
    (
        "If the reply button is disabled for customers without an e-mail address, tell agents to answer by a public "
        "note: it reaches the customer as well."
    ),
)


async def plan(api: Api, config: Settings, account: str, hook_url: str, *, remove: bool) -> Sequence[SetUpChange]:
    """The steps, in order. Raises AuthFailed for a key that is refused."""
    await api.get("/agents/me")
    rules = await _rules(api)
    ours = [rule for rule in rules or () if _is_ours(rule, hook_url)]
    if remove:
        if rules is None:
            return [SetUpChange(f"In Admin > Workflows > Automations > Ticket Updates, delete {RULE!r}.")]
        return [_deletion(api, rule) for rule in ours]
    changes = []
    if not config.hook_secret.get_secret_value():
        changes.append(
            SetUpChange(
                f"Set accounts.{account}.hook_secret (make one with: openssl rand -hex 32) and restart. Until then "
                "calls of Freshdesk are refused and answers are found by polling.",
                zh=(
                    f"请设置 accounts.{account}.hook_secret（可用 openssl rand -hex 32 生成）并重启。"
                    "在此之前 Freshdesk 的回调会被拒绝，回复通过轮询获取。"
                ),
            )
        )
    changes += [_activation(api, rule) for rule in ours if rule.get("active") is False]
    if not ours:
        changes += [SetUpChange(text) for text in manual_steps(config.tag, account, hook_url)]
    changes += [SetUpChange(text) for text in await missing_fields(api, config)]
    return changes


def manual_steps(tag: str, account: str, hook_url: str) -> list[str]:
    """How an admin makes the rules by hand. Holds no secret."""
    action = (
        f"Action: Trigger webhook; request type POST; URL {hook_url} ; custom header  X-Bridge-Secret: <the value of "
        f"accounts.{account}.hook_secret> ; encoding JSON; content Advanced: {CONTENT}"
    )
    return [text.format(action=action, tag=tag) for text in _STEPS]


async def missing_fields(api: Api, config: Settings) -> list[str]:
    """Fields that new tickets must have and that the configuration does not give, and a marker field that is none."""
    try:
        fields = await api.every("/ticket_fields")
    except (AuthFailed, Gone, Rejected):
        return []
    given = {"ticket_type" if config.type else "", "type" if config.type else "", *config.custom_fields}
    said = []
    for entry in fields:
        name, custom = str(entry.get("name") or ""), not entry.get("default")
        if entry.get("required_for_agents") and name not in given and (custom or name in {"ticket_type", "type"}):
            key = f"custom_fields.{name}" if custom else "type"
            said.append(f"New tickets must have {entry.get('label') or name!r}: set {key} in the account's settings.")
    names = {str(entry.get("name")) for entry in fields}
    if config.marker_field and config.marker_field not in names:
        said.append(
            f"There is no ticket field {config.marker_field!r}: make a single-line text field in "
            "Admin > Ticket Fields, or leave marker_field empty."
        )
    return said


async def _rules(api: Api) -> list[dict[str, Any]] | None:
    """The account's rules; None when the key may not see them."""
    try:
        return await api.every(f"/automations/{UPDATES}/rules")
    except (AuthFailed, Gone, Rejected):
        return None


def _is_ours(rule: dict[str, Any], hook_url: str) -> bool:
    return hook_url in json.dumps(rule.get("actions"), ensure_ascii=False).replace("\\/", "/")


def _activation(api: Api, rule: dict[str, Any]) -> SetUpChange:
    return SetUpChange(
        f"Switch the rule {rule.get('name')!r} on.", _changing(api, rule), f"启用规则“{rule.get('name')}”。"
    )


def _changing(api: Api, rule: dict[str, Any]) -> Callable[[], Awaitable[str]]:
    async def apply() -> str:
        await api.change(f"/automations/{UPDATES}/rules/{id_of(rule)}", {"active": True})
        return "it is on"

    return apply


def _deletion(api: Api, rule: dict[str, Any]) -> SetUpChange:
    async def apply() -> str:
        await api.remove(f"/automations/{UPDATES}/rules/{id_of(rule)}")
        return "it is deleted"

    return SetUpChange(f"Delete the rule {rule.get('name')!r}.", apply)

"""What the account needs besides a key: an automation rule that calls the bridge.

Rules can be listed, switched and deleted over the API, but the shape of the action *Trigger webhook* is not documented
(https://developers.freshdesk.com/api/#automations): guessing it could make a rule that does something else to every
ticket. So an existing rule is repaired, and a missing one is described for the admin to copy.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bridge.contract import AuthFailed, Gone, Rejected, Said, SetUpChange, Words
from connectors.freshdesk.api import Api, id_of
from connectors.freshdesk.settings import Settings

RULE = "Bridge: an agent answered"
STATUS_RULE = "Bridge: the status changed"
UPDATES = 4  # automation type "ticket updates"
CONTENT = '{"ticket_id":"{{ticket.id}}"}'
_STEPS = (
    Words(
        "Sign in to Freshdesk as an admin and open Admin > Workflows > Automations > Ticket Updates > New rule.",
        "以管理员身份登录 Freshdesk，打开 Admin > Workflows > Automations > Ticket Updates > New rule。",
    ),
    Words(
        f"Rule name: {RULE}. Involves: Agent (any). Events: 'Reply is sent', 'Note is added: Any'. "
        "On tickets with: Tag is {tag}. {action}. Preview and save.",
        (
            f"规则名称：{RULE}。Involves：Agent（any）。Events：“Reply is sent”和“Note is added: Any”。"
            "On tickets with：Tag is {tag}。{action}。预览后保存。"
        ),
    ),
    Words(
        f"A second rule, name: {STATUS_RULE}. Involves: Any. Event: 'Status is changed', from Any to Any (the event, "
        "not a condition 'Status is', which would fire at every touch). On tickets with: Tag is {tag}. {action}.",
        (
            f"第二条规则，名称：{STATUS_RULE}。Involves：Any。Event：“Status is changed”，from Any to Any"
            "（选事件，不要选条件“Status is”，否则每次更新都会触发）。On tickets with：Tag is {tag}。{action}。"
        ),
    ),
    Words(
        "Private notes are part of the first rule because commands such as #retry are private notes. They are never "
        "sent to a customer.",
        "第一条规则包含内部备注，因为 #retry 等命令写在内部备注中。内部备注不会发给客户。",
    ),
    Words(
        "If the reply button is disabled for customers without an e-mail address, tell agents to answer by a public "
        "note: it reaches the customer as well.",
        "如果客户没有邮箱而无法点击“回复”，请让客服用公开备注回复，客户同样能收到。",
    ),
)


async def plan(api: Api, config: Settings, account: str, hook_url: str, *, remove: bool) -> Sequence[SetUpChange]:
    """The steps, in order. Raises AuthFailed for a key that is refused."""
    await api.get("/agents/me")
    rules = await _rules(api)
    ours = [rule for rule in rules or () if _is_ours(rule, hook_url)]
    if remove:
        if rules is None:
            place = "Admin > Workflows > Automations > Ticket Updates"
            return [SetUpChange(f"In {place}, delete {RULE!r}.", zh=f"请在 {place} 中删除规则“{RULE}”。")]
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
        changes += [SetUpChange(one.en, zh=one.zh) for one in manual_steps(config.tag, account, hook_url)]
    changes += [SetUpChange(one.en, zh=one.zh) for one in await missing_fields(api, config)]
    return changes


def manual_steps(tag: str, account: str, hook_url: str) -> list[Words]:
    """How an admin makes the rules by hand. Holds no secret."""
    action = (
        f"Action: Trigger webhook; request type POST; URL {hook_url} ; custom header  X-Bridge-Secret: "
        f"<accounts.{account}.hook_secret> ; encoding JSON; content Advanced: {CONTENT}"
    )
    action_zh = (
        f"Action：Trigger webhook；request type 选 POST；URL 填 {hook_url} ；custom header 填  X-Bridge-Secret: "
        f"<accounts.{account}.hook_secret> ；encoding 选 JSON；content 选 Advanced：{CONTENT}"
    )
    return [Words(step.en.format(action=action, tag=tag), step.zh.format(action=action_zh, tag=tag)) for step in _STEPS]


async def missing_fields(api: Api, config: Settings) -> list[Words]:
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
            label = entry.get("label") or name
            en = f"New tickets must have {label!r}: set {key} in the account's settings."
            said.append(Words(en, f"新工单必须填写“{label}”：请在账号配置中设置 {key}。"))
    names = {str(entry.get("name")) for entry in fields}
    if config.marker_field and config.marker_field not in names:
        said.append(
            Words(
                f"There is no ticket field {config.marker_field!r}: make a single-line text field in "
                "Admin > Ticket Fields, or leave marker_field empty.",
                f"工单字段“{config.marker_field}”不存在：请在 Admin > Ticket Fields 中创建单行文本字段，"
                "或将 marker_field 留空。",
            )
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


def _changing(api: Api, rule: dict[str, Any]) -> Callable[[], Awaitable[Said]]:
    async def apply() -> Said:
        await api.change(f"/automations/{UPDATES}/rules/{id_of(rule)}", {"active": True})
        return Words("it is on", "已启用")

    return apply


def _deletion(api: Api, rule: dict[str, Any]) -> SetUpChange:
    async def apply() -> Said:
        await api.remove(f"/automations/{UPDATES}/rules/{id_of(rule)}")
        return Words("it is deleted", "已删除")

    return SetUpChange(f"Delete the rule {rule.get('name')!r}.", apply, f"删除规则“{rule.get('name')}”。")

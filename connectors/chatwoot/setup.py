"""What the installation needs: an API inbox that calls back, keeps one conversation, and says nothing by itself."""

from collections.abc import Sequence
from typing import Any

from bridge.contract import Account, Said, SetUpChange, Words
from connectors.chatwoot.api import Api, Found, id_of, rows
from connectors.chatwoot.callback import address_key
from connectors.chatwoot.settings import Settings

_NAME = "bridge"
_WINDOW_HOURS = 48  # after that agents of the desk see that they cannot reply
# greetings and surveys of the inbox would be sent on to customers and spend replies
_QUIET: Found = {"csat_survey_enabled": False, "greeting_enabled": False, "lock_to_single_conversation": True}


async def plan(api: Api, config: Settings, account: Account, *, remove: bool = False) -> Sequence[SetUpChange]:
    """What is missing or differs. Nothing is changed before a change is applied."""
    url = f"{account.hook_url}?key={address_key(account)}"
    inbox = await _inbox(api, config)
    changes = await _changes(api, config, account, inbox, url) if not remove else []
    if any(change.apply for change in changes) and not _is_administrator(await api.profile(), config):
        text = (
            "The token is an agent's, and the set-up needs an administrator's (Profile settings › Access token). Enter "
            "that in its place and run the set-up again; afterwards the agent's token is enough."
        )
        zh = (
            "当前令牌属于普通客服，接入设置需要管理员的令牌（个人资料设置 › 访问令牌）。"
            "请先换成管理员的令牌并重新执行；完成后可换回客服的令牌。"
        )
        return (SetUpChange(text, zh=zh),)
    if remove:
        if inbox is None or not inbox.get("webhook_url"):
            return ()
        said, zh = "stop the inbox's callbacks; nothing is deleted", "停止回调，不删除任何内容"
        return (_change(api, inbox, {"channel": {"webhook_url": ""}}, said, zh),)
    return changes


async def _changes(
    api: Api, config: Settings, account: Account, inbox: Found | None, url: str
) -> Sequence[SetUpChange]:
    if inbox is None:
        return (_creation(api, url),)
    wrong: Found = {name: value for name, value in _QUIET.items() if inbox.get(name) != value}
    changes = []
    if inbox.get("webhook_url", url) != url:  # agents are not shown it
        said, zh = "let the inbox call the bridge back", "设置回调地址"
        changes.append(_change(api, inbox, {"channel": {"webhook_url": url}}, said, zh))
    if wrong:
        said = "keep one conversation for each customer; turn the inbox's own greeting and survey off"
        zh = "每位客户保持一个会话，关闭收件箱自带的问候和满意度调查"
        changes.append(_change(api, inbox, wrong, said, zh))
    if not config.inbox_id:
        changes.append(_entering(account, inbox))
    return tuple(changes)


def _is_administrator(profile: Found, config: Settings) -> bool:
    """By the profile's own role, or the one in this account; where neither is told, it is tried."""
    accounts = profile.get("accounts")
    here = [row for row in accounts if id_of(row) == str(config.account_id)] if isinstance(accounts, list) else []
    roles = {str(row["role"]) for row in (profile, *here) if isinstance(row, dict) and row.get("role")}
    return not roles or "administrator" in roles


def _entering(account: Account, inbox: Found) -> SetUpChange:
    number, secret = id_of(inbox), str(inbox.get("secret") or "")
    with_secret = ", and the inbox's secret as hook_secret," if secret else ""
    with_secret_zh = "，并将收件箱的密钥填入 hook_secret" if secret else ""
    return SetUpChange(
        f"write inbox_id = {number}{with_secret} into the account {account.name} of the configuration",
        zh=f"将 inbox_id = {number} 填入账号 {account.name}{with_secret_zh}",
        keys={"inbox_id": int(number), **({"hook_secret": secret} if secret else {})},
    )


async def _inbox(api: Api, config: Settings) -> Found | None:
    """The configured one; else one of our name that an earlier set-up made."""
    found = rows(await api.get("/inboxes"))
    if config.inbox_id:
        return next((row for row in found if id_of(row) == str(config.inbox_id)), None)
    ours = [row for row in found if row.get("name") == _NAME and row.get("channel_type") == "Channel::Api"]
    return ours[0] if ours else None


def _creation(api: Api, url: str) -> SetUpChange:
    async def apply() -> Said:
        channel: dict[str, Any] = {
            "type": "api",
            "webhook_url": url,
            "additional_attributes": {"agent_reply_time_window": _WINDOW_HOURS},
        }
        number = id_of(await api.post("/inboxes", {"name": _NAME, "channel": channel}))
        await api.patch(f"/inboxes/{number}", _QUIET)
        return Words(f"made inbox {number}", f"已创建收件箱 {number}")

    text = f'make an API inbox named "{_NAME}" that calls the bridge back, and enter its number here'
    return SetUpChange(text, apply, f"创建名为“{_NAME}”的 API 收件箱，设置回调地址，并填入其编号")


def _change(api: Api, inbox: Found, body: Found, text: str, zh: str) -> SetUpChange:
    async def apply() -> Said:
        await api.patch(f"/inboxes/{id_of(inbox)}", body)
        return Words(f"inbox {id_of(inbox)} is changed", f"收件箱 {id_of(inbox)} 已修改")

    return SetUpChange(f"inbox {id_of(inbox)}: {text}", apply, f"收件箱 {id_of(inbox)}：{zh}")

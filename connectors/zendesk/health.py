"""Whether an account can work: credentials, the user's role, rights. Nothing is changed by asking."""

from typing import Any

from bridge.contract import AuthFailed, ConnectorError, Gone, Health, Problem, Rejected, Said, Words
from connectors.zendesk.api import Api, id_of, rows_of
from connectors.zendesk.callback import Hook
from connectors.zendesk.errors import Forbidden, Unserved
from connectors.zendesk.places import Places
from connectors.zendesk.settings import API_TOKENS_END, Settings

_STAFF = frozenset({"agent", "admin"})


async def examine(api: Api, config: Settings, hook: Hook, places: Places) -> Health:
    """Wrong credentials and missing rights are problems; what works but will not for ever is a fact."""
    facts = await _facts(config)
    try:
        user = (await api.get("/users/me")).get("user")
    except (AuthFailed, Gone, Rejected) as error:
        return Health(problems=(_refused(error.message, config),), facts=facts)
    # without credentials Zendesk answers 200 with an anonymous user
    if not isinstance(user, dict) or id_of(user.get("id")) in {"", "0"}:
        what = "Zendesk does not know these credentials (it answered as to an anonymous user)"
        what_zh = "Zendesk 无法识别这些凭据（按匿名用户返回）"
        return Health(problems=(_refused(what, config, what_zh),), facts=facts)
    role = str(user.get("role"))
    facts |= {"user": f"{user.get('name') or id_of(user.get('id'))} ({role})"}
    if role != "admin":
        facts["export"] = Words(
            "the user is no admin: reconciliation goes by the ticket list, and set-up needs an admin's credentials",
            "该用户不是管理员：对账通过工单列表进行，接入设置需要管理员凭据",
        )
    if api.warned:
        facts["api warning"] = api.warned
    if places.unknown:
        facts["routes"] = "; ".join(places.unknown)
    problems = await _problems(api, user)
    if not await hook.has_secret():
        what = "callbacks are refused, because no signing secret is known; answers are found late, by polling"
        remedy = f"Run the set-up ({hook.set_up}), or set webhook_secret."
        zh = f"请运行接入设置（{hook.set_up}），或设置 webhook_secret。"
        what_zh = "尚无签名密钥，回调会被拒绝；回复只能通过轮询获取，会有延迟"
        facts["callbacks"] = Words("refused", "被拒绝")
        problems.append(Problem(what=what, remedy=remedy, stops=False, zh=zh, what_zh=what_zh))
    unchecked = (
        Words("the right to write on tickets", "写入工单的权限"),
        Words("webhook and triggers", "Webhook 和触发器"),
    )
    return Health(problems=tuple(problems), facts=facts, unchecked=unchecked)


async def webhook_of(api: Api, name: str) -> dict[str, Any] | None:
    """The account's webhook. Only admins may ask."""
    for row in rows_of(await api.get("/webhooks", **{"filter[name_contains]": name}), "webhooks"):
        if row.get("name") == name:
            return row
    return None


async def _problems(api: Api, user: dict[str, Any]) -> list[Problem]:
    problems = []
    if user.get("role") not in _STAFF:
        remedy = "Let the OAuth client or API token belong to an agent or admin."
        problems.append(
            Problem(
                what="the user of these credentials is no agent",
                remedy=remedy,
                what_zh="这些凭据所属用户不是客服",
                zh="请使用客服或管理员的 OAuth 客户端或 API 令牌。",
            )
        )
    if user.get("only_private_comments") is True:
        remedy = "Give the user a role that may write public comments."
        problems.append(
            Problem(
                what="the user may only write private comments (a light agent)",
                remedy=remedy,
                what_zh="该用户只能写内部备注（轻量客服）",
                zh="请为该用户分配可公开回复的角色。",
            )
        )
    remedy = "Check the user's role and the token's scope: read, tickets:write and users:write are needed."
    zh = "请检查用户角色和令牌权限范围：需要 read、tickets:write 和 users:write。"
    asked = (
        ("/tickets/count", "read tickets", "读取工单"),
        ("/users/search?external_id=bridge:check", "read users", "读取用户"),
    )
    for path, what, what_zh in asked:
        try:
            await api.get(path)
        except Forbidden:
            problems.append(
                Problem(
                    what=f"these credentials may not {what}", remedy=remedy, what_zh=f"这些凭据无权{what_zh}", zh=zh
                )
            )
        except ConnectorError as error:
            if not isinstance(error, Gone | Rejected | AuthFailed | Unserved):
                raise
    return problems


async def _facts(config: Settings) -> dict[str, Said]:
    oauth, token = Words("OAuth client", "OAuth 客户端"), Words("API token", "API 令牌")
    facts: dict[str, Said] = {"credentials": oauth if config.uses_oauth else token}
    if not config.uses_oauth:
        facts["warning"] = Words(
            f"Zendesk switches API tokens off on {API_TOKENS_END}; make an OAuth client and set client_id and "
            "client_secret before",
            f"Zendesk 将于 {API_TOKENS_END} 停用 API 令牌；请在此之前创建 OAuth 客户端，"
            "并设置 client_id 和 client_secret",
        )
    return facts


def _refused(what: str, config: Settings, what_zh: str = "") -> Problem:
    remedy = "Check subdomain, email and api_token; an API token that was not used for 30 days is switched off."
    zh = "请检查 subdomain、email 和 api_token；30 天未使用的 API 令牌会被停用。"
    if config.uses_oauth:
        place = "Admin Center > Apps and integrations > APIs > OAuth clients"
        remedy = f"Check subdomain, client_id and client_secret ({place})."
        zh = f"请检查 subdomain、client_id 和 client_secret（{place}）。"
    return Problem(what=what, remedy=remedy, credentials=True, zh=zh, what_zh=what_zh)

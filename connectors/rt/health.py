"""Whether an account can work: token, queue, rights. Nothing is changed by asking."""

import re
from typing import Any
from urllib.parse import quote

from bridge.contract import AuthFailed, Gone, Health, Problem, Rejected, Said, Words
from connectors.rt.api import Api, id_of
from connectors.rt.settings import Settings

_RIGHTS = "SeeQueue, ShowTicket, ShowTicketComments, CreateTicket, ReplyToTicket, CommentOnTicket and ModifyTicket"
_TOKEN = re.compile(r"\d+-(\d+)-.+")


def user_id(config: Settings) -> str:
    """The numeric id of the token's user, which RT writes into the token (version-user-secret); "" when it is not."""
    found = _TOKEN.fullmatch(config.token.get_secret_value())
    return found[1] if found else ""


async def examine(api: Api, config: Settings) -> Health:
    """Wrong credentials and missing rights are problems; a vendor that cannot be reached raises Retryable."""
    try:
        version = str((await api.get("/rt")).get("Version", ""))
    except (AuthFailed, Gone, Rejected) as error:
        remedy = "Put the authentication token of the bridge's user into token, and RT's address into api_base."
        zh = "请将 bridge 用户的认证令牌填入 token，将 RT 的接口地址填入 api_base。"
        return Health(problems=(Problem(what=error.message, remedy=remedy, zh=zh, credentials=True),))
    facts: dict[str, Said] = {"version": version, "user": await _user(api, config)}
    problems: list[Problem] = []
    if not config.hook_secret.get_secret_value():
        what = "callbacks are refused, because hook_secret is empty; answers are found late, by polling"
        remedy = "Set hook_secret (openssl rand -hex 32), then run the set-up, which says where it goes."
        zh = "请设置 hook_secret（可用 openssl rand -hex 32 生成），然后运行接入设置，按其说明填写。"
        what_zh = "hook_secret 为空，回调会被拒绝；回复只能通过轮询获取，会有延迟"
        facts["callbacks"] = Words("refused, because hook_secret is empty", "被拒绝：hook_secret 为空")
        problems.append(Problem(what=what, remedy=remedy, stops=False, zh=zh, what_zh=what_zh))
    try:
        queue = await api.get(f"/queue/{quote(config.queue, safe='')}")
    except (AuthFailed, Gone, Rejected):
        lost = Words(
            f"queue {config.queue!r} is not there, or the token's user may not see it",
            f"队列“{config.queue}”不存在，或令牌所属用户无权查看",
        )
        return Health(problems=(*problems, _missing(lost, config)), facts=facts)
    facts["queue"] = str(queue.get("Name") or config.queue)
    if queue.get("Disabled") in {"1", 1}:
        problems.append(
            Problem(
                what=f"queue {config.queue!r} is disabled",
                remedy="Enable it, or name another one.",
                what_zh=f"队列“{config.queue}”已停用",
                zh="请启用该队列，或改用其他队列。",
            )
        )
    if not _allows(queue, "create"):
        lacks = Words(
            f"the token's user may not create tickets in {config.queue!r}",
            f"令牌所属用户无权在“{config.queue}”中创建工单",
        )
        problems.append(_missing(lacks, config))
    problems += await _on_tickets(api, config)
    unchecked: tuple[Said, ...] = (
        Words("the scrips that call the bridge", "调用本服务的 Scrip"),
        *([Words("the mail gateway", "邮件网关")] if config.mail_gateway else []),
    )
    return Health(problems=tuple(problems), facts=facts, unchecked=unchecked)


async def _on_tickets(api: Api, config: Settings) -> list[Problem]:
    """Rights on tickets show on a ticket; while there is none, nobody can say."""
    query = f"Queue = '{config.queue}'"
    try:
        rows, _ = await api.rows("/tickets", query, "Status", newest=True)
        found = await api.get(f"/ticket/{id_of(rows[0])}") if rows else {}
    except (AuthFailed, Gone, Rejected) as error:
        what = Words(
            f"the token's user may not read the tickets of {config.queue!r}: {error.code}",
            f"令牌所属用户无权查看“{config.queue}”的工单：{error.code}",
        )
        return [_missing(what, config)]
    verbs = {"correspond": ("reply to", "回复"), "comment": ("comment on", "备注")}
    return [
        _missing(
            Words(
                f"the token's user may not {verb} tickets of {config.queue!r}",
                f"令牌所属用户无权{zh}“{config.queue}”的工单",
            ),
            config,
        )
        for ref, (verb, zh) in verbs.items()
        if not _allows(found, ref)
    ]


async def _user(api: Api, config: Settings) -> str:
    number = user_id(config)
    try:
        return str((await api.get(f"/user/{number}")).get("Name", "")) if number else ""
    except (AuthFailed, Gone, Rejected):
        return ""


def _allows(found: dict[str, Any], ref: str) -> bool:
    """RT links to what the user may do. Without any links it does not say."""
    links = found.get("_hyperlinks")
    return not links or any(link.get("ref") == ref for link in links if isinstance(link, dict))


def _missing(what: Words, config: Settings) -> Problem:
    return Problem(
        what=what.en,
        remedy=f"Check the name, and give the user {_RIGHTS} on the queue {config.queue!r}.",
        what_zh=what.zh,
        zh=f"请检查名称，并在队列“{config.queue}”上授予该用户以下权限：{_RIGHTS}。",
    )

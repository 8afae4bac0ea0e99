"""Whether an account can work: token, queue, rights. Nothing is changed by asking."""

import re
from typing import Any
from urllib.parse import quote

from bridge.contract import AuthFailed, Gone, Health, Problem, Rejected
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
        return Health(problems=(Problem(what=error.message, remedy=remedy, credentials=True),))
    facts = {"version": version, "user": await _user(api, config)}
    problems = []
    if not config.hook_secret.get_secret_value():
        what = "callbacks are refused, because hook_secret is empty; answers are found late, by polling"
        remedy = "Set hook_secret (openssl rand -hex 32), then run bridge setup rt."
        facts["callbacks"] = "refused, because hook_secret is empty"
        problems.append(Problem(what=what, remedy=remedy, stops=False))
    try:
        queue = await api.get(f"/queue/{quote(config.queue, safe='')}")
    except (AuthFailed, Gone, Rejected):
        what = f"queue {config.queue!r} is not there, or the token's user may not see it"
        return Health(problems=(*problems, _missing(what, config)), facts=facts)
    facts["queue"] = str(queue.get("Name") or config.queue)
    if queue.get("Disabled") in {"1", 1}:
        problems.append(Problem(what=f"queue {config.queue!r} is disabled", remedy="Enable it, or name another one."))
    if not _allows(queue, "create"):
        problems.append(_missing(f"the token's user may not create tickets in {config.queue!r}", config))
    problems += await _on_tickets(api, config)
    unchecked = (
        "the scrips that call the bridge (bridge setup rt)",
        *(["the mail gateway"] if config.mail_gateway else []),
    )
    return Health(problems=tuple(problems), facts=facts, unchecked=unchecked)


async def _on_tickets(api: Api, config: Settings) -> list[Problem]:
    """Rights on tickets show on a ticket; while there is none, nobody can say."""
    query = f"Queue = '{config.queue}'"
    try:
        rows, _ = await api.rows("/tickets", query, "Status", newest=True)
        found = await api.get(f"/ticket/{id_of(rows[0])}") if rows else {}
    except (AuthFailed, Gone, Rejected) as error:
        return [_missing(f"the token's user may not read the tickets of {config.queue!r}: {error.code}", config)]
    verbs = {"correspond": "reply to", "comment": "comment on"}
    return [
        _missing(f"the token's user may not {verb} tickets of {config.queue!r}", config)
        for ref, verb in verbs.items()
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


def _missing(what: str, config: Settings) -> Problem:
    return Problem(what=what, remedy=f"Check the name, and give the user {_RIGHTS} on the queue {config.queue!r}.")

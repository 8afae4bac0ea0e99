"""Whether an account can work: credentials, the user's role, rights. Nothing is changed by asking."""

from typing import Any

from bridge.contract import AuthFailed, ConnectorError, Gone, Health, Problem, Rejected
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
        return Health(
            problems=(Problem(what=error.message, remedy=_credentials(config), credentials=True),), facts=facts
        )
    # without credentials Zendesk answers 200 with an anonymous user
    if not isinstance(user, dict) or id_of(user.get("id")) in {"", "0"}:
        what = "Zendesk does not know these credentials (it answered as to an anonymous user)"
        return Health(problems=(Problem(what=what, remedy=_credentials(config), credentials=True),), facts=facts)
    role = str(user.get("role"))
    facts |= {"user": f"{user.get('name') or id_of(user.get('id'))} ({role})"}
    if role != "admin":
        facts["export"] = (
            "the user is no admin: reconciliation goes by the ticket list, and set-up needs an admin's credentials"
        )
    if api.warned:
        facts["api warning"] = api.warned
    if places.unknown:
        facts["routes"] = "; ".join(places.unknown)
    problems = await _problems(api, user)
    if not await hook.has_secret():
        what = "callbacks are refused, because no signing secret is known; answers are found late, by polling"
        remedy = "Run bridge setup zendesk, or set webhook_secret."
        facts["callbacks"] = "refused: bridge setup zendesk"
        problems.append(Problem(what=what, remedy=remedy, stops=False))
    unchecked = ("the right to write on tickets", "webhook and triggers (bridge setup zendesk)")
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
        problems.append(Problem(what="the user of these credentials is no agent", remedy=remedy))
    if user.get("only_private_comments") is True:
        remedy = "Give the user a role that may write public comments."
        problems.append(Problem(what="the user may only write private comments (a light agent)", remedy=remedy))
    remedy = "Check the user's role and the token's scope: read, tickets:write and users:write are needed."
    for path, what in (("/tickets/count", "read tickets"), ("/users/search?external_id=bridge:check", "read users")):
        try:
            await api.get(path)
        except Forbidden:
            problems.append(Problem(what=f"these credentials may not {what}", remedy=remedy))
        except ConnectorError as error:
            if not isinstance(error, Gone | Rejected | AuthFailed | Unserved):
                raise
    return problems


async def _facts(config: Settings) -> dict[str, str]:
    facts = {"credentials": "OAuth client" if config.uses_oauth else "API token"}
    if not config.uses_oauth:
        facts["warning"] = (
            f"Zendesk switches API tokens off on {API_TOKENS_END}; make an OAuth client and set client_id and "
            "client_secret before"
        )
    return facts


def _credentials(config: Settings) -> str:
    if config.uses_oauth:
        place = "Admin Center > Apps and integrations > APIs > OAuth clients"
        return f"Check subdomain, client_id and client_secret ({place})."
    return "Check subdomain, email and api_token; an API token that was not used for 30 days is switched off."

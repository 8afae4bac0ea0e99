"""Accounts: how each is, what it can do, what its vendor needs, and what of its callbacks was refused and why."""

import asyncio
from typing import Any

from sqlalchemy import Row
from starlette.responses import Response

from bridge.cli.capabilities import facts_of
from bridge.console.configured import configured_account
from bridge.console.deeds import BOTH
from bridge.console.visit import NotFound, Refused, Visit
from bridge.contract import ConnectorError, SetsUp, in_language
from bridge.contract.connector import SetUpChange
from bridge.contract.described import describe
from bridge.contract.errors import REMEDIES, Cause
from bridge.engine.context import ConnectedAccount, Work
from bridge.findings import Finding, Trouble, check_account, refusals_of
from mappings import callbacks, inbox, links, outbox, overview, state
from mappings.callbacks import ACCEPTED
from mappings.store import Tx

_PATIENCE = 20.0  # seconds for a vendor to be proven, or asked for its plan


async def show(visit: Visit) -> Response:
    """All of them."""
    found = await visit.desk.snapshot.get(visit)
    return visit.page("accounts.html", accounts=found["accounts"])


def _connected(visit: Visit) -> ConnectedAccount:
    found = visit.desk.runtime.accounts.get(visit.request.path_params["name"])
    if found is None:
        raise NotFound
    return found


async def show_account(visit: Visit) -> Response:
    """One of them."""
    name = visit.request.path_params["name"]
    found = await visit.desk.snapshot.get(visit)
    account = next((one for one in found["accounts"] if one["account"] == name), None)
    if account is None:
        raise NotFound
    connected = visit.desk.runtime.accounts.get(name)
    return await visit.read(_page, visit, account, connected)


def _page(tx: Tx, visit: Visit, account: dict[str, Any], connected: ConnectedAccount | None) -> Response:
    name = account["account"]
    pause = state.pauses(tx).get(name)
    seen = {one.outcome: one for one in callbacks.callbacks_seen(tx) if one.account == name}
    kind = type(connected.connector) if connected is not None else None
    return visit.page(
        "account.html",
        name=name,
        account=account,
        connected=connected is not None,
        pause=pause,
        by_hand=pause is not None and pause.reason.startswith(state.BY_HAND),
        urgent=_urgent(tx, name) if pause is not None else None,
        abilities=facts_of(kind, connected.capabilities, visit.language)
        if connected is not None and kind is not None
        else {},
        hook_url=connected.account.hook_url if connected is not None else "",
        sets_up=connected is not None and isinstance(connected.connector, SetsUp),
        values=_values(connected, visit) if connected is not None else [],
        accepted=seen.get(ACCEPTED),
        counted=[one for outcome, one in seen.items() if outcome != ACCEPTED and visit.now - one.at < callbacks.KEPT],
        refused=_refused(callbacks.last_refused(tx, name, visit.now), visit.language),
        received=inbox.last_raws(tx, name),
    )


def _refused(rows: list[Row[Any]], language: str) -> list[dict[str, Any]]:
    """With what to do about each."""
    known = {cause.value: remedy for cause, remedy in REMEDIES.items()}
    return [
        {"id": row.id, "at": row.at, "cause": row.cause, "client": row.client,
         "remedy": known.get(row.cause, REMEDIES[Cause.UNREADABLE])[language]}
        for row in rows
    ]  # fmt: skip


def _urgent(tx: Tx, name: str) -> Any:
    """The conversation of this channel whose window closes first while an answer is held back by the pause."""
    for row in overview.ending_links(tx):
        if row.channel == name and outbox.unfinished_in(tx, links.lane_to_channel(row.id)):
            return row
    return None


def _values(connected: ConnectedAccount, visit: Visit) -> list[Any]:
    """Its configuration, with the titles that the connector gives."""
    titles = {one.key: one.title.say(visit.language) for one in describe(type(connected.config))}
    prefix = f"accounts.{connected.name}."
    found = configured_account(connected)
    short = [one._replace(key=one.key.removeprefix(prefix)) for one in found]
    return [(titles.get(one.key, ""), one) for one in short]


async def checks(visit: Visit) -> Response:
    """What `bridge doctor --account` says, asked now."""
    connected = _connected(visit)
    refused = await refusals_of(visit.desk.bridge)
    begun = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await check_account(connected, refused)
    except TimeoutError:
        found = Finding([Trouble(visit.say("account.no_answer", seconds=int(_PATIENCE)), "")])
    took = asyncio.get_running_loop().time() - begun
    return visit.page("checks.html", name=connected.name, found=found.told(visit.language), took=f"{took:.2f}")


async def plan(visit: Visit) -> Response:
    """What the vendor's side needs; nothing is changed."""
    return visit.page("plan.html", name=_connected(visit).name, changes=await _plan(visit))


async def _plan(visit: Visit) -> list[SetUpChange]:
    connector = _connected(visit).connector
    if not isinstance(connector, SetsUp):
        raise Refused("error.no_plan", 409)
    try:
        async with asyncio.timeout(_PATIENCE):
            return list(await connector.plan())
    except ConnectorError as error:
        raise Refused("error.vendor", 502, said=error.message) from None
    except TimeoutError:
        raise Refused("error.vendor", 504, said=visit.say("account.no_answer", seconds=int(_PATIENCE))) from None


async def apply(visit: Visit) -> Response:
    """What can be done is done; each result is shown and audited."""
    name, done = _connected(visit).name, []
    for change in await _plan(visit):
        if change.apply is None:
            continue
        try:
            said = await change.apply()
        except ConnectorError as error:
            raise Refused("error.vendor", 502, said=error.message) from None
        done.append(in_language(said, visit.language))
        both = BOTH.join(in_language(said, language)[:300] for language in ("en", "zh"))
        await visit.act("set up", f"{name}: {both}", lambda _work: None)
    left = [change.say(visit.language) for change in await _plan(visit) if change.apply is None]
    return visit.page("applied.html", name=name, done=done, left=left)


async def pause(visit: Visit) -> Response:
    """Nothing is sent to this account; what comes is kept. Asked on a page of its own, with what would wait."""
    name = _connected(visit).name
    if visit.form.get("sure") != "1":
        found = await visit.desk.snapshot.get(visit)
        account = next(one for one in found["accounts"] if one["account"] == name)
        return visit.page("pause.html", name=name, account=account)

    def change(work: Work) -> None:
        state.pause(work.tx, name, f"{state.BY_HAND}{visit.session.shown}", work.now)

    await visit.act("pause", name, change)
    return _back(visit, name, "paused")


async def resume(visit: Visit) -> Response:
    """It goes on, with what waited."""
    name = visit.request.path_params["name"]

    def change(work: Work) -> None:
        if not state.resume(work.tx, name):
            raise Refused("error.gone_meanwhile")
        outbox.make_due(work.tx, name, work.now)
        work.effects.accounts.add(name)

    await visit.act("resume", name, change)
    return _back(visit, name, "resumed")


def _back(visit: Visit, name: str, said: str) -> Response:
    visit.desk.snapshot.until = 0.0
    return visit.back(f"/console/accounts/{name}", said)

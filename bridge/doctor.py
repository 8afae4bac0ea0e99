"""`bridge doctor`: is this set-up well? Numbered checks with their time, remedies, and what was not looked at.

Nothing it does is seen by a customer or an agent.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bridge.advice import calendar_gaps, gap_text
from bridge.app import Bridge, system_clock
from bridge.away import rests_now
from bridge.contract import ConnectorError, Http, KnowsFields, Words
from bridge.engine.context import ConnectedAccount
from bridge.findings import Finding, check_account, refusals_of, words
from bridge.published import published_secrets
from bridge.registry import Declared
from bridge.route_checks import asked_of_ticket, long_texts, unfit_fields, unreachable_rules
from bridge.services.disks import database_folder, database_shortage, free_bytes, mebibytes
from bridge.settings import BridgeSettings, Settings
from bridge.web.echo import ECHO, echo_of
from bridge.web.hooks import PREFIX
from mappings import overview, state
from mappings.callbacks import Seen
from mappings.private import private_folder
from mappings.schema import check_schema, migrate
from mappings.store import Store, StoreUnusable, first_line

_SKEW = timedelta(seconds=5)


class Doctor:
    """All checks of one run, in order. `results` is what `--json` prints."""

    def __init__(self, settings: Settings, declared: dict[str, Declared], path: Path, language: str = "en") -> None:
        self._settings, self._declared, self._path = settings, declared, path
        self._language = language
        self.results: dict[str, dict[str, Any]] = {}

    async def run(self, only: str | None) -> dict[str, dict[str, Any]]:
        """The results by name: `bridge.…` are of this machine, all others accounts."""
        bridge = Bridge(self._settings, self._declared)
        wanted = [one for name, one in bridge.runtime.accounts.items() if only in {None, name}]
        if only is None:
            await self._check("bridge.configuration", self._configuration)
            if self._settings.calendars:
                await self._check("bridge.calendars", self._calendars)
        async with _opened(bridge) as trouble:
            await self._check("bridge.database", lambda: _database(bridge.store, trouble, self._settings.bridge))
            if only is None:
                await self._check("bridge.media_dir", lambda: _media(self._settings.bridge))
                await self._check("bridge.public_url", lambda: self._public(bridge.store, trouble))
            refused = {} if trouble else await refusals_of(bridge)
            rests = {} if trouble else await bridge.store.read(rests_now, system_clock())
            for connected in wanted:
                await self._check(connected.name, lambda one=connected: _account(one, trouble, refused, rests))  # type: ignore[misc] # bound now
            named = any(asked_of_ticket(one) for one in self._settings.routes)
            if only is None and named and not trouble:
                await self._check("bridge.routes", lambda: self._routes(bridge))
            if only is None:
                await self._check("bridge.clock", lambda: _clock(wanted))
        return self.results

    async def _check(self, name: str, check: Callable[[], Awaitable[Finding]]) -> None:
        begun = time.monotonic()
        found = await check()
        self.results[name] = {
            "number": len(self.results) + 1,
            "ok": not found.problems,
            "checked": not found.skipped,
            "seconds": round(time.monotonic() - begun, 3),
            **found.told(self._language),
        }

    async def _configuration(self) -> Finding:
        found = Finding(facts={"file": str(self._path), "accounts": str(len(self._declared))})
        for fault in published_secrets(self._settings, self._declared, self._path):
            found.wrong("published", name=fault.removeprefix(f"{self._path}: ").partition(": ")[0])
        for fault in unreachable_rules(self._settings, self._path):
            found.wrong("rule", fault=fault.removeprefix(f"{self._path}: "))
        for fault in unfit_fields(self._settings, self._declared, self._path):
            found.wrong("unfit", fault=fault.removeprefix(f"{self._path}: "))
        for fault in long_texts(self._settings, self._declared, self._path):
            found.wrong("long", fault=fault.removeprefix(f"{self._path}: "))
        return found

    async def _calendars(self) -> Finding:
        """The holidays that count now must be there; those of the next year may not be published yet."""
        today = system_clock().date()
        found = Finding(facts={"calendars": str(len(self._settings.calendars))})
        for name, years in calendar_gaps(self._settings, today).items():
            for year in years:
                if year > today.year:
                    found.unchecked += (Words(gap_text(name, year), gap_text(name, year, "zh")),)
                else:
                    found.wrong("holidays", name=name, year=year)
        return found

    async def _routes(self, bridge: Bridge) -> Finding:
        """Whether the desks have what routes name: a group that was renamed is found here, not by a ticket at night."""
        found = Finding(facts={"routes": str(len(self._settings.routes))})
        for number, route in enumerate(self._settings.routes):
            named = {name: route.fields[name] for name in asked_of_ticket(route)}
            connected = bridge.runtime.accounts.get(route.desk)
            if not named or connected is None:
                continue
            if not isinstance(connected.connector, KnowsFields):
                if not named.keys() - {"tags", "priority"}:
                    continue
                found.unchecked += (words("doctor.field_unasked", route=route.name, desk=route.desk),)
                continue
            try:
                unknown = await connected.connector.unknown_fields(named)
            except ConnectorError:
                found.unchecked += (words("doctor.field_silent", route=route.name, desk=route.desk),)
                continue
            for what in unknown:
                found.wrong("field", number=number, route=route.name, what=what, desk=route.desk)
        return found

    async def _public(self, store: Store, trouble: str) -> Finding:
        """Asks for a proof over the public address, on the very path that vendors call."""
        url = self._settings.bridge.public_url
        found = Finding(facts={"address": url})
        name = next(iter(self._declared), "")
        if not name:
            found.skipped = words("doctor.no_account")
        elif trouble:
            found.skipped = words("doctor.no_database")
        elif not await store.read(overview.serves, system_clock()):
            found.skipped = words("doctor.no_bridge")
        if found.skipped:
            return found
        challenge = f"{time.time_ns():x}"
        http = Http(timeout=10, home=url)
        try:
            answer = await http.request("GET", f"{url}{PREFIX}{name}", params={ECHO: challenge})
        except ConnectorError as error:
            return found.wrong("public", why=error.message)
        finally:
            await http.close()
        if answer.text.strip() != echo_of(self._settings, challenge):
            return found.wrong("public_other", status=answer.status, path=PREFIX)
        return found


@asynccontextmanager
async def _opened(bridge: Bridge) -> AsyncIterator[str]:
    """The database beside a process that serves; yields why it cannot be used, or ""."""
    trouble = ""
    try:
        await asyncio.to_thread(_open, bridge.store)
    except StoreUnusable as error:
        trouble = str(error)
    try:
        yield trouble
    finally:
        await bridge.close_beside()


def _open(store: Store) -> None:
    if store.sqlite and not store.path.exists():
        store.open()
        try:
            migrate(store)
        finally:
            store.close()
    store.open(beside=True)
    check_schema(store)


async def _database(store: Store, trouble: str, of: BridgeSettings) -> Finding:
    found = Finding(facts={"database": store.name})
    if trouble:
        return found.wrong("database", why=trouble)
    now = system_clock()
    try:
        await store.write(state.take_lease, "doctor", "doctor", now, now)
    except SQLAlchemyError as error:
        return found.wrong("unwritable", why=first_line(error))
    place = database_folder(of.database_url)
    if place is not None:
        found.facts["free"] = mebibytes(free_bytes(place))
        if (short := database_shortage(place, of.media_dir, of.keep_free)) is not None:
            return found.wrong("disk", folder=place, free=mebibytes(short.free), least=mebibytes(short.least))
    return found


async def _media(settings: BridgeSettings) -> Finding:
    folder = settings.media_dir
    free = free_bytes(folder)
    found = Finding(facts={"folder": str(folder), "free": mebibytes(free)})

    def write() -> None:
        private_folder(folder)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"x")
            file.flush()

    try:
        await asyncio.to_thread(write)
    except OSError as error:
        return found.wrong("media", folder=folder, why=error.strerror)
    if free < settings.keep_free:
        return found.wrong("free", folder=folder, free=mebibytes(free), least=mebibytes(settings.keep_free))
    return found


async def _account(
    connected: ConnectedAccount, trouble: str, refused: dict[str, list[Seen]], rests: dict[str, Words]
) -> Finding:
    """`trouble` of the database leaves it out."""
    if trouble:
        return Finding(skipped=words("doctor.needs_database"))
    found = await check_account(connected, refused)
    if connected.name in rests:
        found.facts["sending"] = rests[connected.name]
    return found


async def _clock(accounts: list[ConnectedAccount]) -> Finding:
    """Against the dates of the vendors' answers: signatures, tokens and certificates depend on it."""
    now = system_clock()
    skews = {one.name: skew for one in accounts if (skew := one.account.http.skew(now)) is not None}
    found = Finding()
    if not skews:
        found.skipped = words("doctor.no_date")
        return found
    name, (best, doubt) = min(skews.items(), key=lambda one: abs(one[1][0]))
    found.facts = {"compared with": name, "off by": f"{best.total_seconds():+.0f} s"}
    if abs(best) > _SKEW + doubt:
        return found.wrong("clock", skew=f"{best.total_seconds():+.0f}", name=name)
    return found

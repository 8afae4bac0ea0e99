"""`bridge doctor`: is this set-up well? Numbered checks with their time, remedies, and what was not looked at.

Nothing it does is seen by a customer or an agent.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bridge.advice import calendar_gaps, gap_text
from bridge.app import Bridge, system_clock
from bridge.contract import ConnectorError, Http, KnowsFields
from bridge.engine.context import ConnectedAccount
from bridge.published import published_secrets
from bridge.registry import Declared, unreachable_rules
from bridge.services.folder import free_bytes, mebibytes
from bridge.settings import BridgeSettings, Settings
from bridge.web.echo import ECHO, echo_of
from bridge.web.hooks import PREFIX
from mappings import callbacks, overview, state
from mappings.callbacks import Seen
from mappings.private import private_folder
from mappings.schema import check_schema, migrate
from mappings.store import Store, StoreUnusable, first_line

_SKEW = timedelta(seconds=5)
_TRY = "Check the address, the network and the vendor's status; then run this again."
NOISE = frozenset({"visit", "no callbacks"})  # refused, and nothing of ours is wrong

Problems = list[dict[str, str]]


@dataclass(slots=True)
class Finding:
    """The result of one check. `skipped` says why it was not made."""

    problems: Problems = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    skipped: str = ""
    unchecked: tuple[str, ...] = ()

    def wrong(self, what: str, remedy: str) -> "Finding":
        """One more problem."""
        self.problems.append({"what": what, "remedy": remedy})
        return self


class Doctor:
    """All checks of one run, in order. `results` is what `--json` prints."""

    def __init__(self, settings: Settings, declared: dict[str, Declared], path: Path) -> None:
        self._settings, self._declared, self._path = settings, declared, path
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
            await self._check("bridge.database", lambda: _database(bridge.store, trouble))
            if only is None:
                await self._check("bridge.media_dir", lambda: _media(self._settings.bridge))
                await self._check("bridge.public_url", lambda: self._public(bridge.store, trouble))
            refused = {} if trouble else await refusals_of(bridge)
            for connected in wanted:
                await self._check(connected.name, lambda one=connected: check_account(one, trouble, refused))  # type: ignore[misc] # bound now
            named = any(value for one in self._settings.routes for name, value in one.fields.items() if name != "tags")
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
            "not_checked": [one for one in (found.skipped, *found.unchecked) if one],
            "seconds": round(time.monotonic() - begun, 3),
            "facts": found.facts,
            "problems": found.problems,
        }

    async def _configuration(self) -> Finding:
        found = Finding(facts={"file": str(self._path), "accounts": str(len(self._declared))})
        for fault in published_secrets(self._settings, self._declared, self._path):
            found.wrong(fault.removeprefix(f"{self._path}: "), "Put a value of your own there, and at the vendor.")
        for fault in unreachable_rules(self._settings, self._path):
            found.wrong(fault.removeprefix(f"{self._path}: "), "bridge routes explain shows which rule decides.")
        return found

    async def _calendars(self) -> Finding:
        """The holidays that count now must be there; those of the next year may not be published yet."""
        today = system_clock().date()
        found = Finding(facts={"calendars": str(len(self._settings.calendars))})
        for name, years in calendar_gaps(self._settings, today).items():
            for year in years:
                if year > today.year:
                    found.unchecked += (gap_text(name, year, self._settings.bridge.language),)
                else:
                    what = f"calendars.{name}: the holidays of {year} are missing; only the weekly hours count"
                    found.wrong(what, "Import them: bridge calendar import FILE, then start the bridge anew.")
        return found

    async def _routes(self, bridge: Bridge) -> Finding:
        """Whether the desks have what routes name: a group that was renamed is found here, not by a ticket at night."""
        found = Finding(facts={"routes": str(len(self._settings.routes))})
        for number, route in enumerate(self._settings.routes):
            named = {name: value for name, value in route.fields.items() if value and name != "tags"}
            connected = bridge.runtime.accounts.get(route.desk)
            if not named or connected is None:
                continue
            if not isinstance(connected.connector, KnowsFields):
                found.unchecked += (f"what {route.name!r} asks of {route.desk}",)
                continue
            try:
                unknown = await connected.connector.unknown_fields(named)
            except ConnectorError:
                found.unchecked += (f"what {route.name!r} asks of {route.desk}, which cannot be asked",)
                continue
            for what in unknown:
                said = f"routes.{number}: {route.name!r} names {what}, which {route.desk} does not have"
                found.wrong(said, "Correct the name, or make it there; until then tickets come without it.")
        return found

    async def _public(self, store: Store, trouble: str) -> Finding:
        """Asks for a proof over the public address, on the very path that vendors call."""
        url = self._settings.bridge.public_url
        found = Finding(facts={"address": url})
        name = next(iter(self._declared), "")
        if not name:
            found.skipped = "there is no account"
        elif trouble:
            found.skipped = "the database cannot be opened, so that nobody can say whether a bridge serves"
        elif not await store.read(overview.serves, system_clock()):
            found.skipped = "no bridge serves; start it (bridge serve) and run this again"
        if found.skipped:
            return found
        challenge = f"{time.time_ns():x}"
        http = Http(timeout=10, home=url)
        try:
            answer = await http.request("GET", f"{url}{PREFIX}{name}", params={ECHO: challenge})
        except ConnectorError as error:
            what = f"public_url does not lead back to this bridge: {error.message}"
            return found.wrong(what, "Check DNS, firewall, certificate and the proxy before the bridge.")
        finally:
            await http.close()
        if answer.text.strip() != echo_of(self._settings, challenge):
            what = f"public_url does not lead back to this bridge: something else answers there ({answer.status})"
            remedy = f"Let the proxy pass {PREFIX}… to this bridge, unchanged and without a redirect or a sign-in."
            return found.wrong(what, remedy)
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


async def _database(store: Store, trouble: str) -> Finding:
    found = Finding(facts={"database": store.name})
    if trouble:
        return found.wrong(trouble, "Check bridge.database_url, and that the bridge's user may write there.")
    now = system_clock()
    try:
        await store.write(state.take_lease, "doctor", "doctor", now, now)
    except SQLAlchemyError as error:
        what = f"the database cannot be written: {first_line(error)}"
        return found.wrong(what, "Look for a full or read-only disk, missing rights, or a program that holds the file.")
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
        what = f"media_dir cannot be written: {folder}: {error.strerror}"
        return found.wrong(what, "Give the bridge's user the right to write there, or free the disk.")
    if free < settings.keep_free:
        least = mebibytes(settings.keep_free)
        what = f"files are refused: {folder} has {mebibytes(free)} free, bridge.keep_free asks for {least}"
        return found.wrong(what, "Free the disk, shorten [retention] media, or lower bridge.keep_free.")
    return found


async def check_account(connected: ConnectedAccount, trouble: str, refused: dict[str, list[Seen]]) -> Finding:
    """What an account says of itself, and why its callbacks are refused. `trouble` of the database leaves it out."""
    found = Finding()
    if trouble:
        found.skipped = "it needs the database"
        return found
    try:
        health = await connected.connector.check()
    except ConnectorError as error:
        found.wrong(error.message, _TRY)
    except SQLAlchemyError as error:
        found.wrong(f"the database failed: {first_line(error)}", "See the check of the database above.")
    else:
        found.facts, found.unchecked = dict(health.facts), health.unchecked
        for problem in health.problems:
            found.wrong(problem.what, problem.remedy)
    for seen in refused.get(connected.name, ()):
        what = f"callbacks are refused: {seen.outcome} ({seen.number} since {seen.since:%Y-%m-%d %H:%M} UTC)"
        found.wrong(what, seen.remedy.get("en", ""))
    return found


async def refusals_of(bridge: Bridge) -> dict[str, list[Seen]]:
    """By account: why its callbacks are refused, what is nobody's fault left out."""
    found = await bridge.store.read(callbacks.refusals, system_clock())
    return {name: [one for one in seen if one.outcome not in NOISE] for name, seen in found.items()}


async def _clock(accounts: list[ConnectedAccount]) -> Finding:
    """Against the dates of the vendors' answers: signatures, tokens and certificates depend on it."""
    now = system_clock()
    skews = {one.name: skew for one in accounts if (skew := one.account.http.skew(now)) is not None}
    found = Finding()
    if not skews:
        found.skipped = "no vendor's answer held a date"
        return found
    name, (best, doubt) = min(skews.items(), key=lambda one: abs(one[1][0]))
    found.facts = {"compared with": name, "off by": f"{best.total_seconds():+.0f} s"}
    if abs(best) > _SKEW + doubt:
        what = f"this machine's clock is off by {best.total_seconds():+.0f} s (compared with {name})"
        return found.wrong(what, "Switch time synchronisation on: timedatectl set-ntp true")
    return found


def doctor_text(results: dict[str, dict[str, Any]]) -> str:
    """The same for people."""
    lines = []
    for name, one in results.items():
        mark = "✗" if not one["ok"] else "✓" if one["checked"] else "–"
        facts = ", ".join(f"{key} {value}" for key, value in one["facts"].items())
        took = f"({one['seconds']:.2f} s)"
        lines.append(f"{one['number']:>2}. [{mark}] {name.removeprefix('bridge.')}  {facts}".rstrip() + f"  {took}")
        lines += [f"        not checked: {what}" for what in one["not_checked"]]
        for problem in one["problems"]:
            lines += [f"        ✗ {problem['what']}", f"          {problem['remedy']}"]
    left = [name.removeprefix("bridge.") for name, one in results.items() if not one["checked"]]
    lines += ["", f"Not checked: {', '.join([*left, *_NEVER])}."]
    wrong = sum(not one["ok"] for one in results.values())
    count = len(results) - len([one for one in results.values() if not one["checked"]])
    problems = "1 is not" if wrong == 1 else f"{wrong} are not"
    lines.append(f"{count - wrong} of {count} checks are well" + (f", {problems}." if wrong else "."))
    return "\n".join(lines)


_NEVER = ("whether a message really arrives (write one)", "backups")

"""The alerts of one bridge: every half minute what is wrong is compared with what was told.

What is new or over is written down first and sent then, grouped in one message for each receiver; a receiver that
cannot be reached is tried again with growing pauses, and stops no other.
"""

import asyncio
import json
import ssl
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import structlog

from bridge.advice import ending_secrets
from bridge.alerts.causes import Causes, Outside, causes_now, changed
from bridge.alerts.weekly import PREFIX, due_week, week_facts, weekly_alert
from bridge.alerts.words import alert_of
from bridge.contract import AccountConfig, Alert, AlertReceiver, ConnectorError
from bridge.figures.period import Period
from bridge.settings import Settings
from mappings import alerts, state
from mappings.store import Store, Tx

log = structlog.get_logger("bridge.alerts")
EVERY = timedelta(seconds=30)
_LOOKED = timedelta(hours=12)
_LONGEST = timedelta(minutes=10)


class Watch:
    """Holds the receivers. `tick` does one round."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        receivers: Mapping[str, AlertReceiver[Any]],
        now: Callable[[], datetime],
        accounts: Mapping[str, AccountConfig],
    ) -> None:
        self._store, self._settings, self._receivers = store, settings, receivers
        self._now, self._accounts = now, accounts
        self._owner = uuid4().hex[:12]
        self._outside = Outside()
        self._looked_at: datetime | None = None

    async def tick(self) -> None:
        """One process does it: compare, write down, send."""
        now = self._now()
        if not await self._store.write(state.take_lease, "tick alerts", self._owner, now, now + EVERY * 2):
            return
        await self._look_outside(now)
        outside = replace(self._outside, secrets=ending_secrets(self._accounts, now.date()))
        found = await self._store.read(causes_now, self._settings, now, outside)
        await self._store.write(_write_down, found, now)
        week = due_week(self._settings, now)
        if week is not None:
            await self._store.write(_write_week, self._settings.figures.weekly, *week, now)
        for name, receiver in self._receivers.items():
            await self._tell(name, receiver, now)

    async def _tell(self, name: str, receiver: AlertReceiver[Any], now: datetime) -> None:
        due = await self._store.read(alerts.due_alerts, name, now)
        groups: defaultdict[bool, dict[str, dict[str, str]]] = defaultdict(dict)
        tries, language = 0, self._settings.bridge.language
        for row in due:
            facts = json.loads(row.facts)
            if row.cause.startswith(PREFIX):
                summary = weekly_alert(name, row.cause, facts, language, now)
                await self._send(receiver, name, summary, [row.cause], row.tries)
                continue
            groups[row.state == "well"][row.cause] = facts
            tries = max(tries, row.tries)
        for well, causes in sorted(groups.items()):
            mark = f"alert_{name}_{int(now.timestamp())}_{'well' if well else 'trouble'}"
            alert = alert_of(mark, causes, well=well, language=language, at=now)
            await self._send(receiver, name, alert, list(causes), tries)

    async def _send(self, receiver: AlertReceiver[Any], name: str, alert: Alert, causes: list[str], tries: int) -> None:
        now = alert.at
        try:
            await receiver.send(alert)
        except ConnectorError as error:
            pause = min(timedelta(seconds=30 * 2 ** min(tries, 10)), _LONGEST)
            await self._store.write(alerts.delay, name, causes, now + pause, error.message)
            log.warning("alert not delivered", receiver=name, why=error.message, tries=tries + 1)
        else:
            summary = causes[0].startswith(PREFIX)
            await self._store.write(alerts.told, name, causes, now, well=alert.well and not summary)
            log.info("alert", receiver=name, well=alert.well, causes=sorted(causes))

    async def _look_outside(self, now: datetime) -> None:
        """Twice a day: until when the certificate of the public address is valid."""
        if self._looked_at is not None and now - self._looked_at < _LOOKED:
            return
        self._looked_at = now
        parts = urlsplit(self._settings.bridge.public_url)
        if parts.scheme == "https" and parts.hostname:
            self._outside = Outside(await certificate_until(parts.hostname, parts.port or 443))


async def certificate_until(host: str, port: int) -> datetime | None:
    """When the certificate of an address ends; None where nobody can say."""
    with suppress(OSError, ssl.SSLError, TimeoutError, KeyError, ValueError):
        async with asyncio.timeout(10):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
            found = writer.get_extra_info("ssl_object").getpeercert()
            writer.close()
            return datetime.fromtimestamp(ssl.cert_time_to_seconds(found["notAfter"]), UTC)
    return None


def _write_down(tx: Tx, found: dict[str, Causes], now: datetime) -> None:
    for receiver, causes in found.items():
        before = {cause: one for cause, one in alerts.known(tx, receiver).items() if not cause.startswith(PREFIX)}
        new, over = changed(before, causes)
        for cause in new:
            alerts.begin(tx, receiver, cause, json.dumps(causes[cause], ensure_ascii=False), now)
        for cause in over:
            alerts.end(tx, receiver, cause, now)


def _write_week(tx: Tx, receivers: Sequence[str], cause: str, asked: Period, now: datetime) -> None:
    """The week's figures are written down once for each receiver; those of earlier weeks are forgotten."""
    new = [one for one in receivers if cause not in alerts.known(tx, one)]
    if new:
        facts = json.dumps(week_facts(tx, asked, now), ensure_ascii=False)
        for receiver in new:
            alerts.forget_like(tx, receiver, PREFIX)
            alerts.begin(tx, receiver, cause, facts, now)

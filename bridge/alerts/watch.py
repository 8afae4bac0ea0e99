"""The alerts of one bridge: every half minute what is wrong is compared with what was told.

What is new or over is written down first and sent then, grouped in one message for each receiver; a receiver that
cannot be reached is tried again with growing pauses, and stops no other.
"""

import asyncio
import json
import ssl
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import structlog

from bridge.alerts.causes import Causes, Outside, causes_now, changed
from bridge.alerts.words import alert_of
from bridge.contract import AlertReceiver, ConnectorError
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
    ) -> None:
        self._store, self._settings, self._receivers = store, settings, receivers
        self._now = now
        self._owner = uuid4().hex[:12]
        self._outside = Outside()
        self._looked_at: datetime | None = None

    async def tick(self) -> None:
        """One process does it: compare, write down, send."""
        now = self._now()
        if not await self._store.write(state.take_lease, "tick alerts", self._owner, now, now + EVERY * 2):
            return
        await self._look_outside(now)
        found = await self._store.read(causes_now, self._settings, now, self._outside)
        await self._store.write(_write_down, found, now)
        for name, receiver in self._receivers.items():
            await self._tell(name, receiver, now)

    async def _tell(self, name: str, receiver: AlertReceiver[Any], now: datetime) -> None:
        due = await self._store.read(alerts.due_alerts, name, now)
        groups: defaultdict[bool, dict[str, dict[str, str]]] = defaultdict(dict)
        tries = 0
        for row in due:
            groups[row.state == "well"][row.cause] = json.loads(row.facts)
            tries = max(tries, row.tries)
        for well, causes in sorted(groups.items()):
            mark = f"alert_{name}_{int(now.timestamp())}_{'well' if well else 'trouble'}"
            alert = alert_of(mark, causes, well=well, language=self._settings.bridge.language, at=now)
            try:
                await receiver.send(alert)
            except ConnectorError as error:
                pause = min(timedelta(seconds=30 * 2 ** min(tries, 10)), _LONGEST)
                await self._store.write(alerts.delay, name, list(causes), now + pause, error.message)
                log.warning("alert not delivered", receiver=name, why=error.message, tries=tries + 1)
            else:
                await self._store.write(alerts.told, name, list(causes), now, well=well)
                log.info("alert", receiver=name, well=well, causes=sorted(causes))

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
        before = alerts.known(tx, receiver)
        new, over = changed(before, causes)
        for cause in new:
            alerts.begin(tx, receiver, cause, json.dumps(causes[cause], ensure_ascii=False), now)
        for cause in over:
            alerts.end(tx, receiver, cause, now)

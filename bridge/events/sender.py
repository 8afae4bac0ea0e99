"""Sends events, signed as Standard Webhooks says: the oldest of each conversation first, and again until it is taken.

Of several processes one sends. What was sent and not written down goes once more after a crash, under the same
`webhook-id`. A receiver that cannot be reached rests as a whole and is asked by one event at a time; one event that it
refuses holds up its own conversation only.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import Row

from bridge.contract import ConnectorError, Http, Retryable, Throttled, sign_webhook
from bridge.settings import EventSettings
from bridge.telemetry import metrics
from mappings import outgoing, state
from mappings.states import StepState
from mappings.store import Store

log = structlog.get_logger("bridge.events")

EVERY = timedelta(seconds=1)
GIVE_UP = timedelta(days=3)
_LEASE = timedelta(seconds=30)
_TIMEOUT = 10.0  # seconds for an answer
_AT_ONCE = 8  # conversations
_TURN = 200  # events of one receiver before the next one has its turn
_FIRST, _LONGEST = 5.0, 3600.0  # seconds between tries
_REFUSED = frozenset({400, 409, 413, 415, 422})  # about this event; all else is about the receiver


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try. `code` is what commands and the console show; `rests` concerns all of the receiver's."""

    taken: bool = False
    final: bool = False
    code: str = ""
    rests: bool = False
    after: float = 0.0


class Sender:
    """All receivers of one bridge. `tick` sends what is due."""

    def __init__(
        self, store: Store, receivers: Sequence[EventSettings], http: Http, now: Callable[[], datetime]
    ) -> None:
        self._store, self._receivers, self._http, self._now = store, receivers, http, now
        self._owner = uuid4().hex[:12]
        self._resting: dict[str, tuple[int, datetime]] = {}  # failures in a row, and until when
        self._one = asyncio.Lock()

    async def tick(self) -> None:
        """One round. Nothing is written where nothing is to be sent."""
        async with self._one:
            names = [one.receiver for one in self._receivers]
            if not await self._store.read(outgoing.is_waiting, names):
                return
            for receiver in self._receivers:
                if not await self._mine():
                    return
                await self._send_due(receiver)

    async def _mine(self) -> bool:
        now = self._now()
        return await self._store.write(state.take_lease, "tick events", self._owner, now, now + _LEASE)

    async def _send_due(self, receiver: EventSettings) -> None:
        sent = 0
        while sent < _TURN and await self._mine():
            failures, until = self._resting.get(receiver.receiver, (0, self._now()))
            if failures and until > self._now():
                return
            limit = 1 if failures else _AT_ONCE
            rows = await self._store.read(outgoing.heads, receiver.receiver, self._now(), limit)
            if not rows:
                return
            outcomes = await asyncio.gather(*(send(self._http, receiver, row, self._now()) for row in rows))
            await self._store.write(outgoing.settle, [self._ended(*one) for one in zip(rows, outcomes, strict=True)])
            self._note(receiver.receiver, outcomes)
            sent += len(rows)

    def _ended(self, row: Row[Any], outcome: Outcome) -> tuple[int, dict[str, Any]]:
        now = self._now()
        values: dict[str, Any] = {"tries": row.tries + 1, "code": outcome.code}
        if outcome.taken:
            return row.id, values | {"state": StepState.DONE, "done_at": now}
        if outcome.final or now - row.ready_at > GIVE_UP:
            log.warning("event given up", receiver=row.receiver, name=row.name, code=outcome.code)
            return row.id, values | {"state": StepState.DEAD, "done_at": now}
        return row.id, values | {"due_at": now + timedelta(seconds=outcome.after or pause(row.tries))}

    def _note(self, name: str, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            metrics.events.count(name, "taken" if outcome.taken else outcome.code)
        bad = next((one for one in outcomes if one.rests), None)
        before, _ = self._resting.pop(name, (0, self._now()))
        if bad is not None:
            wait = bad.after or pause(before)
            self._resting[name] = before + 1, self._now() + timedelta(seconds=wait)
            if not before:
                log.warning("receiver of events in trouble", receiver=name, code=bad.code)
        elif before:
            log.info("receiver of events works again", receiver=name)


async def send(http: Http, receiver: EventSettings, row: Any, now: datetime) -> Outcome:
    """One try. `row` has `name` and `data`."""
    body = row.data.encode()
    headers = {"content-type": "application/json", **sign_webhook(receiver.key, row.name, now, body)}
    url = receiver.url.get_secret_value()
    try:
        answer = await http.request("POST", url, content=body, headers=headers, timeout=_TIMEOUT, repeatable=True)
    except Throttled as error:
        return Outcome(code=error.code or "throttled", rests=True, after=error.retry_after)
    except ConnectorError as error:  # by its code alone: the words name the address
        return Outcome(code=error.code or type(error).__name__, rests=isinstance(error, Retryable))
    except Exception as error:
        log.exception("bug while sending an event", receiver=receiver.receiver)
        return Outcome(code=f"bug: {type(error).__name__}", rests=True)
    return judge(answer.status, answer.headers)


def judge(status: int, headers: Mapping[str, str]) -> Outcome:
    """What an answer means: 2xx is taken, 410 says never again, 400 and its like concern this event."""
    code = f"http {status}"
    if 200 <= status < 300:
        return Outcome(taken=True, code=code)
    if status == 410:
        return Outcome(final=True, code=code)
    if status in _REFUSED:
        return Outcome(code=code)
    after = headers.get("retry-after", "")
    wait = min(float(after), _LONGEST) if after.isascii() and after.isdecimal() and len(after) < 6 else 0.0
    return Outcome(code=code, rests=True, after=wait)


def pause(tries: int) -> float:
    """Seconds before the next try."""
    return float(min(_LONGEST, _FIRST * 2 ** min(tries, 20)))


def example(now: datetime) -> str:
    """What `bridge events test` sends."""
    return json.dumps({"type": "bridge.test", "timestamp": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}", "data": {}})

"""Who calls, and why some are refused: counted in memory, written down every few seconds, logged once per cause.

A refusal costs its caller nothing, so it must not cost a transaction or a line each.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches

import structlog

from bridge.contract import Cause, Unauthentic
from bridge.contract.errors import REMEDIES
from mappings import callbacks
from mappings.callbacks import ACCEPTED, Refused, Seen
from mappings.store import Store, Tx

log = structlog.get_logger("bridge.hooks")

_AGAIN = timedelta(minutes=10)  # between two lines about the same account and cause
_MOST = 200  # pairs of account and cause
_EACH = 5  # single refusals of one account that are written down at a time: a flood must not become one of rows
_QUIET = frozenset({Cause.VISIT.value, Cause.NO_CALLBACKS.value})  # anybody's noise, and nothing of ours is wrong


@dataclass(slots=True)
class _Count:
    remedy: Mapping[str, str]
    since: datetime
    at: datetime
    count: int = 0  # not written down yet
    silent: int = 0  # not logged yet
    logged: datetime | None = None


@dataclass(slots=True)
class Callers:
    """What became of the callbacks of this process."""

    store: Store
    now: Callable[[], datetime]
    _accepted: set[str] = field(default_factory=set)
    _counts: dict[tuple[str, str], _Count] = field(default_factory=dict)
    _last: dict[str, deque[Refused]] = field(default_factory=dict)

    def accepted(self, account: str) -> None:
        """One was authentic."""
        self._accepted.add(account)

    def refused(self, account: str, error: Exception, client: str = "") -> None:
        """One was not, or cannot be read. `client` is the address that called."""
        cause = error.cause.value if isinstance(error, Unauthentic) else Cause.UNREADABLE.value
        self._remember(account, cause, client)
        if isinstance(error, Unauthentic):
            self.note(account, error.cause.value, error.reason)
        else:
            self.note(account, Cause.UNREADABLE.value, REMEDIES[Cause.UNREADABLE])

    def _remember(self, account: str, cause: str, client: str) -> None:
        if account in self._last or len(self._last) < _MOST:
            last = self._last.setdefault(account, deque(maxlen=_EACH))
            last.append(Refused(account, cause, client[:60], self.now()))

    def note(self, account: str, outcome: str, remedy: Mapping[str, str]) -> None:
        """One more of an outcome; a line in the log where there was none about it of late."""
        now = self.now()
        one = self._counts.get((account, outcome))
        if one is None:
            if len(self._counts) >= _MOST:
                return
            one = self._counts[account, outcome] = _Count(remedy, now, now)
        one.count += 1
        one.silent += 1
        one.remedy, one.at = remedy, now
        if outcome in _QUIET or (one.logged is not None and now - one.logged < _AGAIN):
            return
        log.warning("callbacks refused", account=account, cause=outcome, count=one.silent, remedy=remedy.get("en", ""))
        one.logged, one.silent = now, 0

    def misled(self, path: str, accounts: Iterable[str]) -> None:
        """One came to a path that no account has. It counts for the account whose name is nearly that."""
        near = get_close_matches(path[:40].strip("/").casefold(), list(accounts), 1)
        if near:
            self._remember(near[0], Cause.PATH.value, "")
            wanted = f"/hooks/{near[0]}"
            en = f"Callbacks come to an address that no account has: the path at the vendor must be {wanted}."
            self.note(
                near[0], Cause.PATH.value, {"en": en, "zh": f"回调发到了不存在的地址：对方平台上的路径应为 {wanted}。"}
            )

    async def write_down(self) -> None:
        """What is new since the last time, for `doctor` and `status`, which are processes of their own."""
        now = self.now()
        seen = [
            Seen(account, outcome, one.count, one.remedy, one.since, one.at)
            for (account, outcome), one in self._counts.items()
            if one.count
        ]
        accepted, self._accepted = self._accepted, set()
        seen += [Seen(account, ACCEPTED, 1, {}, now, now) for account in sorted(accepted)]
        if not seen:
            return
        last, self._last = self._last, {}
        try:
            await self.store.write(_note, seen, [one for each in last.values() for one in each])
        except BaseException:
            self._accepted |= accepted  # the next time
            self._last = last | self._last
            raise
        for one in seen:
            if one.outcome != ACCEPTED:
                self._counts[one.account, one.outcome].count -= one.number


def _note(tx: Tx, seen: list[Seen], last: list[Refused]) -> None:
    callbacks.note_callbacks(tx, seen)
    callbacks.note_refused(tx, last)

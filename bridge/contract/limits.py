"""How often somebody may ask: one token bucket for each limit and subject, in memory.

Each process counts by itself: with several a caller gets as many times as much, which is still bounded, and a restart
forgives. What must hold across processes and restarts (bytes that are kept) is counted in the store.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` at once, then `per_minute`."""

    burst: int
    per_minute: float


class Limits:
    """Buckets by limit and subject. The least recently seen are forgotten first."""

    def __init__(self, limits: Mapping[str, Limit], now: Callable[[], datetime]) -> None:
        self._limits = limits
        self._now = now
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def wait(self, name: str, subject: str) -> float:
        """Takes one; 0.0, or the seconds after which one more will be there."""
        limit = self._limits[name]
        left, now = self._left(name, subject)
        taken = left >= 1
        self._buckets[name, subject] = (left - 1 if taken else left, now)
        self._buckets.move_to_end((name, subject))
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return 0.0 if taken else (1 - left) * 60 / limit.per_minute

    def is_empty(self, name: str, subject: str) -> bool:
        """Whether the next one would have to wait. Nothing is taken."""
        return self._left(name, subject)[0] < 1

    def _left(self, name: str, subject: str) -> tuple[float, float]:
        limit, now = self._limits[name], self._now().timestamp()
        left, since = self._buckets.get((name, subject), (float(limit.burst), now))
        return min(float(limit.burst), left + max(0.0, now - since) * limit.per_minute / 60), now

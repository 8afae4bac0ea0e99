"""How much one visitor, one address and everybody together may ask for. In memory: a restart forgives."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

_REMEMBERED = 50_000
_DAY = 86400.0  # seconds


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` at once, then `per_minute`."""

    burst: int
    per_minute: float


# Per visitor first; per address generously, because offices and mobile carriers share theirs.
LIMITS: dict[str, Limit] = {
    "sessions.address": Limit(60, 30),
    "sessions.all": Limit(600, 1200),
    "messages.visitor": Limit(20, 30),
    "messages.address": Limit(200, 600),
    "uploads.visitor": Limit(10, 2),
    "uploads.address": Limit(60, 30),
    "signals.visitor": Limit(40, 60),
    "identify.address": Limit(60, 60),
    "reads.visitor": Limit(60, 240),
    "badge.address": Limit(120, 240),
    "sign_in.address": Limit(20, 6),
}


class Limits:
    """Token buckets by limit and subject. The least recently seen are forgotten first."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._bytes: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def wait(self, name: str, subject: str) -> float:
        """Takes one; 0.0, or the seconds after which one more will be there."""
        limit = LIMITS[name]
        now = self._now().timestamp()
        left, since = self._buckets.pop((name, subject), (float(limit.burst), now))
        left = min(float(limit.burst), left + max(0.0, now - since) * limit.per_minute / 60)
        taken = left >= 1
        self._buckets[name, subject] = (left - 1 if taken else left, now)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return 0.0 if taken else (1 - left) * 60 / limit.per_minute

    def spend(self, size: int, quotas: Mapping[tuple[str, str], int]) -> float:
        """Takes bytes from the quotas of a day, by name and subject; 0.0, or the seconds until all of them have room.

        Nothing is taken unless all have room. What is used comes back evenly, the whole of it within a day.
        """
        now = self._now().timestamp()
        used: dict[tuple[str, str], float] = {}
        wait = 0.0
        for place, most in quotas.items():
            before, since = self._bytes.get(place, (0.0, now))
            used[place] = max(0.0, before - max(0.0, now - since) * most / _DAY)
            if used[place] and used[place] + size > most:  # the first file of a day passes, whatever the quota
                wait = max(wait, min(used[place] + size - most, used[place]) * _DAY / most)
        if wait:
            return wait
        for place, count in used.items():
            self._bytes.pop(place, None)
            self._bytes[place] = (count + size, now)
        while len(self._bytes) > _REMEMBERED:
            self._bytes.popitem(last=False)
        return 0.0

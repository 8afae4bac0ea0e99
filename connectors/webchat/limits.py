"""How much one visitor, one address and everybody together may ask for. In memory: a restart forgives."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

_REMEMBERED = 50_000


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

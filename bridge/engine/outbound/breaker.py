"""When an account is in trouble: stop burning attempts, probe one at a time, come back gently. Kept in memory."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

_OPENS_AFTER = 5
_GROWS_EVERY = 10


@dataclass(slots=True)
class Breaker:
    """One account's. `most` is how many steps may be in hand when all is well."""

    most: int
    pause: timedelta
    failures: int = 0
    suspects: set[int] = field(default_factory=set)  # lanes that failed since the last success, each for its own reason
    open_until: datetime | None = None
    allowed: int = 0
    successes: int = 0

    def __post_init__(self) -> None:
        self.allowed = self.most

    def remaining(self, now: datetime, in_flight: int) -> int:
        """How many steps may be claimed now."""
        if self.open_until is not None:
            return 0 if self.is_resting(now) else max(0, 1 - in_flight)
        return max(0, self.allowed - in_flight)

    def is_resting(self, now: datetime) -> bool:
        """Nothing is sent at this moment, not even a probe."""
        return self.open_until is not None and now < self.open_until

    def record_failure(self, now: datetime, lane: int | None = None) -> bool:
        """Trouble. True when this opens the breaker (anew).

        With a lane it seems to be that conversation's own, which counts once however often it fails: only when it
        meets several of them it is the account's.
        """
        if lane is None:
            self.failures += 1
        else:
            self.suspects.add(lane)
        probing = self.open_until is not None and now >= self.open_until
        if self.failures + len(self.suspects) < _OPENS_AFTER and not probing:
            return False
        if self.open_until is not None and not probing:
            return False
        self.open_until = now + self.pause
        return True

    def record_success(self) -> bool:
        """A success. True when it ends an outage: what backs off may go, one at a time at first."""
        self.failures = 0
        self.suspects.clear()
        if self.open_until is not None:
            self.open_until = None
            self.allowed, self.successes = 1, 0
            return True
        if self.allowed < self.most:
            self.successes += 1
            if self.successes % _GROWS_EVERY == 0:
                self.allowed += 1
        return False

    @property
    def is_open(self) -> bool:
        return self.open_until is not None

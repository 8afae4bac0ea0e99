"""A clock that a test turns by hand."""

from datetime import UTC, datetime, timedelta


class VirtualClock:
    """Stands still until it is advanced. Call it for the time, like `Account.now`."""

    def __init__(self, start: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)) -> None:
        self._now = start

    def __call__(self) -> datetime:
        return self._now

    def advance(self, seconds: float = 0, **parts: float) -> datetime:
        """Moves on by seconds, or by the parts of a timedelta: `advance(hours=48)`."""
        self._now += timedelta(seconds=seconds, **parts)
        return self._now


def system_clock() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(UTC)

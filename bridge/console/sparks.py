"""How much came and went in the last hour, by account: counted in memory by the minute, since this process began."""

from collections import deque
from collections.abc import Sequence

from bridge.telemetry import metrics

_MINUTES = 60
_WIDE, _HIGH = 120, 30


class Sparks:
    """What came in from an account, and what it accepted."""

    def __init__(self, accounts: Sequence[str]) -> None:
        self._last = dict.fromkeys(accounts, (0, 0))
        self._minutes: dict[str, deque[tuple[int, int]]] = {name: deque(maxlen=_MINUTES) for name in accounts}

    async def sample(self) -> None:
        """Once a minute."""
        for name, last in self._last.items():
            now = (metrics.raws.total(name), metrics.steps.total(name, "accepted"))
            self._minutes[name].append((now[0] - last[0], now[1] - last[1]))
            self._last[name] = now

    def sums(self, name: str) -> tuple[int, int]:
        """(arrived, went) within the last hour, the minute that runs with it."""
        minutes, last = self._minutes.get(name, ()), self._last.get(name, (0, 0))
        arrived = sum(one[0] for one in minutes) + metrics.raws.total(name) - last[0]
        return arrived, sum(one[1] for one in minutes) + metrics.steps.total(name, "accepted") - last[1]

    def line(self, name: str) -> str:
        """The points of a line of all that moved, `x,y` within 120 × 30; "" before there are two minutes."""
        values = [arrived + went for arrived, went in self._minutes.get(name, ())]
        if len(values) < 2:
            return ""
        top, step = max(1, *values), _WIDE / (_MINUTES - 1)
        first = _MINUTES - len(values)
        return " ".join(
            f"{(first + at) * step:.1f},{_HIGH - 1 - (_HIGH - 2) * value / top:.1f}" for at, value in enumerate(values)
        )

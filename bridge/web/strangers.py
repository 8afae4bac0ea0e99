"""Who brings a key that opens nothing: counted by network before the database is asked about one more.

Keys that opened something lately are known and go free, so that a stranger in the same office or behind the same
carrier locks nobody out.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from bridge.contract import Limit, Limits

_KNOWN = 2000
_WRONG = {"wrong": Limit(60, 30)}


class Strangers:
    """Of one door. Keys are given as their hashes."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._limits = Limits(_WRONG, now)
        self._known: OrderedDict[str, None] = OrderedDict()

    def locked_out(self, network: str, key: str) -> bool:
        """Whether this one is not even looked at."""
        return key not in self._known and self._limits.is_empty("wrong", network)

    def wrong(self, network: str, key: str) -> None:
        """The key opened nothing."""
        self._known.pop(key, None)
        self._limits.wait("wrong", network)

    def right(self, key: str) -> None:
        """It did."""
        self._known[key] = None
        self._known.move_to_end(key)
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)

"""How many bytes may be kept in a day, by visitor, address and account. In the store: a disk fills the same way through
two processes, or before and after a restart.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bridge.contract import Conflict, Put, Records, StoreDown

KIND = "quota"
_DAY = 86400.0  # seconds
_TRIES = 8
_LOOKED_AT = 20  # records of others, each time: those that are empty again go


class Quotas:
    """What was used, by subject. No record names an address: its key is a keyed hash."""

    def __init__(self, records: Records, secret: bytes, now: Callable[[], datetime]) -> None:
        self._records, self._secret, self._now = records, secret, now
        self._looked = ""

    async def spend(self, size: int, quotas: Mapping[tuple[str, str], int]) -> float:
        """Takes bytes from the quotas, by name and subject; 0.0, or the seconds until all of them have room.

        Nothing is taken unless all have room. What is used comes back evenly, the whole of it within a day. Raises
        StoreDown.
        """
        for _ in range(_TRIES):
            now, wait = self._now().timestamp(), 0.0
            puts: list[Put] = []
            for place, most in quotas.items():
                key = self.key(*place)
                found = await self._records.get(KIND, key)
                used = _left(found[0], now) if found is not None else 0.0
                if used and used + size > most:  # the first file of a day passes, whatever the quota
                    wait = max(wait, min(used + size - most, used) * _DAY / most)
                row = {"used": used + size, "since": now, "most": most}
                puts.append(Put(KIND, key, row, found[1] if found is not None else 0))
            if wait:
                return wait
            try:
                await self._records.commit(*puts, *await self._emptied(now, {put.key for put in puts}))
            except Conflict:  # somebody else's file came between
                continue
            return 0.0
        raise StoreDown("too many files at once")

    def key(self, name: str, subject: str) -> str:
        """Whose record it is."""
        return hmac.digest(self._secret, f"quota:{name}:{subject}".encode(), hashlib.sha256).hex()[:40]

    async def _emptied(self, now: float, kept: set[str]) -> list[Put]:
        """A few records whose bytes have all come back: nobody needs them any more."""
        rows = await self._records.list(KIND, after=self._looked, limit=_LOOKED_AT)
        self._looked = rows[-1][0] if len(rows) == _LOOKED_AT else ""
        return [Put(KIND, key, None) for key, row in rows if key not in kept and not _left(row, now)]


def _left(row: Mapping[str, Any], now: float) -> float:
    """What of the bytes used has not come back yet."""
    return max(0.0, float(row["used"]) - max(0.0, now - float(row["since"])) * float(row["most"]) / _DAY)

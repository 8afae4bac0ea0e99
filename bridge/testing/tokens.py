"""`Tokens` in memory: stored, renewed by one caller at a time."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bridge.contract import Token


class MemoryTokens:
    """`stored` maps names to tokens; `renewals` counts how often each was renewed."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.stored: dict[str, Token] = {}
        self.renewals: defaultdict[str, int] = defaultdict(int)

    async def get(
        self,
        name: str,
        renew: Callable[[Token | None], Awaitable[Token]],
        *,
        refused: str = "",
        early: timedelta = timedelta(minutes=1),
    ) -> Token:
        token = self._good(name, refused, early)
        if token is not None:
            return token
        async with self._locks[name]:
            token = self._good(name, refused, early)  # another caller may have renewed it while this one waited
            if token is None:
                token = await renew(self.stored.get(name))
                self.stored[name] = token
                self.renewals[name] += 1
            return token

    def _good(self, name: str, refused: str, early: timedelta) -> Token | None:
        token = self.stored.get(name)
        if token is None or (refused and token.value == refused):
            return None
        if token.expires_at is not None and token.expires_at - early <= self._clock():
            return None
        return token

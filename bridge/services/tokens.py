"""Stored credentials: encrypted, and renewed once for all processes."""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import uuid4

from bridge.contract import Retryable, Token
from mappings import state
from mappings.store import Store

_LEASE = timedelta(seconds=30)
_POLL = 0.1


def derive_key(secret: str, purpose: str) -> bytes:
    """A 32-byte key for one purpose, so that no key serves two."""
    return hmac.digest(secret.encode(), b"bridge:" + purpose.encode(), hashlib.sha256)


def context_key(secret: str) -> str:
    """The key by which the shop's own server signs contexts. `bridge entry NAME --signed` shows it."""
    return derive_key(secret, "context").hex()


def sign_number(key: bytes, number: int, until: datetime) -> str:
    """The token of a link by which one customer opens one row's page. Each kind of page has a key of its own."""
    return _numbered(key, number, int(until.timestamp()))


def open_number(key: bytes, token: str, now: datetime) -> int | None:
    """The row a token names; None when it is forged or over (nobody is told which)."""
    number, _, rest = token.partition(".")
    until, _, _ = rest.partition(".")
    if not all(one.isascii() and one.isdigit() and len(one) < 15 for one in (number, until)):
        return None
    right = hmac.compare_digest(_numbered(key, int(number), int(until)).encode(), token.encode())
    return int(number) if right and int(until) > now.timestamp() else None


def _numbered(key: bytes, number: int, until: int) -> str:
    return f"{number}.{until}.{hmac.digest(key, f'{number}.{until}'.encode(), hashlib.sha256).hex()[:32]}"


class StoredTokens:
    """One account's. See `bridge.contract.Tokens`."""

    def __init__(self, store: Store, account: str, secret: str, now: Callable[[], datetime]) -> None:
        self._store = store
        self._account = account
        self._now = now
        self._key = derive_key(secret, "tokens")
        self._owner = uuid4().hex
        self._locks: dict[str, asyncio.Lock] = {}
        self._cache: dict[str, Token] = {}

    async def get(
        self,
        name: str,
        renew: Callable[[Token | None], Awaitable[Token]],
        *,
        refused: str = "",
        early: timedelta = timedelta(minutes=5),
    ) -> Token:
        """The stored token, or what `renew` makes of it when it is missing, about to end or refused."""
        cached = self._cache.get(name)
        if cached is not None and self._good(cached, refused, early):
            return cached
        async with self._locks.setdefault(name, asyncio.Lock()):
            stored = await self._stored(name)
            if stored is not None and self._good(stored, refused, early):
                self._cache[name] = stored
                return stored
            return await self._renewed(name, renew, refused, early)

    async def _renewed(
        self, name: str, renew: Callable[[Token | None], Awaitable[Token]], refused: str, early: timedelta
    ) -> Token:
        """Under a lease that all processes share; whoever comes second finds the new token."""
        lease = f"token {self._account} {name}"
        for _ in range(int(_LEASE.total_seconds() / _POLL)):
            now = self._now()
            if await self._store.write(state.take_lease, lease, self._owner, now, now + _LEASE):
                break
            await asyncio.sleep(_POLL)
            stored = await self._stored(name)
            if stored is not None and self._good(stored, refused, early):
                return stored
        else:
            raise Retryable("another process is renewing the credentials", code="token busy")
        try:
            stored = await self._stored(name)
            if stored is not None and self._good(stored, refused, early):
                return stored
            token = await renew(stored)
            await self._store.write(
                state.set_token, self._account, name, self._seal(token), token.expires_at, self._now()
            )
        finally:
            await self._store.write(state.end_lease, lease, self._owner)
        self._cache[name] = token
        return token

    def _good(self, token: Token, refused: str, early: timedelta) -> bool:
        if refused and token.value == refused:
            return False
        if token.expires_at is None:
            return True
        left = token.expires_at - self._now()
        # a token that lives shorter than `early` would otherwise be renewed at every use
        return left > min(early, timedelta(seconds=30)) if left < early else True

    async def _stored(self, name: str) -> Token | None:
        row = await self._store.read(state.get_token, self._account, name)
        if row is None:
            return None
        from bridge.services.encryption import unseal

        content = unseal(row.value, self._key)
        if content is None:  # bridge.secret_key was changed: the old ones are lost, new ones can be had
            return None
        return Token(content["value"], row.expires_at, content.get("refresh", ""))

    def _seal(self, token: Token) -> bytes:
        from bridge.services.encryption import seal

        return seal({"value": token.value, "refresh": token.refresh}, self._key)

"""Signing in with a name and a password: who may guess how often, and where passwords are hashed.

For every door of people who work here. A stranger who guesses must not lock the right person out: guesses are counted
by name and network together, and a device that was signed in before has a count of its own. They are counted before the
password is looked at: of many at once no more are looked at than of many in a row.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

_FREE = 5  # wrong passwords before the first wait
_FREE_OF_ALL = 100  # of one name, from all unknown devices of the world
_SLOWEST = 900.0  # seconds
_FORGOTTEN = 3600.0  # seconds of rest
_REMEMBERED = 50_000
_THREADS = 2
_WAITING = 32


class Busy(Exception):
    """More passwords wait to be looked at than make sense."""


class Guesses:
    """Counts of wrong passwords, in memory: a restart forgives. The least recently seen are forgotten first."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._wrong: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def take(self, name: str, network: str, device: str = "") -> float:
        """Takes one guess: 0.0, or the seconds to wait first. `device` names one that the person was signed in on."""
        keys = self._keys(name, network, device)
        wait = max(self._wait(key, free) for key, free in keys)
        if wait <= 0.0:
            for key, _ in keys:
                count, _last = self._wrong.pop(key, (0, 0.0))
                self._wrong[key] = (count + 1, self._time())
            while len(self._wrong) > _REMEMBERED:
                self._wrong.popitem(last=False)
        return wait

    def right(self, name: str, network: str, device: str = "") -> None:
        """The guess was right: this network, or this device, begins anew; the others gain one back."""
        (own, _), *others = self._keys(name, network, device)
        self._wrong.pop(own, None)
        for key, _ in others:
            count, last = self._wrong.get(key, (0, 0.0))
            self._wrong[key] = (max(0, count - 1), last)

    @staticmethod
    def _keys(name: str, network: str, device: str) -> list[tuple[tuple[str, str], int]]:
        if device:
            return [((name, f"device {device}"), _FREE)]
        return [((name, f"network {network}"), _FREE), ((name, ""), _FREE_OF_ALL)]

    def _wait(self, key: tuple[str, str], free: int) -> float:
        count, last = self._wrong.get(key, (0, 0.0))
        now = self._time()
        if now - last > _FORGOTTEN:
            self._wrong.pop(key, None)
            return 0.0
        return 0.0 if count < free else last + min(_SLOWEST, 2.0 ** min(count - free + 2, 20)) - now

    def _time(self) -> float:
        return self._now().timestamp()


async def hash_password(password: str) -> str:
    """Argon2id, above what is asked of a sign-in. Raises Busy."""
    return await _apart(lambda: str(_hasher().hash(password)))


async def check_password(digest: str, password: str) -> bool:
    """Whether they belong together. Without a digest (nobody has that name) as slow as with one. Raises Busy."""
    return await _apart(lambda: _check(digest, password)) and bool(digest)


_waiting = 0


async def _apart(work: Callable[[], T]) -> T:
    """In threads of their own: hashing is slow on purpose, and files and pages must not wait behind guesses."""
    global _waiting  # noqa: PLW0603 # one pool, one count
    if _waiting >= _WAITING:
        raise Busy
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool(), work)
    finally:
        _waiting -= 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, "password")


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _dummy() -> str:
    return str(_hasher().hash(secrets.token_hex(16)))


def _check(digest: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return bool(_hasher().verify(digest or _dummy(), password))
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False

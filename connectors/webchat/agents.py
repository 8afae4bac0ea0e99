"""Agents: their sign-ins, how often somebody may guess, and what their browser holds."""

import asyncio
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bridge.contract import Account, Put
from connectors.webchat.seals import hashed
from connectors.webchat.settings import Settings
from connectors.webchat.text import clean_line
from connectors.webchat.web import Refusal

MIN_PASSWORD = 10
_HASHER = PasswordHasher()  # argon2id with 64 MiB: above what is asked of a sign-in
_DUMMY = _HASHER.hash(secrets.token_hex(16))
_IDLE = timedelta(hours=8)
_LONGEST = timedelta(days=7)
_FREE = 5  # wrong passwords before the first wait
_SLOWEST = 900.0


async def add_agent(account: Account, name: str, password: str) -> None:
    """Stores a sign-in, or a new password for it. Raises ValueError, which says what is wrong."""
    name = clean_line(name, 60)
    if not name:
        raise ValueError("the name is empty")
    if len(password) < MIN_PASSWORD:
        raise ValueError(f"the password needs at least {MIN_PASSWORD} characters")
    digest = await asyncio.to_thread(_HASHER.hash, password)
    await account.records.commit(Put("agent", name.casefold(), {"name": name, "hash": digest}))
    rows = await account.records.list("session", limit=10_000)
    stale = [Put("session", key, None) for key, row in rows if row["agent"] == name]
    if stale:
        await account.records.commit(*stale)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `key` is where its record is."""

    agent: str
    key: str


class Agents:
    """Who may sign in, and who did."""

    def __init__(self, config: Settings, account: Account) -> None:
        self._config = config
        self._account = account
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def names(self) -> list[str]:
        """Everybody who could sign in."""
        rows = await self._account.records.list("agent", limit=500)
        found = {row["name"].casefold(): row["name"] for _, row in rows}
        found |= {agent.name.casefold(): agent.name for agent in self._config.agents}
        return sorted(found.values(), key=str.casefold)

    async def sign_in(self, name: str, password: str) -> tuple[str, str]:
        """The agent's name and a token for their browser. Raises Refusal, alike for a wrong name and password."""
        name = clean_line(name, 60).casefold()
        self._throttle(name)
        shown, digest = await self._known(name)
        right = await asyncio.to_thread(_verify, digest or _DUMMY, password)
        if not right or not digest:
            count, _ = self._wrong.pop(name, (0, 0.0))
            self._wrong[name] = (count + 1, self._account.now().timestamp())
            if len(self._wrong) > 10_000:
                self._wrong.popitem(last=False)
            raise Refusal(401, "wrong_sign_in", "This name and password do not belong together.")
        self._wrong.pop(name, None)
        token = secrets.token_urlsafe(24)
        now = self._account.now().isoformat()
        await self._account.records.commit(
            Put("session", hashed(token), {"agent": shown, "since": now, "seen": now, "mark": hashed(digest)[:16]})
        )
        return shown, token

    def _throttle(self, name: str) -> None:
        count, last = self._wrong.get(name, (0, 0.0))
        if count < _FREE:
            return
        wait = last + min(_SLOWEST, 2.0 ** (count - _FREE + 2)) - self._account.now().timestamp()
        if wait > 0:
            raise Refusal(429, "rate_limited", "Too many wrong passwords. Please wait.", wait=wait)

    async def _known(self, name: str) -> tuple[str, str]:
        """Name as written and hash; the configuration goes before what was added by command."""
        for agent in self._config.agents:
            if hmac.compare_digest(agent.name.casefold().encode(), name.encode()):
                return agent.name, agent.hash.get_secret_value()
        row = await self._account.records.get("agent", name)
        return (row[0]["name"], row[0]["hash"]) if row is not None else ("", "")

    async def session(self, token: str) -> Session | None:
        """Who a browser is; None when nobody, too long idle, or their sign-in was changed or taken away."""
        if not 20 <= len(token) <= 100:
            return None
        found = await self._account.records.get("session", hashed(token))
        if found is None:
            return None
        row, now = found[0], self._account.now()
        _, digest = await self._known(row["agent"].casefold())
        since, seen = datetime.fromisoformat(row["since"]), datetime.fromisoformat(row["seen"])
        if now - seen > _IDLE or now - since > _LONGEST or not digest or hashed(digest)[:16] != row["mark"]:
            await self._account.records.commit(Put("session", hashed(token), None))
            return None
        if now - seen > timedelta(minutes=5):
            await self._account.records.commit(Put("session", hashed(token), {**row, "seen": now.isoformat()}))
        return Session(row["agent"], hashed(token))

    async def sign_out(self, session: Session) -> None:
        """The browser's token opens nothing any more."""
        await self._account.records.commit(Put("session", session.key, None))


def _verify(digest: str, password: str) -> bool:
    try:
        return _HASHER.verify(digest, password)
    except (VerificationError, InvalidHashError):
        return False

"""Agents: their sign-ins, how often somebody may guess, and what their browser holds."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.contract import Account, Busy, Guesses, Put, WrongValue, check_password, hash_password
from connectors.webchat.settings import Settings
from connectors.webchat.signatures import Signatures, hashed
from connectors.webchat.text import clean_line, clean_title
from connectors.webchat.web import Refusal

MIN_PASSWORD = 10
_IDLE = timedelta(hours=8)
_LONGEST = timedelta(days=7)
_SESSIONS = 20  # of one agent; the one that was used least recently ends


async def add_agent(account: Account, name: str, password: str) -> None:
    """Stores a sign-in, or a new password for it. Raises ValueError, which says what is wrong."""
    name = clean_title(name, 60)
    if not name:
        raise WrongValue("the name is empty", "姓名不能为空")
    if len(password) < MIN_PASSWORD:
        raise WrongValue(
            f"the password needs at least {MIN_PASSWORD} characters", f"密码至少需要 {MIN_PASSWORD} 个字符"
        )
    digest = await hash_password(password)
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


@dataclass(frozen=True, slots=True)
class Browser:
    """Whoever asks to be signed in. `device` is what an earlier sign-in left there."""

    network: str = ""
    device: str = ""
    says: str = ""  # its user agent


class Agents:
    """Who may sign in, and who did."""

    def __init__(self, config: Settings, account: Account) -> None:
        self._config = config
        self._account = account
        self._signatures = Signatures(account.secret)
        self._guesses = Guesses(account.now)

    async def names(self) -> list[str]:
        """Everybody who could sign in."""
        rows = await self._account.records.list("agent", limit=500)
        found = {row["name"].casefold(): row["name"] for _, row in rows}
        found |= {agent.name.casefold(): agent.name for agent in self._config.agents}
        return sorted(found.values(), key=str.casefold)

    async def remove(self, name: str) -> None:
        """Takes a sign-in away and ends its sessions. What they wrote stays. Raises ValueError."""
        key = clean_line(name, 60).casefold()
        if any(agent.name.casefold() == key for agent in self._config.agents):
            raise WrongValue(
                f"{name} stands in the configuration: remove it there, under agents",
                f"{name} 写在配置文件中，请在配置文件的 agents 下移除",
            )
        row = await self._account.records.get("agent", key)
        if row is None:
            known = ", ".join(await self.names()) or "nobody"
            raise WrongValue(f"there is no agent {name}; there are: {known}", f"没有名为 {name} 的客服；现有：{known}")
        shown = row[0]["name"]
        stale = [Put("session", session, None) for session, _ in await self._sessions(shown)]
        await self._account.records.commit(Put("agent", key, None), *stale)
        await self._account.audit("command line", "remove agent", shown)

    def knows(self, name: str, device: str) -> str:
        """The id of a device on which this name was signed in before; "" for any other."""
        return self._signatures.device(clean_line(name, 60).casefold(), device)

    async def sign_in(self, name: str, password: str, browser: Browser) -> tuple[str, str, str]:
        """The agent's name, a token for their browser, and what makes it known next time. Raises Refusal, alike for a
        wrong name and password.
        """
        name = clean_line(name, 60).casefold()
        device = self._signatures.device(name, browser.device)
        shown, digest = await self._known(name)
        if wait := self._guesses.take(name, browser.network, device):
            raise Refusal(429, "rate_limited", "Too many wrong passwords. Please wait.", wait=wait)
        try:
            right = await check_password(digest, password)
        except Busy:
            raise Refusal(503, "busy", "Too many sign-ins at once: please try again.", wait=2) from None
        if not right:
            raise Refusal(401, "wrong_sign_in", "This name and password do not belong together.")
        self._guesses.right(name, browser.network, device)
        token = secrets.token_urlsafe(24)
        now = self._account.now().isoformat()
        row = {"agent": shown, "since": now, "seen": now, "mark": hashed(digest)[:16]}
        row |= {"network": browser.network, "browser": clean_line(browser.says, 120)}
        ended = (await self._sessions(shown))[_SESSIONS - 1 :]
        await self._account.records.commit(
            Put("session", hashed(token), row), *(Put("session", key, None) for key, _ in ended)
        )
        await self._account.audit(shown, "sign in", browser.network)
        return shown, token, self._signatures.new_device(name, device)

    async def _sessions(self, agent: str) -> list[tuple[str, dict[str, Any]]]:
        """All of an agent's, the one last used first."""
        rows = await self._account.records.list("session", limit=10_000)
        return sorted(
            (pair for pair in rows if pair[1]["agent"] == agent), key=lambda pair: pair[1]["seen"], reverse=True
        )

    async def sessions(self, session: Session) -> list[dict[str, Any]]:
        """Where the agent is signed in: id, since, last use, network, browser; `this` for the one that asks."""
        return [
            {"id": key[:16], "this": key == session.key, "since": row["since"], "seen": row["seen"],
             "network": row.get("network", ""), "browser": row.get("browser", "")}
            for key, row in await self._sessions(session.agent)
        ]  # fmt: skip

    async def end(self, session: Session, which: str) -> int:
        """Ends one of the agent's sessions by its id, or with "others" all but this one; returns how many."""
        keys = [
            key
            for key, _ in await self._sessions(session.agent)
            if (key != session.key if which == "others" else key[:16] == which)
        ]
        if keys:
            await self._account.records.commit(*(Put("session", key, None) for key in keys))
            await self._account.audit(session.agent, "end sessions", str(len(keys)))
        return len(keys)

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
        await self._account.audit(session.agent, "sign out", "")

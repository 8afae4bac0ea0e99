"""Who may sign in to the console, and what their browsers hold."""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.contract import Busy, Guesses, StoreDown, WrongValue, check_password, hash_password
from bridge.services.faults import store_down
from mappings import console, state
from mappings.store import Store, Tx

MIN_PASSWORD = 10
ROLES = ("viewer", "operator", "admin")  # each may do what those before it may
IDLE = timedelta(hours=8)
LONGEST = timedelta(days=7)
_SEEN_AGAIN = timedelta(minutes=5)
_SESSIONS = 20  # of one user
_LONGEST_NAME = 60
_PATIENCE = 5.0  # seconds for a transaction


class Refusal(Exception):
    """A sign-in that is refused: a status, a text of the catalogue, and the seconds to wait first."""

    def __init__(self, status: int, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.status, self.text, self.wait = status, text, wait


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `name` is compared, `shown` is read; `csrf` is what its forms must carry."""

    key: str
    name: str
    shown: str
    role: str
    language: str
    theme: str
    csrf: str

    def may(self, role: str) -> bool:
        """Whether this one may do what a role may."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True, slots=True)
class Browser:
    """Whoever asks to be signed in. `device` is what an earlier sign-in left there."""

    network: str = ""
    device: str = ""
    says: str = ""  # its user agent


def clean_name(name: str) -> str:
    """A name as it is shown: on one line, without what cannot be seen."""
    return " ".join("".join(one for one in name if one.isprintable()).split())[:_LONGEST_NAME]


_BROWSERS = ("Edg", "OPR", "Firefox", "MicroMessenger", "Chrome", "Safari", "curl")
_SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")


def browser_of(agent: str) -> str:
    """What a browser says of itself, short enough to know it again: "Firefox, Linux"."""
    found = [next((one for one in names if one in agent), "") for names in (_BROWSERS, _SYSTEMS)]
    names = ", ".join(filter(None, found)).replace("Edg", "Edge").replace("OPR", "Opera")
    return names or clean_name(agent)


async def new_digest(name: str, password: str, role: str) -> str:
    """The password's hash. Raises WrongValue, which says what is wrong with a sign-in."""
    if not clean_name(name):
        raise WrongValue("the name is empty", "用户名为空")
    if role not in ROLES:
        known = ", ".join(reversed(ROLES))
        raise WrongValue(f"{role!r} is no role: use {known}", f"角色 {role!r} 不存在，可选：{known}")
    if len(password) < MIN_PASSWORD:
        raise WrongValue(
            f"the password needs at least {MIN_PASSWORD} characters", f"密码至少需要 {MIN_PASSWORD} 个字符"
        )
    return await hash_password(password)


def set_user(tx: Tx, name: str, role: str, digest: str, by: str, now: datetime) -> bool:
    """A sign-in, or a new password for one. True when it is new."""
    shown = clean_name(name)
    new = console.set_user(tx, shown.casefold(), shown, role, digest, now)
    state.add_audit(tx, by, "add user" if new else "change user", f"{shown}: {role}", now)
    return new


class Users:
    """Sign-ins of one process: guesses are counted here."""

    def __init__(self, store: Store, secret: bytes, now: Any) -> None:
        self._store, self._secret, self._now = store, secret, now
        self._guesses = Guesses(now)

    async def sign_in(self, name: str, password: str, browser: Browser, old: str = "") -> tuple[str, str]:
        """A token for the browser, and what makes it known next time. The session that it had before ends.

        Raises Refusal, alike for a wrong name and a wrong password; StoreDown.
        """
        name = clean_name(name).casefold()
        device = self._device_of(name, browser.device)
        user = await self._store.read(console.get_user, name)
        at_all = "", f"all names at {browser.network}", ""  # somebody who tries name after name
        wait = self._guesses.take(name, browser.network, device)
        if not wait and not device:
            wait = self._guesses.take(*at_all)
        if wait:
            raise Refusal(429, "sign.wait", wait)
        try:
            right = await check_password(user.hash if user is not None else "", password)
        except Busy:
            raise Refusal(503, "sign.busy", 2.0) from None
        if not right or user is None:
            raise Refusal(401, "sign.wrong")
        self._guesses.right(name, browser.network, device)
        if not device:
            self._guesses.right(*at_all)
        token, now = secrets.token_urlsafe(32), self._now()
        row = {
            "key": hashed(token), "name": name, "since": now, "seen": now, "network": browser.network,
            "browser": browser_of(browser.says), "mark": hashed(user.hash)[:16],
        }  # fmt: skip
        await self._write(_begin, row, user.shown, hashed(old) if old else "", now)
        return token, self._new_device(name, device)

    async def session(self, token: str, *, used: bool = True) -> Session | None:
        """Who a browser is; None when nobody, idle for too long, or their sign-in was changed or taken away.

        `used`: somebody is there; a page that follows by itself keeps no session alive.
        """
        if not 20 <= len(token) <= 100:
            return None
        key, now = hashed(token), self._now()
        row = await self._store.read(console.session_and_user, key)
        if row is None or now - row.seen > IDLE or now - row.since > LONGEST or hashed(row.hash)[:16] != row.mark:
            return None
        if used and now - row.seen > _SEEN_AGAIN:
            # nobody waits: a database that cannot be written can still be read
            self._store.write(console.touch_session, key, now).add_done_callback(_seen)
        csrf = hmac.digest(self._secret, f"csrf:{key}".encode(), hashlib.sha256).hex()[:40]
        return Session(key, row.name, row.shown, row.role, row.language, row.theme, csrf)

    async def sign_out(self, session: Session) -> None:
        """The session ends here, not only in the browser."""
        await self._write(_end, [session.key], session.shown, "sign out", self._now())

    async def _write(self, function: Any, *arguments: Any) -> Any:
        try:
            return await asyncio.wait_for(self._store.write(function, *arguments), _PATIENCE)
        except Exception as error:
            down = StoreDown("the database takes no writes") if isinstance(error, TimeoutError) else store_down(error)
            if down is None:
                raise
            raise down from None

    def _device_of(self, name: str, given: str) -> str:
        body, _, mark = given.partition(".")
        return body if hmac.compare_digest(mark.encode("utf-8", "replace"), self._mark(body, name).encode()) else ""

    def _new_device(self, name: str, known: str) -> str:
        body = known or secrets.token_hex(8)
        return f"{body}.{self._mark(body, name)}"

    def _mark(self, body: str, name: str) -> str:
        return hmac.digest(self._secret, f"device:{body}:{name}".encode(), hashlib.sha256).hex()[:32]


def _begin(tx: Tx, row: dict[str, Any], shown: str, old: str, now: datetime) -> None:
    if old:
        console.end_sessions(tx, [old])
    console.forget_sessions(tx, now - IDLE, now - LONGEST)
    console.add_session(tx, row, _SESSIONS)
    state.add_audit(tx, f"console: {shown}", "sign in", row["network"], now)


def _end(tx: Tx, keys: list[str], shown: str, what: str, now: datetime) -> int:
    count = console.end_sessions(tx, keys)
    state.add_audit(tx, f"console: {shown}", what, str(count), now)
    return count


def _seen(written: asyncio.Future[None]) -> None:
    """Whether it was written is nobody's news."""
    if not written.cancelled():
        written.exception()


def hashed(token: str) -> str:
    """How a token is stored: what leaks from the database opens nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

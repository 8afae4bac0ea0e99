"""What the simulated platform remembers: mailboxes, sessions, allowances, files, welcome codes.

Sources: https://developer.work.weixin.qq.com/document/path/94669 (states), …/94670 (fetching), …/94677 (sending).
"""

import random
import secrets
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Clock = Callable[[], datetime]
NEW, ASSISTANT, POOL, SERVICER, ENDED = range(5)
_MOVES = {NEW: {ASSISTANT, POOL, SERVICER}, ASSISTANT: {POOL, SERVICER}, POOL: {SERVICER}, SERVICER: {SERVICER, ENDED}}
_KEPT = timedelta(days=3)
_UNASKED = 20  # calls of sync_msg within a minute without a bell's token; the platform's own number is not published
_FILE_BYTES = {"image": 10 * 2**20, "voice": 2 * 2**20, "video": 10 * 2**20, "file": 20 * 2**20}


class Refused(Exception):
    """An errcode to answer with."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Bubble:
    """One line of a chat as the phone shows it."""

    who: Literal["customer", "service", "servicer"]
    kind: str
    text: str = ""
    data: bytes = b""
    body: dict[str, Any] = field(default_factory=dict)
    msgid: str = ""


@dataclass(slots=True)
class Session:
    """One customer at one account."""

    state: int = ENDED
    servicer: str = ""
    left: int = 0
    until: datetime | None = None

    def spoke(self, now: datetime) -> None:
        if self.state == ENDED:
            self.state, self.servicer = NEW, ""
        self.left, self.until = 5, now + timedelta(hours=48)

    def spend(self, now: datetime) -> None:
        """Only a new session or the assistant's may be written to, five times within 48 hours."""
        if self.state not in {NEW, ASSISTANT}:
            raise Refused(95018, "send msg session status invalid")
        if self.until is None or now > self.until:
            raise Refused(95002, "send msg time limit")
        if self.left <= 0:
            raise Refused(95001, "send msg count limit")
        self.left -= 1

    def move(self, state: int, servicer: str) -> None:
        if state not in _MOVES.get(self.state, set()):
            raise Refused(95016, "not allow to change service state")
        if state == SERVICER and not servicer:
            raise Refused(40058, "invalid parameter: servicer_userid")
        self.state, self.servicer = state, servicer if state == SERVICER else ""


@dataclass(slots=True)
class Welcome:
    """A code that opens one message within 20 seconds."""

    user: str
    until: datetime
    used: bool = False


@dataclass(frozen=True, slots=True)
class StoredMedia:
    kind: str
    data: bytes
    mime: str
    until: datetime


class Files:
    """Temporary files: three days, by type."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._files: dict[str, StoredMedia] = {}

    def put(self, kind: str, data: bytes, mime: str, *, checked: bool = True) -> str:
        if checked:
            if kind not in _FILE_BYTES:
                raise Refused(40004, "invalid media type")
            if len(data) <= 5:
                raise Refused(40006, "invalid media size")
            if len(data) > _FILE_BYTES[kind]:
                raise Refused(45001, "media size out of limit")
            if kind == "image" and data[:3] != b"\xff\xd8\xff" and data[:8] != b"\x89PNG\r\n\x1a\n":
                raise Refused(40005, "invalid file type")
        media_id = "3" + secrets.token_urlsafe(40)
        self._files[media_id] = StoredMedia(kind, data, mime, self._clock() + _KEPT)
        return media_id

    def get(self, media_id: Any, kind: str = "") -> StoredMedia:
        found = self._files.get(media_id) if isinstance(media_id, str) else None
        if found is None or self._clock() > found.until:
            raise Refused(40007, "invalid media_id")
        if kind and found.kind != kind:
            raise Refused(40004, "invalid media type")
        return found


class Mailbox:
    """What can be fetched of one account: a position is opaque, and dies when `forget` is called."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.items: list[tuple[datetime, dict[str, Any]]] = []
        self._positions: dict[str, int] = {}
        self._bells: dict[str, datetime] = {}
        self._unasked: deque[datetime] = deque()
        self.empty_pages = 0  # how many pages come without an item, though there are more

    def add(self, item: dict[str, Any]) -> None:
        self.items.append((self._clock(), item))

    def ring(self) -> str:
        token = "ENC" + secrets.token_urlsafe(24)
        self._bells[token] = self._clock() + timedelta(minutes=10)
        return token

    def forget(self) -> None:
        """All positions that were handed out are worthless from now on."""
        self._positions.clear()

    def page(self, cursor: str, token: str, limit: int) -> dict[str, Any]:
        now = self._clock()
        self._check_token(token, now)
        if cursor and cursor not in self._positions:
            raise Refused(40058, "invalid Request Parameter: cursor")
        start = self._positions.get(cursor, 0)
        if self.empty_pages > 0:
            self.empty_pages -= 1
            return self._answer([], start, more=True)
        alive = [(at, item) for at, item in self.items[start:] if now - at <= _KEPT]
        skipped = len(self.items) - start - len(alive)
        taken = [item for _, item in alive[:limit]]
        return self._answer(taken, start + skipped + len(taken), more=len(alive) > len(taken))

    def _answer(self, items: list[dict[str, Any]], position: int, *, more: bool) -> dict[str, Any]:
        cursor = f"4gw7{random.getrandbits(60):x}"  # a simulator's dice
        self._positions[cursor] = position
        return {"errcode": 0, "errmsg": "ok", "next_cursor": cursor, "has_more": int(more), "msg_list": items}

    def _check_token(self, token: str, now: datetime) -> None:
        if token:
            if self._bells.get(token, now) <= now:
                raise Refused(95007, "invalid msg token")
            return
        while self._unasked and now - self._unasked[0] > timedelta(minutes=1):
            self._unasked.popleft()
        if len(self._unasked) >= _UNASKED:
            raise Refused(45009, "api freq out of limit")
        self._unasked.append(now)


class Books:
    """Everything of one company."""

    def __init__(self, clock: Clock, accounts: tuple[str, ...]) -> None:
        self.accounts = accounts
        self.boxes = {account: Mailbox(clock) for account in accounts}
        self.sessions: dict[tuple[str, str], Session] = defaultdict(Session)
        self.phones: dict[str, list[Bubble]] = defaultdict(list)
        self.people: dict[str, dict[str, Any]] = {}
        self.sent: set[tuple[str, str]] = set()
        self.welcomes: dict[str, Welcome] = {}
        self.files = Files(clock)

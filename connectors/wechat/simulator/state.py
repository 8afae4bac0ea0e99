"""What the simulated platform remembers: tokens, files, what each phone shows and how many replies are left."""

import random
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Clock = Callable[[], datetime]


class Refused(Exception):
    """An errcode to answer with."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Bubble:
    """One line of a chat as the phone shows it. `who` "platform" is a grey line or a service notification."""

    who: Literal["customer", "service", "platform"]
    kind: str
    text: str = ""
    data: bytes = b""
    body: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(slots=True)
class Allowance:
    """Replies left and until when. Each action of the customer raises both to the larger value; nothing adds up."""

    left: int = 0
    until: datetime | None = None
    last_exchange: datetime | None = None
    typing_until: datetime | None = None

    def grant(self, now: datetime, count: int, lasts: timedelta) -> None:
        left = self.left if self.until is not None and now <= self.until else 0
        self.left = max(left, count)
        end = now + lasts
        self.until = end if self.until is None else max(self.until, end)
        self.last_exchange = now

    def spend(self, now: datetime) -> None:
        if self.until is None or now > self.until:
            raise Refused(45015, "response out of time limit or subscription is canceled")
        if self.left <= 0:
            raise Refused(45047, "out of response count limit")
        self.left -= 1
        self.last_exchange = now
        self.typing_until = None

    def type(self, now: datetime, command: str) -> None:
        """https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/customer-message/typing.html"""
        if command not in {"Typing", "CancelTyping"}:
            raise Refused(45072, "invalid command")
        if self.until is None or now > self.until or self.last_exchange is None:
            raise Refused(45080, "not allow to send typing, no message in 30s")
        if now - self.last_exchange > timedelta(seconds=30):
            raise Refused(45080, "not allow to send typing, no message in 30s")
        if command == "CancelTyping":
            self.typing_until = None
            return
        if self.typing_until is not None and now < self.typing_until:
            raise Refused(45081, "already typing, do not type again")
        self.typing_until = now + timedelta(seconds=15)


def _new_token() -> str:
    return f"{random.randint(10, 99)}_" + "".join(random.choices(string.ascii_letters + string.digits + "-_", k=120))  # noqa: S311 # a simulator's dice


class TokenOffice:
    """Both families of tokens, isolated from each other."""

    def __init__(self, clock: Clock, lasts: int = 7200) -> None:
        self._clock = clock
        self.lasts = lasts
        self._ends: dict[str, datetime] = {}  # every token that was ever made
        self._dead: set[str] = set()
        self._classic = ""
        self._stable = ""
        self._stubborn = False
        self._forced: list[datetime] = []
        self.issued = 0
        self.asked = 0

    def _issue(self) -> str:
        value = _new_token()
        self._ends[value] = self._clock() + timedelta(seconds=self.lasts)
        self.issued += 1
        return value

    def _left(self, value: str) -> int:
        return int((self._ends[value] - self._clock()).total_seconds())

    def classic(self) -> tuple[str, int]:
        """A new one each time; the one before it lives five minutes more."""
        if self._classic and self._classic not in self._dead:
            soon = self._clock() + timedelta(minutes=5)
            self._ends[self._classic] = min(self._ends[self._classic], soon)
        self._classic = self._issue()
        return self._classic, self.lasts

    def stable(self, *, force: bool) -> tuple[str, int]:
        """The same one until five minutes before its end; by force a new one, and the old is dead at once."""
        self.asked += 1
        now = self._clock()
        usable = self._stable not in {"", *self._dead} and self._left(self._stable) > min(300, self.lasts // 2)
        if force:
            self._stubborn = False
            self._forced = [at for at in self._forced if now - at < timedelta(days=1)]
            if len(self._forced) >= 20:
                raise Refused(45009, "reach max api daily quota limit")
            if not self._forced or now - self._forced[-1] >= timedelta(seconds=30):
                self._forced.append(now)
                self._dead.add(self._stable)
                self._stable = self._issue()
        elif not usable and not self._stubborn:
            self._stable = self._issue()
        return self._stable, self._left(self._stable)

    def check(self, value: str) -> None:
        if not value:
            raise Refused(41001, "access_token missing")
        if value not in self._ends:
            malformed = len(value) < 20 or not set(value) <= set(string.ascii_letters + string.digits + "-_")
            if malformed:
                raise Refused(40014, "invalid access_token")
            raise Refused(40001, "invalid credential, access_token is invalid or not latest")
        if value in self._dead:
            raise Refused(40001, "invalid credential, access_token is invalid or not latest")
        if self._clock() >= self._ends[value]:
            raise Refused(42001, "access_token expired")

    def expire(self) -> None:
        """All tokens are over now (42001); the next request for one makes a new one."""
        for value in self._ends:
            self._ends[value] = min(self._ends[value], self._clock())

    def supersede(self, *, stubborn: bool = False) -> None:
        """All tokens are refused (40001). `stubborn`: yet the stable endpoint gives the same one out until forced."""
        self._dead |= set(self._ends)
        self._stubborn = stubborn


@dataclass(frozen=True, slots=True)
class StoredMedia:
    kind: str
    data: bytes
    mime: str
    at: datetime


_MAGIC = {
    "image": (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"),
    "thumb": (b"\xff\xd8\xff",),
    "voice": (b"#!AMR", b"ID3", b"\xff\xfb", b"\xff\xf3"),
    "video": (b"....ftyp",),
}
_SIZES = {"image": 2 * 2**20, "voice": 2 * 2**20, "video": 10 * 2**20, "thumb": 64 * 2**10}


class Files:
    """Temporary media: three days."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stored: dict[str, StoredMedia] = {}

    def put(self, kind: str, data: bytes, mime: str, *, checked: bool = True) -> str:
        if checked:
            self._check(kind, data)
        media_id = secrets.token_urlsafe(48)
        self._stored[media_id] = StoredMedia(kind, data, mime, self._clock())
        return media_id

    def get(self, media_id: str) -> StoredMedia:
        stored = self._stored.get(media_id)
        if stored is None or self._clock() - stored.at >= timedelta(days=3):
            raise Refused(40007, "invalid media_id")
        return stored

    def forget(self, media_id: str) -> None:
        self._stored.pop(media_id, None)

    def forget_all(self) -> None:
        self._stored.clear()

    def __len__(self) -> int:
        return len(self._stored)

    @staticmethod
    def _check(kind: str, data: bytes) -> None:
        if kind not in _SIZES:
            raise Refused(40004, "invalid media type")
        if not data:
            raise Refused(44001, "empty media data")
        if len(data) > _SIZES[kind]:
            raise Refused(40006 if kind != "image" else 45001, "media size out of limit")
        known = any(data.startswith(magic) for magic in _MAGIC[kind])
        if kind == "video":
            known = data[4:8] == b"ftyp"
        if not known:
            raise Refused(40005, "invalid file type")

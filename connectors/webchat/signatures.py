"""What this account signs: short-lived visitor keys and links to files. Nothing here is stored."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

ACCESS = timedelta(minutes=15)
_LINK = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Signatures:
    """Signs with the account's own key. Purposes are kept apart, so that one seal never passes for another."""

    secret: bytes

    def access(self, visitor: str, now: datetime, turn: int = 0) -> str:
        """What a visitor's browser shows with every request, for a quarter of an hour and while the turn is theirs."""
        body = _pack(json.dumps([visitor, int((now + ACCESS).timestamp()), turn]).encode())
        return f"{body}.{self._mark('access', body)}"

    def visitor(self, access: str, now: datetime) -> tuple[str, int]:
        """Whose key it is, and of which turn; "" when it is forged or over."""
        body, _, mark = access.partition(".")
        if not hmac.compare_digest(mark.encode(), self._mark("access", body).encode()):
            return "", 0
        visitor, until, *turn = json.loads(_unpack(body))
        return (str(visitor) if until > now.timestamp() else ""), turn[0] if turn else 0

    def new_device(self, name: str, known: str = "") -> str:
        """What a browser keeps to be known as one that this name was signed in on."""
        body = known or secrets.token_hex(8)
        return f"{body}.{self._mark('device', f'{body}:{name}')}"

    def device(self, name: str, given: str) -> str:
        """The device's id, if it is one of this name; else ""."""
        body, _, mark = given.partition(".")
        right = hmac.compare_digest(mark.encode("utf-8", "replace"), self._mark("device", f"{body}:{name}").encode())
        return body if right else ""

    def file(self, file: str, now: datetime) -> str:
        """The query of a link to a file. It changes once a day, so that browsers can cache."""
        day = int(_LINK.total_seconds())
        until = int(now.timestamp()) // day * day + 2 * day
        return f"e={until}&s={self._mark('file', f'{file}.{until}')}"

    def opens(self, file: str, until: str, mark: str, now: datetime) -> bool:
        """Whether a link's query fits its file and is not over."""
        if not until.isascii() or not until.isdigit() or len(until) > 12:
            return False
        right = hmac.compare_digest(mark.encode(), self._mark("file", f"{file}.{until}").encode())
        return right and int(until) > now.timestamp()

    def _mark(self, purpose: str, body: str) -> str:
        return _pack(hmac.digest(self.secret, f"{purpose}:{body}".encode(), hashlib.sha256)[:18])


def hashed(token: str) -> str:
    """How a token is stored: what leaks from the database opens nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _pack(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

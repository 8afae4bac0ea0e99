"""What this account signs: short-lived visitor keys and links to files. Nothing here is stored."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

ACCESS = timedelta(minutes=15)
_LINK = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Seals:
    """Signs with the account's own key. Purposes are kept apart, so that one seal never passes for another."""

    secret: bytes

    def access(self, visitor: str, now: datetime) -> str:
        """What a visitor's browser shows with every request, for a quarter of an hour."""
        body = _pack(json.dumps([visitor, int((now + ACCESS).timestamp())]).encode())
        return f"{body}.{self._mark('access', body)}"

    def visitor(self, access: str, now: datetime) -> str:
        """Whose key it is; "" when it is forged or over."""
        body, _, mark = access.partition(".")
        if not hmac.compare_digest(mark.encode(), self._mark("access", body).encode()):
            return ""
        visitor, until = json.loads(_unpack(body))
        return str(visitor) if until > now.timestamp() else ""

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
    return hashlib.sha256(token.encode()).hexdigest()


def _pack(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

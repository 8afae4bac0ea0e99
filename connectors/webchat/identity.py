"""Who the embedding site says a visitor is: a signed JWT, or the older HMAC of the user's id."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.webchat.text import clean_line, clean_title

_LEEWAY = 60  # seconds by which clocks may differ
_DAY = 86400  # seconds a hash of a user's id may be good for
_LONGEST = 3600  # seconds a token may live: it is renewed by the page, never kept


class Unproven(Exception):
    """The claim does not hold. Nobody is told which check failed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as the site knows them. `email` only when the site says that it verified it."""

    id: str
    name: str = ""
    email: str = ""
    phone: str = ""


def prove(claim: Any, secret: str, account: str, now: datetime, *, endless: bool = False) -> Identity:
    """The person behind `{"jwt": …}` or `{"user_id": …, "expires": …, "user_hash": …}`. Raises Unproven.

    The JWT is HS256 with `sub` and `exp` (at most an hour ahead), `aud` the account where it is given. `expires` is in
    Unix seconds, at most a day ahead; the hash is over `user_id:expires`. With `endless` a hash of the id alone counts.
    """
    if not secret or not isinstance(claim, dict):
        raise Unproven
    if "jwt" in claim:
        return _from_jwt(str(claim["jwt"]), secret.encode(), account, now.timestamp())
    user, mark = claim.get("user_id"), claim.get("user_hash")
    if not isinstance(user, str) or not isinstance(mark, str) or not 0 < len(user) <= 200:
        raise Unproven
    until = claim.get("expires")
    if isinstance(until, int) and not isinstance(until, bool):
        if not now.timestamp() - _LEEWAY < until <= now.timestamp() + _DAY + _LEEWAY:
            raise Unproven
        signed = f"{user}:{until}"
    elif until is None and endless:
        signed = user
    else:
        raise Unproven
    right = hmac.new(secret.encode(), signed.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right.encode(), mark.lower().encode("utf-8", "replace")):
        raise Unproven
    return Identity(user)


def _from_jwt(token: str, secret: bytes, account: str, now: float) -> Identity:
    signed, _, mark = token.rpartition(".")
    head, _, body = signed.partition(".")
    right = hmac.digest(secret, signed.encode("utf-8", "replace"), hashlib.sha256)
    if not hmac.compare_digest(_decode(mark), right):
        raise Unproven
    header, claims = _read(head), _read(body)
    subject, ends = claims.get("sub"), claims.get("exp")
    audience = claims.get("aud", account)
    # the algorithm is ours to choose, not the token's: anything else is refused even when the signature fits
    if header.get("alg") != "HS256" or not isinstance(ends, int | float) or isinstance(ends, bool):
        raise Unproven
    if not now - _LEEWAY < ends <= now + _LONGEST + _LEEWAY or _starts(claims) > now + _LEEWAY:
        raise Unproven
    if account not in (audience if isinstance(audience, list) else [audience]):
        raise Unproven
    if isinstance(subject, int) and not isinstance(subject, bool):
        subject = str(subject)
    if not isinstance(subject, str) or not 0 < len(subject) <= 200:
        raise Unproven
    verified = claims.get("email_verified") is True
    return Identity(
        subject,
        name=clean_title(claims.get("name"), 60),
        email=clean_line(claims.get("email"), 200) if verified else "",
        phone=clean_line(claims.get("phone"), 40),
    )


def _starts(claims: dict[str, Any]) -> int | float:
    value = claims.get("nbf", 0)
    # compared as it is: a whole number may be larger than any float
    return value if isinstance(value, int | float) else float("inf")


def _read(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_decode(part))
    except (ValueError, RecursionError):
        raise Unproven from None
    if not isinstance(value, dict):
        raise Unproven
    return value


def _decode(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
    except (ValueError, binascii.Error):
        raise Unproven from None

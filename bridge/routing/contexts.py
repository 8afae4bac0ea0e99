"""Contexts that the shop's own server signed: `v1.<base64url(json)>.<base64url(first 16 bytes of HMAC-SHA256)>`.

The JSON is an object: `e` entry, `c` customer id, `t` tier, `o` order, `p` page, `x` expiry in seconds since 1970, `u`
(first 8 bytes of the SHA-256 of the customer's id at the channel, hex or base64url) binds it to one customer.
"""

import base64
import hashlib
import hmac
import json
from binascii import Error
from collections.abc import Mapping
from datetime import datetime
from typing import Any

PREFIX = "v1."
_LONGEST = 2000
_MAC = 16  # bytes of the signature that are sent


class Unproven(Exception):
    """A context that must not be believed; says why, without what it holds."""


def sign(claims: Mapping[str, Any], key: str) -> str:
    """A signed context. `key` is used as its UTF-8 bytes."""
    text = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    return f"{PREFIX}{_encoded(text)}.{_encoded(_mac(text, key))}"


def verify(text: str, key: str, person: str, now: datetime) -> dict[str, str]:
    """The claims of a signed context, for the customer who brings it. Raises Unproven."""
    body, _, given = text.removeprefix(PREFIX).partition(".")
    try:
        if len(text) > _LONGEST:
            raise Unproven("too long")
        payload, mac = _decoded(body), _decoded(given)
        if not hmac.compare_digest(mac, _mac(payload, key)):
            raise Unproven("the signature does not fit")
        found = json.loads(payload)
        claims = {str(name): str(value) for name, value in found.items() if isinstance(value, str | int)}
        ends = float(claims["x"])
    except (Error, ValueError, AttributeError, RecursionError):
        raise Unproven("it cannot be read") from None
    except KeyError:
        raise Unproven("it never ends: `x` is missing") from None
    if not now.timestamp() < ends:
        raise Unproven("it has expired")
    if "u" in claims and claims["u"] not in _bound(person):
        raise Unproven("it was made for another customer")
    return claims


def _bound(person: str) -> set[str]:
    digest = hashlib.sha256(person.encode()).digest()[:8]
    return {digest.hex(), _encoded(digest), hashlib.sha256(person.encode()).hexdigest()[:8]}


def _mac(payload: bytes, key: str) -> bytes:
    return hmac.new(key.encode(), payload, hashlib.sha256).digest()[:_MAC]


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

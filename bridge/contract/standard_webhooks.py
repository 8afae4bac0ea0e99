"""Signatures of Standard Webhooks: `v1,` and base64 of HMAC-SHA256 over "id.timestamp.body". Pure.

Source: standardwebhooks.com, the specification 1.0: headers `webhook-id`, `webhook-timestamp`, `webhook-signature`
(several, parted by spaces, while a secret is changed), secrets as `whsec_` and base64, five minutes of tolerance.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from bridge.contract.errors import Unauthentic
from bridge.contract.words import WrongValue

TOLERANCE = timedelta(minutes=5)
_PREFIX = "whsec_"


def webhook_key(secret: str) -> bytes:
    """The bytes of a secret. Raises ValueError for one that is none."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise WrongValue(
            "must be `whsec_` and base64; make one with: openssl rand -base64 32",
            "必须以 `whsec_` 开头，后接 base64；可用 openssl rand -base64 32 生成",
        ) from None
    if len(key) < 16:
        raise WrongValue("is too short: at least 16 bytes, better 32", "长度不足：至少 16 字节，建议 32 字节")
    return key


def sign_webhook(key: bytes, identifier: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a message."""
    moment = str(int(at.timestamp()))
    return {
        "webhook-id": identifier,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{_signature(key, identifier, moment, body)}",
    }


def verify_webhook(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of an authentic message. Raises Unauthentic."""
    identifier, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not identifier or not moment.isascii() or not moment.isdecimal() or len(moment) > 12 or not given:
        raise Unauthentic("the headers webhook-id, webhook-timestamp and webhook-signature are needed")
    expected = _signature(key, identifier, moment, body).encode()
    fits = False
    for one in given.split(" "):
        version, _, signature = one.partition(",")
        fits |= version == "v1" and hmac.compare_digest(signature.encode(), expected)
    if not fits:
        raise Unauthentic("the signature does not fit: is the secret the same on both sides?")
    if abs(now.timestamp() - int(moment)) > TOLERANCE.total_seconds():
        raise Unauthentic("the timestamp is more than five minutes off: is the clock right?")
    return identifier


def _signature(key: bytes, identifier: str, moment: str, body: bytes) -> str:
    signed = f"{identifier}.{moment}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()

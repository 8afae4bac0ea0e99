"""Whether a callback is the platform's, and by which key a repeat of it is known."""

import hashlib
import re
from datetime import datetime
from typing import NoReturn

from bridge.contract import CallbackResult, Cause, Malformed, Raw, Reply, Request
from connectors.tencent.crypto import OtherApp, Vault, matches
from connectors.tencent.payloads import Fields, parse, scalar
from connectors.wechat.refusals import forged
from connectors.wechat.settings import Settings

_WINDOW = 15 * 60  # seconds; its repeats span seconds, the key is the real protection against replays
_ECHO = re.compile(r"[A-Za-z0-9_\-+/=.]{1,128}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_STAMP = 12  # digits
_CLEAR = ("", "raw")

# What else tells two events of one person in one second apart, where the platform sends it.
_EVENT_IDS = ("MsgID", "MsgId", "trace_id", "EventKey", "KfAccount", "ToKfAccount", "order_id")

SUCCESS = Reply(200, "success", headers={"x-content-type-options": "nosniff"})


def unreadable() -> NoReturn:
    """Says so in one voice, whatever was wrong. Raises Malformed."""
    raise Malformed("the callback cannot be read")


def check_url(request: Request, settings: Settings) -> CallbackResult:
    """Answers the GET that the console sends on saving.

    `echostr` comes back only after a good signature and only when it is harmless as text: it is not signed itself.
    """
    _check_query(request)
    echo = request.one("echostr")
    if not request.query:
        forged(Cause.VISIT)
    _expect_signed(request, settings)
    if _ECHO.fullmatch(echo) is None:
        forged(Cause.UNREADABLE)
    return CallbackResult(reply=Reply(200, echo, headers={"x-content-type-options": "nosniff"}))


def check_push(request: Request, settings: Settings, vault: Vault | None) -> CallbackResult:
    """Authenticates a pushed message or event; its own payload (decrypted) is what is kept."""
    _check_query(request)
    payload = request.body if settings.mode == "plain" else _opened(request, settings, vault)
    if settings.mode == "plain":
        if request.one("encrypt_type") not in _CLEAR:
            forged(Cause.MODE)
        _expect_signed(request, settings)
        try:
            fields = parse(payload)
        except ValueError:
            # The signature does not cover the body in this mode, so a broken body proves nothing: it is not kept.
            unreadable()
        if "Encrypt" in fields and "MsgType" not in fields:
            forged(Cause.MODE)
        return _result(key_of(fields, payload), payload, request.at)
    try:
        key = key_of(parse(payload), payload)
    except ValueError:
        key = _hash_key(payload)  # authentic: kept, and put into quarantine by `normalise`
    return _result(key, payload, request.at)


def _result(key: str, payload: bytes, at: datetime) -> CallbackResult:
    return CallbackResult(reply=SUCCESS, raws=(Raw(key, payload, at),))


def _opened(request: Request, settings: Settings, vault: Vault | None) -> bytes:
    """The decrypted payload. Clear fields beside it (compatible mode) are signed by nothing and never looked at."""
    given = request.one("msg_signature")
    allowed = ("aes",) if settings.mode == "secure" else ("aes", "")
    if vault is None:
        forged(Cause.KEY)
    if not given or request.one("encrypt_type") not in allowed:
        # the signature of the clear text proves nothing of the body, but that the platform is set to another mode
        forged(Cause.MODE if _signed(request, settings) else Cause.SIGNATURE if request.query else Cause.UNSIGNED)
    try:
        encrypted = parse(request.body).get("Encrypt")
    except ValueError:
        unreadable()
    if not isinstance(encrypted, str):
        forged(Cause.MODE if _signed(request, settings) else Cause.SIGNATURE)
    token = settings.token.get_secret_value()
    # The signature first: without it nobody can ask what a packet decrypts to.
    if not matches(given, token, request.one("timestamp"), request.one("nonce"), encrypted):
        forged(Cause.UNREADABLE if _signed(request, settings) else Cause.SIGNATURE)  # altered on its way, or a token
    if not _fresh(request):
        forged(Cause.CLOCK)
    try:
        return vault.open(encrypted)
    except OtherApp:
        forged(Cause.APP)
    except ValueError:
        forged(Cause.KEY)


def _expect_signed(request: Request, settings: Settings) -> None:
    if not request.one("signature"):
        forged(Cause.UNSIGNED)
    if not _signed(request, settings):
        forged(Cause.SIGNATURE)
    if not _fresh(request):
        forged(Cause.CLOCK)


def _check_query(request: Request) -> None:
    if len(request.ones) != len(request.query):
        unreadable()  # a parameter that stands twice can be read in two ways


def _fresh(request: Request) -> bool:
    stamp = request.one("timestamp")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _STAMP):
        return False
    return abs(request.at.timestamp() - int(stamp)) <= _WINDOW


def _signed(request: Request, settings: Settings) -> bool:
    token = settings.token.get_secret_value()
    nonce = request.one("nonce")
    return bool(nonce) and matches(request.one("signature"), token, request.one("timestamp"), nonce)


def key_of(fields: Fields, payload: bytes) -> str:
    """The identity of a message or event, the same for every delivery of it.

    Ids are not unique across people, and events of one second need their name and own id as well (platform's advice
    plus what users found: https://github.com/binarywang/WxJava/issues/333,
    https://github.com/chanjarster/weixin-java-tools/issues/66).
    """
    sender = scalar(fields, "FromUserName")
    if _ID.fullmatch(sender) is None:
        return _hash_key(payload)
    if scalar(fields, "MsgType") == "event":
        parts = [scalar(fields, "CreateTime"), scalar(fields, "Event")]
        if not all(_ID.fullmatch(part) for part in parts):
            return _hash_key(payload)
        own = next((value for name in _EVENT_IDS if (value := scalar(fields, name))), "")
        if any(isinstance(value, (dict, list)) for value in fields.values()):
            own = own or _digest(payload)  # a list of templates has no id of its own
        elif own and _ID.fullmatch(own) is None:
            own = _digest(own.encode("utf-8", "replace"))
        return ":".join(["event", sender, *parts, *([own] if own else [])])
    number = scalar(fields, "MsgId")
    if _ID.fullmatch(number) is None:
        return _hash_key(payload)
    return f"msg:{sender}:{number}"


def _hash_key(payload: bytes) -> str:
    return f"payload:{_digest(payload)}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]

"""The bell: whether a callback is the platform's, and which account it is about. It carries no message.

Source: https://developer.work.weixin.qq.com/document/path/94670
"""

import re
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from bridge.contract import CallbackResult, Cause, Malformed, Reply, Request, Unauthentic
from connectors.tencent.crypto import OtherApp, Vault, matches
from connectors.tencent.payloads import parse, scalar

_PLACE = "work.weixin.qq.com › 微信客服 › API"
_WINDOW = 15 * 60  # seconds around the timestamp; a bell that rings twice only looks twice
_STAMP = 12  # digits
_ECHO = re.compile(r"[A-Za-z0-9_\-+/=.]{1,128}", re.ASCII)
_KFID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NO_SNIFF = {"x-content-type-options": "nosniff"}

REASONS: Mapping[Cause, Mapping[str, str]] = {
    Cause.SIGNATURE: {
        "en": f"`token` differs from Token at {_PLACE}: copy it again, without blanks, and save there.",
        "zh": f"`token` 与 {_PLACE} 中的 Token 不一致：请重新复制（前后不要有空格），并在那里保存。",
    },
    Cause.KEY: {
        "en": f"`encoding_aes_key` differs from EncodingAESKey at {_PLACE}: copy all 43 characters again.",
        "zh": f"`encoding_aes_key` 与 {_PLACE} 中的 EncodingAESKey 不一致：请重新复制全部 43 个字符。",
    },
    Cause.APP: {
        "en": "`corp_id` is not the company that calls: copy it from 我的企业.",
        "zh": "`corp_id` 不是推送方的企业 ID：请从“我的企业”页面重新复制。",
    },
}


class Bell(NamedTuple):
    """Which account has something new ("" when the callback does not say), and the token that lets it be fetched."""

    account: str
    token: str


def check_address(request: Request, token: str, vault: Vault) -> CallbackResult:
    """Answers the GET that the console sends on saving: `echostr` is encrypted, its content is the answer."""
    if not request.query:
        _forged(Cause.VISIT)
    echo = _opened(request, request.one("echostr"), token, vault).decode("ascii", "replace")
    if _ECHO.fullmatch(echo) is None:
        _forged(Cause.UNREADABLE)
    return CallbackResult(reply=Reply(200, echo, headers=_NO_SNIFF))


def read_bell(request: Request, token: str, vault: Vault) -> Bell | None:
    """The bell of a POST; None for an authentic callback about something else."""
    try:
        packet = parse(request.body).get("Encrypt")
    except ValueError:
        raise Malformed("the callback cannot be read") from None
    if not isinstance(packet, str):
        _forged(Cause.UNSIGNED)
    try:
        fields = parse(_opened(request, packet, token, vault))
    except ValueError:
        return None
    if scalar(fields, "Event") != "kf_msg_or_event":
        return None
    account = scalar(fields, "OpenKfId")
    return Bell(account if _KFID.fullmatch(account) else "", scalar(fields, "Token")[:128])


def _opened(request: Request, packet: str, token: str, vault: Vault) -> bytes:
    if len(request.ones) != len(request.query):
        raise Malformed("the callback cannot be read")  # a parameter that stands twice can be read in two ways
    given = request.one("msg_signature")
    if not given:
        _forged(Cause.UNSIGNED)
    # the signature first: without it nobody can ask what a packet decrypts to
    if not matches(given, token, request.one("timestamp"), request.one("nonce"), packet):
        _forged(Cause.SIGNATURE)
    if not _fresh(request):
        _forged(Cause.CLOCK)
    try:
        return vault.open(packet)
    except OtherApp:
        _forged(Cause.APP)
    except ValueError:
        _forged(Cause.KEY)


def _fresh(request: Request) -> bool:
    stamp = request.one("timestamp")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _STAMP):
        return False
    return abs(request.at.timestamp() - int(stamp)) <= _WINDOW


def _forged(cause: Cause) -> NoReturn:
    """One message for every cause: an answer that differs would be an oracle."""
    raise Unauthentic("the callback's signature does not verify", cause=cause, reason=REASONS.get(cause))

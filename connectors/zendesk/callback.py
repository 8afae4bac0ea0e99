"""Callbacks of Zendesk: whether they are authentic, and which ticket they point at.

Only timestamp and body are signed; the headers that name account, webhook and invocation are worth nothing.
Source: https://developer.zendesk.com/documentation/webhooks/verifying/
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.contract import Account, CallbackResult, Cause, Malformed, Raw, Request, Token, Unauthentic
from connectors.zendesk.api import dumps, id_of
from connectors.zendesk.settings import PUBLIC_SECRET, Settings

_NAME = "webhook"
_WINDOW = timedelta(minutes=5)
_ASKED_AGAIN = timedelta(seconds=10)
_EVER = "zen:event-type:"
_USER_MERGED = re.compile(r"zen:event-type:user\.merged")
_SUBJECT = re.compile(r"zen:ticket:(\d{1,24})")
_LOOSE = re.compile(rb"\"ticket_id\"\s{0,5}:\s{0,5}\"?(\d{1,24})")
_METHODS = frozenset({"POST", "PUT", "PATCH"})
_REASONS = {
    Cause.SIGNATURE: {
        "en": (
            "The webhook's signing secret is not the one known here: run the set-up again, or copy "
            "it from Admin Center > Webhooks into webhook_secret."
        ),
        "zh": ("Webhook 的签名密钥与此处的不一致：请重新运行接入设置，或从管理中心 > Webhooks 复制到 webhook_secret。"),
    },
    Cause.NO_SECRET: {
        "en": "No signing secret is known: run the set-up, or set webhook_secret.",
        "zh": "尚无签名密钥：请运行接入设置，或设置 webhook_secret。",
    },
}


class _NoneStored(Exception):
    """Set-up has not stored a secret."""


class Hook:
    """The signing secrets of one account: the configured one, and the one that set-up read from Zendesk."""

    def __init__(self, config: Settings, account: Account) -> None:
        self._config = config
        self._account = account
        self._stored = ""
        self._looked: datetime | None = None
        self.set_up = f"bridge setup zendesk --account {account.name}"

    async def verify(self, request: Request) -> CallbackResult:
        """A call is a hint where to look; what was said there is read over the API."""
        signature = request.headers.get("x-zendesk-webhook-signature", "")
        stamp = request.headers.get("x-zendesk-webhook-signature-timestamp", "")
        if request.method not in _METHODS or not signature or not stamp:
            raise Unauthentic("no valid signature", cause=Cause.UNSIGNED if request.body else Cause.VISIT)
        message = stamp.encode("utf-8", "replace") + request.body
        given = signature.strip().encode("utf-8", "replace")
        configured = self._config.webhook_secret.get_secret_value().strip()
        if not _is_signed(message, given, configured) and not await self._is_signed_by_stored(message, given):
            cause = Cause.SIGNATURE if configured or self._stored else Cause.NO_SECRET
            raise Unauthentic("no valid signature", cause=cause, reason=_REASONS[cause])
        if not _is_recent(stamp, request.at):
            raise Unauthentic("no valid signature", cause=Cause.CLOCK)
        return _meaning(request.body)

    async def _is_signed_by_stored(self, message: bytes, given: bytes) -> bool:
        if _is_signed(message, given, self._stored):
            return True
        # set-up may have stored another secret, perhaps in another process
        now = self._account.now()
        if self._looked is not None and abs(now - self._looked) < _ASKED_AGAIN:
            return False
        self._looked = now
        before, self._stored = self._stored, await self.stored(instead_of=self._stored)
        return self._stored != before and _is_signed(message, given, self._stored)

    async def stored(self, *, instead_of: str = "") -> str:
        """The secret that set-up stored; "" for none. `instead_of` is one that may be out of date."""
        try:
            return (await self._account.tokens.get(_NAME, _none_stored, refused=instead_of)).value.strip()
        except _NoneStored:
            return instead_of

    async def store(self, secret: str) -> None:
        """Keeps a secret, encrypted, in the place of another one."""
        before = await self.stored()
        if before == secret:
            return

        async def renew(_old: Token | None) -> Token:
            return Token(secret or " ")

        await self._account.tokens.get(_NAME, renew, refused=before or " ")
        self._stored = secret

    async def has_secret(self) -> bool:
        """Whether any callback can be authentic."""
        return bool(self._config.webhook_secret.get_secret_value().strip() or await self.stored())


async def _none_stored(_old: Token | None) -> Token:
    raise _NoneStored


def sign(secret: str, stamp: str, body: bytes) -> str:
    """The signature of a call. The secret looks like base64 but is used as the text it is."""
    digest = hmac.digest(secret.encode(), stamp.encode("utf-8", "replace") + body, hashlib.sha256)
    return base64.b64encode(digest).decode()


def _is_signed(message: bytes, given: bytes, secret: str) -> bool:
    if not secret or secret == PUBLIC_SECRET:
        return False
    wanted = base64.b64encode(hmac.digest(secret.encode(), message, hashlib.sha256))
    return hmac.compare_digest(wanted, given)


def _is_recent(stamp: str, at: datetime) -> bool:
    try:
        then = datetime.fromisoformat(stamp.strip())
    except ValueError:
        return False
    return abs(at - (then if then.tzinfo else then.replace(tzinfo=UTC))) <= _WINDOW


def _meaning(body: bytes) -> CallbackResult:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        loose = _LOOSE.search(body)  # a template that renders texts breaks its own JSON; the id still stands there
        if loose is None:
            raise Malformed("not JSON") from None
        return CallbackResult(refresh=(loose[1].decode(),))
    if not isinstance(found, dict):
        raise Malformed("not an object")
    raws = _user_merged(found) if _USER_MERGED.fullmatch(str(found.get("type"))) else ()
    ticket = _ticket_in(found)
    return CallbackResult(raws=raws, refresh=(ticket,) if ticket.isascii() and ticket.isdigit() else ())


def _ticket_in(found: Mapping[str, Any]) -> str:
    """The ticket a call is about, in the forms of triggers and of events."""
    subject = _SUBJECT.fullmatch(str(found.get("subject")))
    if subject:
        return subject[1]
    detail = found.get("detail")
    if str(found.get("type", "")).startswith(_EVER) and "ticket" in str(found["type"]) and isinstance(detail, dict):
        return id_of(detail.get("id"))
    ticket = found.get("ticket")
    inside = id_of(ticket.get("id")) if isinstance(ticket, dict) else id_of(ticket)
    return id_of(found.get("ticket_id")) or inside


def _user_merged(found: Mapping[str, Any]) -> tuple[Raw, ...]:
    detail, event = found.get("detail"), found.get("event")
    loser = id_of(detail.get("id")) if isinstance(detail, dict) else ""
    user = event.get("user") if isinstance(event, dict) else None
    into = id_of(user.get("id")) if isinstance(user, dict) else ""
    if not loser or not into:
        return ()
    return (Raw(f"user:{loser}:merged:{into}", dumps({"what": "user", "user": loser, "merged_into": into})),)

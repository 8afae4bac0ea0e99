"""Whether a callback is the installation's, and which message it is about.

Versions from 2026 on sign `timestamp.body` with the inbox's secret. Older ones sign nothing: their address holds a
secret of ours. https://github.com/chatwoot/chatwoot/pull/13892
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bridge.contract import Account, CallbackResult, Cause, Raw, Request, Typing, Unauthentic
from connectors.chatwoot.api import changed_hands, id_of, moment_of

_WINDOW = 300  # seconds
_AGAIN = timedelta(seconds=10)  # from when on a creation is none
_MESSAGES = {"message_created", "message_updated"}
_TYPING = {"conversation_typing_on": True, "conversation_typing_off": False}
_STATES = {"conversation_status_changed", "conversation_updated"}

REASONS: Mapping[Cause, Mapping[str, str]] = {
    Cause.SIGNATURE: {
        "en": "hook_secret differs from the inbox's secret, or the address of the callbacks is an old one: run "
        "the set-up again.",
        "zh": "hook_secret 与收件箱的密钥不一致，或回调地址已过期：请重新运行接入设置。",
    },
    Cause.UNSIGNED: {
        "en": "Callbacks come without a signature and without the key in their address: run the set-up.",
        "zh": "回调既无签名，地址中也没有密钥：请运行接入设置。",
    },
}


def address_key(account: Account) -> str:
    """The secret in the address of the callbacks: this account's own."""
    return hmac.new(account.secret, b"chatwoot callbacks", hashlib.sha256).hexdigest()[:32]


def check(request: Request, account: Account, secret: str) -> bool:
    """Whether the body is signed. Raises Unauthentic unless the signature (where a secret is set) or the key in the
    address proves the caller.
    """
    if request.method != "POST":
        _forged(Cause.VISIT)
    if not secret:
        given = request.one("key")
        if not given:
            _forged(Cause.UNSIGNED)
        if not hmac.compare_digest(given.encode("utf-8", "replace"), address_key(account).encode()):
            _forged(Cause.SIGNATURE)
        return False
    signature, stamp = request.headers.get("x-chatwoot-signature", ""), request.headers.get("x-chatwoot-timestamp", "")
    if not signature:
        _forged(Cause.UNSIGNED)
    signed = stamp.encode("utf-8", "replace") + b"." + request.body
    right = f"sha256={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), right.encode()):
        _forged(Cause.SIGNATURE)
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        _forged(Cause.CLOCK)
    if abs(request.at.timestamp() - int(stamp)) > _WINDOW:
        _forged(Cause.CLOCK)
    return True


def read(request: Request, inbox: int, *, signed: bool, typing: Typing) -> CallbackResult:
    """The evidence of one event; a nudge where nobody signed it. That an agent types is only told.

    Ids are those of the thing, so that inbox and account webhooks meet.
    """
    try:
        event = json.loads(request.body)
    except (ValueError, RecursionError):
        return CallbackResult()  # authentic, and no event
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return CallbackResult()
    kind = event["event"]
    where = event.get("inbox") if isinstance(event.get("inbox"), dict) else {}
    found = id_of(where) or id_of(event, "inbox_id")
    if inbox and found and found != str(inbox):
        return CallbackResult()
    if kind in _MESSAGES:
        key = message_key(event, updated=kind == "message_updated")
    elif kind in _STATES:
        key = state_key(event)
    elif kind in _TYPING:
        _tell(event, typing)
        return CallbackResult()
    else:
        return CallbackResult()
    inside = event.get("conversation")
    if not signed or (kind in _MESSAGES and changed_hands(inside)):  # whose it is has to be asked for
        place = id_of(inside) if kind in _MESSAGES else id_of(event)
        return CallbackResult(refresh=(place,) if place.isdecimal() else ())
    kept = json.dumps(without_addresses(event), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    raws = (Raw(key, kept, request.at),) if key else ()
    return CallbackResult(raws=(*raws, *_retried(event, request.at)) if kind in _MESSAGES else raws)


def _tell(event: Mapping[str, Any], typing: Typing) -> None:
    """An agent who writes a private note is not answering, and the customer's own typing comes back as theirs."""
    inside, user = event.get("conversation"), event.get("user")
    conversation = id_of(inside) if isinstance(inside, dict) else ""
    agent = isinstance(user, dict) and user.get("type", "user") == "user"
    if agent and conversation.isdecimal() and event.get("is_private") is False:
        typing(conversation, _TYPING[event["event"]])


def _retried(event: Mapping[str, Any], at: datetime) -> tuple[Raw, ...]:
    """The button "retry" makes a failed message "sent" again and tells of it under the same id: as an update, or as a
    creation long after the first. What the same event says to two addresses comes within seconds, so it has one key.
    https://github.com/chatwoot/chatwoot/blob/develop/app/controllers/api/v1/accounts/conversations/messages_controller.rb
    """
    number, inside = id_of(event), event.get("conversation")
    conversation = id_of(inside) if isinstance(inside, dict) else ""
    if event.get("message_type") != "outgoing" or event.get("private") is not False or not number or not conversation:
        return ()
    if event["event"] == "message_created":
        written = moment_of(event.get("created_at"))
        again = written is not None and at - written > _AGAIN
    else:
        again = _status(event, number) == "sent"
    told = {"event": "message_retried", "id": number, "conversation_id": conversation}
    key = f"message:{number}:again:{int(at.timestamp()) // int(_AGAIN.total_seconds())}"
    return (Raw(key, json.dumps(told).encode(), at),) if again else ()


def _status(event: Mapping[str, Any], number: str) -> str:
    """A message's delivery state: of its own, or of the conversation's last message where that is the same one."""
    inside = event.get("conversation")
    shown = inside.get("messages") if isinstance(inside, dict) else None
    for one in (event, *(shown if isinstance(shown, list) else ())):
        if isinstance(one, dict) and id_of(one) == number and isinstance(one.get("status"), str):
            return str(one["status"])
    return ""


def message_key(event: Mapping[str, Any], *, updated: bool) -> str:
    """A message has one creation; an update is known by what it changed."""
    number = id_of(event)
    if not number or not updated:
        return f"message:{number}" if number else ""
    attributes = event.get("content_attributes")
    deleted = isinstance(attributes, dict) and attributes.get("deleted")
    stamp = hashlib.sha256(json.dumps([event.get("status"), event.get("updated_at"), event.get("content")]).encode())
    return f"message:{number}:deleted" if deleted else f"message:{number}:updated:{stamp.hexdigest()[:16]}"


def state_key(conversation: Mapping[str, Any]) -> str:
    """The key under which a conversation's state is known, by webhook and poll alike; "" for what is none."""
    number, status = id_of(conversation), conversation.get("status")
    at = conversation.get("updated_at") or conversation.get("last_activity_at") or conversation.get("timestamp") or ""
    return f"conversation:{number}:{status}:{at}" if number and isinstance(status, str) else ""


def without_addresses(event: dict[str, Any]) -> dict[str, Any]:
    """Addresses of files open them for whoever has one, and expire: they are read anew when a file is fetched."""
    files = event.get("attachments")
    if not isinstance(files, list):
        return event
    kept = [
        {name: value for name, value in one.items() if name not in {"data_url", "thumb_url"}}
        for one in files
        if isinstance(one, dict)
    ]
    return {**event, "attachments": kept}


def _forged(cause: Cause) -> None:
    raise Unauthentic("the callback does not prove where it comes from", cause=cause, reason=REASONS.get(cause))

"""Whether a note of a scrip is RT's, and which ticket it names."""

import hashlib
import hmac
import json

from bridge.contract import CallbackResult, Cause, Malformed, Request, Unauthentic

_REASONS = {
    Cause.SIGNATURE: {
        "en": "hook_secret differs from the one in the scrips' code in RT (Admin > Queues > Scrips): make them equal.",
        "zh": "hook_secret 与 RT 中 Scrip 代码里的密钥不一致（Admin > Queues > Scrips）：请改为相同。",
    },
    Cause.NO_SECRET: {
        "en": "hook_secret is empty: set it (openssl rand -hex 32) and put it into the scrips' code in RT.",
        "zh": "hook_secret 为空：请设置（openssl rand -hex 32），并写入 RT 的 Scrip 代码。",
    },
}


def check(request: Request, secret: str) -> CallbackResult:
    """A nudge towards the ticket. Raises Unauthentic for what nobody signed with the secret."""
    given = request.headers.get("x-bridge-signature") or request.headers.get("x-rt-signature") or ""
    wanted = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    given = given.strip().removeprefix("sha256=").strip().lower()
    if not secret or not hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode()):
        cause = Cause.UNSIGNED if request.body else Cause.VISIT
        if given:
            cause = Cause.SIGNATURE if secret else Cause.NO_SECRET
        raise Unauthentic("the signature does not verify", cause=cause, reason=_REASONS.get(cause))
    try:
        ticket = str(json.loads(request.body)["ticket"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Malformed("no ticket in the note") from None
    return CallbackResult(refresh=(ticket,)) if ticket.isascii() and ticket.isdigit() else CallbackResult()

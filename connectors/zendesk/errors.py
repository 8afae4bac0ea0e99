"""What Zendesk's refusals mean.

Sources: https://developer.zendesk.com/api-reference/introduction/requests/ and the recorded answers of the public
client libraries. Only codes and field names are repeated in errors: descriptions may quote what people wrote.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.contract import AuthFailed, ConnectorError, Gone, Rejected, Response, Retryable, Scope, Throttled

_NO_HEADER = 10.0  # seconds to wait when a 429 does not say: what the vendor's own Ruby client does
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_. ]{0,60}")
_FULL = re.compile(r"5,?000|too many comments|comment (?:limit|count)|maximum .{0,30}comments", re.IGNORECASE)
_LIMIT = re.compile(r"rate-?limit-\w")
_ONE_TICKET = re.compile(r"/tickets/\d")
_CONFLICTS = ("UpdateConflict", "DatabaseConflict", "Deadlock", "Conflict", "DatabaseError")


class Refused(Rejected):
    """A request that Zendesk will never take, with what it says about its fields."""

    def __init__(self, message: str, *, code: str = "", fields: frozenset[str] = frozenset()) -> None:
        super().__init__(message, code=code)
        self.fields = fields


class Forbidden(AuthFailed):
    """403: these credentials may not do this, though they may do other things."""


class Unserved(Retryable):
    """404 without a word of Zendesk's: a gateway that does not know this path, or is about to start."""


class Elsewhere(AuthFailed):
    """This address is no API of this account."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an error body says. `fields` are the names in `details`, `text` everything as one string, not for logs."""

    code: str = ""
    fields: frozenset[str] = frozenset()
    text: str = ""
    is_json: bool = False
    is_account: bool = False  # the shape in which Zendesk speaks of the whole account
    details: Mapping[str, Any] = field(default_factory=dict)


def said_in(answer: Response) -> Said:
    """Reads all four shapes of error bodies, and HTML pages as none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return Said(text=answer.text[:4000])
    if not isinstance(found, dict):
        return Said(text=answer.text[:4000], is_json=True)
    error = found.get("error")
    if isinstance(error, dict):
        return Said(_short(error.get("title")), text=answer.text[:4000], is_json=True, is_account=True)
    errors = found.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        codes = [str(entry.get("code") or entry.get("title") or "") for entry in errors if isinstance(entry, dict)]
        return Said(_short(codes[0]), text=answer.text[:4000], is_json=True)
    details = found.get("details") if isinstance(found.get("details"), dict) else {}
    names = frozenset(str(name) for name in details or {})
    return Said(_short(error), names, answer.text[:4000], is_json=True, details=details or {})


def refusal(answer: Response) -> ConnectorError:
    """The error for an answer that is no success."""
    said = said_in(answer)
    status = answer.status
    code = said.code or f"http {status}"
    where = f"{answer.where}: {status}" + (f" {said.code}" if said.code else "")
    if status == 429 or (status == 503 and answer.retry_after is not None):
        wait = _NO_HEADER if answer.retry_after is None else answer.retry_after
        return Throttled(
            f"{where}: too many requests", retry_after=wait, scope=_scope(answer), code=code, reason=_limit(answer)
        )
    if status >= 500 or status == 408:
        return Retryable(f"{where}: Zendesk has a fault", code=code, certain=answer.safe, ended=answer.ended)
    if status == 409 or (status < 500 and any(word in said.code for word in _CONFLICTS)):
        return Retryable(f"{where}: somebody else changes the same thing", code=code, scope=Scope.CONVERSATION)
    if status in {401, 402, 403} or 300 <= status < 400 or (status == 404 and (said.is_account or _elsewhere(said))):
        return _auth(where, code, status, said)
    if status == 404:
        if said.is_json:
            return Gone(f"{where}: not there", code=code)
        return Unserved(f"{where}: a page instead of an answer; is api_base right?", code=code)
    if status == 422 and _closed(said):
        return Gone(f"{where}: the ticket is closed", code="closed")
    if status == 422 and _FULL.search(said.text):
        return Gone(f"{where}: the ticket holds no more comments", code="full")
    if said.code == "IdempotentRequestError":
        return Retryable(f"{where}: the key was used with another body", code=said.code, certain=False)
    names = f": {', '.join(sorted(name for name in said.fields if _WORD.fullmatch(name)))}" if said.fields else ""
    return Refused(where + names, code=code, fields=said.fields)


def _elsewhere(said: Said) -> bool:
    return said.code == "InvalidEndpoint"


def _closed(said: Said) -> bool:
    if "closed prevents ticket update" in said.text.lower():
        return True
    return "closed" in json.dumps(said.details.get("status", "")).lower()


def _auth(where: str, code: str, status: int, said: Said) -> AuthFailed:
    text = said.text.lower()
    if "suspended" in text or "expired" in text or "trial" in text or status == 402:
        return AuthFailed(
            f"{where}: the account is suspended or its plan has expired; see Zendesk's billing", code=code
        )
    if status == 404 or 300 <= status < 400:
        return Elsewhere(f"{where}: no such account or address; check subdomain and api_base", code=code)
    if status == 401:
        return AuthFailed(f"{where}: Zendesk refuses the credentials", code=code)
    # an agent's groups, brands or restrictions may hide one ticket while all others are theirs
    scope = Scope.CONVERSATION if _ONE_TICKET.search(where) else Scope.ACCOUNT
    what = f"{where}: Zendesk does not allow it; check the role of the user and the token's scope"
    return Forbidden(what, code=code, scope=scope)


def _scope(answer: Response) -> Scope:
    """Limits of one ticket or one endpoint come with plenty of the account's budget left: they hold only that back.

    Source: https://developer.zendesk.com/api-reference/introduction/rate-limits/ (endpoint headers)
    """
    for name, value in answer.headers.items():
        if _LIMIT.search(name) and "remaining=0" in value.replace(" ", ""):
            return Scope.CONVERSATION if "per-ticket" in name else Scope.INTERFACE
    left = answer.headers.get("x-rate-limit-remaining") or answer.headers.get("ratelimit-remaining") or ""
    if left.isdecimal() and int(left) > 0:
        update = not answer.safe and _ONE_TICKET.search(answer.where)
        return Scope.CONVERSATION if update else Scope.INTERFACE
    return Scope.ACCOUNT


def _limit(answer: Response) -> dict[str, str]:
    """Which limit it is, for agents and admins."""
    match _scope(answer):
        case Scope.CONVERSATION:
            return {"en": "Zendesk's limit of updates of one ticket", "zh": "Zendesk 对单个工单更新次数的限制"}
        case Scope.INTERFACE:
            return {"en": "Zendesk's limit of this kind of call", "zh": "Zendesk 对此类调用的限制"}
        case _:
            return {"en": "Zendesk's limit of calls a minute (429)", "zh": "Zendesk 每分钟调用次数限制（429）"}


def _short(value: Any) -> str:
    """A code fit for logs; "" for anything that might be a sentence about people."""
    text = str(value or "").strip()
    return text if _WORD.fullmatch(text) else ("Unauthenticated" if "authenticate" in text else "")

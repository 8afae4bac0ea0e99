"""What Freshdesk's refusals mean.

Source: https://developers.freshdesk.com/api/#error
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from bridge.contract import AuthFailed, ConnectorError, Gone, Rejected, Response, Retryable, Scope, Throttled

_WORD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,60}", re.ASCII)
_MINUTE = 60.0
_LIMIT = {"en": "Freshdesk's limit of calls a minute (429)", "zh": "Freshdesk 每分钟调用次数限制（429）"}
_LIMIT_OF_ITS_OWN = {"en": "Freshdesk's limit of this kind of call", "zh": "Freshdesk 对此类调用的限制"}
_ONE_TICKET = re.compile(r"/tickets/\d", re.ASCII)
_GONE = {404: "not there", 405: "it is in the trash, spam, or blocked"}
_ELSEWHERE = "domain must be the account's own freshdesk.com host, not a portal's name"

_ACCESS = {
    "invalid_credentials": "the key is refused; put the API key of an active agent into api_key",
    "access_denied": "the agent's role or ticket scope does not allow it; give it global access and a role that may "
    "create and edit tickets",
    "require_feature": "the account's plan does not include it; change the plan, or what the bridge is asked to do",
    "account_suspended": "the account is suspended; pay the bill, or ask Freshdesk",
    "password_lockout": "the agent is locked out after too many wrong passwords; wait, or reset its password",
    "password_expired": "the agent's password has expired; sign in as that agent and renew it",
    "ssl_required": "only https is answered; set api_base to https://",
    "max_agents_reached": "the account has more agents than seats; free one",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of `errors`. `user_id` is who already owns a value that must be unique."""

    field: str
    code: str
    user_id: str = ""


class Refused(Rejected):
    """A validation that failed, with its faults."""

    def __init__(self, message: str, *, code: str, status: int, faults: tuple[Fault, ...]) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.faults = faults

    @property
    def duplicate(self) -> Fault | None:
        """The fault that says a value is taken."""
        return next((fault for fault in self.faults if fault.code == "duplicate_value"), None)

    def concerns(self, *fields: str) -> bool:
        """Whether one of these fields is at fault."""
        return any(fault.field.partition("[")[0] in fields for fault in self.faults)


def refusal(answer: Response) -> ConnectorError:
    """The error of an answer that is no success. Never holds the vendor's sentences: they may quote people."""
    faults, code = _read(answer.body)
    status, where, fallback = answer.status, f"{answer.where}: {answer.status}", f"http {answer.status}"
    if status in {401, 402, 403} or code in _ACCESS:
        code = code or ("invalid_credentials" if status == 401 else "access_denied")
        # an agent's ticket scope may hide one ticket while all others are theirs
        one = status == 403 and code == "access_denied" and _ONE_TICKET.search(where)
        return AuthFailed(f"{where}: {_access(code)}", code=code, scope=Scope.CONVERSATION if one else None)
    if 300 <= status < 400:
        return AuthFailed(f"{where}: led elsewhere; {_ELSEWHERE}", code=fallback)
    if status in _GONE:
        return Gone(f"{where}: {_GONE[status]}", code=fallback)
    if status == 429:
        wait = answer.retry_after
        return Throttled(
            f"{where}: the calls of this minute are used up",
            retry_after=_MINUTE if wait is None else wait,
            scope=_scope(answer),
            reason=_LIMIT if _scope(answer) is Scope.ACCOUNT else _LIMIT_OF_ITS_OWN,
        )
    if status >= 500 or status in {408, 425}:
        return Retryable(f"{where}: a fault of Freshdesk's", code=fallback, certain=answer.safe, ended=answer.ended)
    said = ", ".join(f"{fault.field} {fault.code}".strip() for fault in faults) or code or "refused"
    if status == 409 and all(fault.code != "duplicate_value" for fault in faults):
        return Retryable(f"{where}: {said}", code=code or fallback, tries=5, scope=Scope.CONVERSATION)
    return Refused(f"{where}: {said}", code=code or fallback, status=status, faults=faults)


def _scope(answer: Response) -> Scope:
    """Tickets made, changed and listed have limits of their own; then the account's number is not at its end.

    Source: https://developers.freshdesk.com/api/#ratelimit. Numbers have been seen as `100.0`.
    """
    try:
        left = float(answer.headers.get("x-ratelimit-remaining", ""))
    except ValueError:
        return Scope.ACCOUNT
    return Scope.INTERFACE if left >= 1 else Scope.ACCOUNT


def _read(body: bytes) -> tuple[tuple[Fault, ...], str]:
    """The faults of a body, and the first code."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return (), ""
    if not isinstance(found, dict):
        return (), ""
    errors = found.get("errors")
    faults = tuple(_fault(entry) for entry in errors if isinstance(entry, dict)) if isinstance(errors, list) else ()
    return faults, _word(found.get("code")) or next((fault.code for fault in faults if fault.code), "")


def _fault(entry: dict[str, Any]) -> Fault:
    more = entry.get("additional_info")
    owner = more.get("user_id") if isinstance(more, dict) else None
    return Fault(_word(entry.get("field")), _word(entry.get("code")), _word(str(owner)) if owner else "")


def _access(code: str) -> str:
    return f"{code}: {_ACCESS.get(code, 'not allowed; look at the agent of api_key and at the plan')}"


def _word(value: Any) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""

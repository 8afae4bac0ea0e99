"""What Dify's refusals mean, by their code. Source: langgenius/dify-docs, the errors of `POST /chat-messages`."""

from collections.abc import Mapping
from typing import Any

from bridge.contract import AuthFailed, ConnectorError, Rejected, Retryable, Scope, Throttled

_HOUR = 3600.0
_NO_MONEY = frozenset({"provider_quota_exceeded", "rate_limit_error"})
_WRONG = frozenset(
    {"app_unavailable", "not_chat_app", "provider_not_initialize", "agent_not_published", "unauthorized"}
)
_FORGOTTEN = frozenset({"conversation_completed", "conversation_not_exists", "not_found"})


def is_forgotten(status: int, body: Any) -> bool:
    """Whether Dify no longer knows the conversation (the app was rebuilt, it was deleted, it is completed)."""
    code = str(body.get("code", "")) if isinstance(body, Mapping) else ""
    return status in {400, 404} and code in _FORGOTTEN


def refusal(status: int, body: Any, where: str) -> ConnectorError:
    """The error for an answer that is none. Dify's own words may quote the question, so they are not told."""
    code = str(body.get("code") or "")[:60] if isinstance(body, Mapping) else ""
    said = f"{where}: {status} {code}".rstrip()
    code = code or f"http {status}"
    if code in _NO_MONEY:
        return Throttled(f"{said}: the quota is used up", retry_after=_HOUR, scope=Scope.ACCOUNT, code=code)
    if status == 429 or code == "too_many_requests":
        return Throttled(said, retry_after=2.0, scope=Scope.ITEM, code=code)
    if status in {401, 403} or code in _WRONG:
        return AuthFailed(f"{said}: look at the app's key and whether it is published", code=code)
    if status == 404:
        return AuthFailed(f"{said}: there is no Dify at this address; look at `api_base`", code=code)
    if status in {400, 413, 415, 422}:
        return Rejected(said, code=code)
    return Retryable(said, code=code)

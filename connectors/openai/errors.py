"""What a refusal means. By the code, not by the status: 429 is "wait" or "no money left".

Sources: OpenAI's error codes as its gateways and compatible servers give them (learn.microsoft.com, Dev Proxy,
"insufficient_quota"; api-docs.deepseek.com, "Rate Limit").
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bridge.contract import AuthFailed, ConnectorError, Rejected, Retryable, Scope, Throttled

# parts of codes: gateways spell them in their own ways (insufficient_user_quota, Arrearage, 1113 of bigmodel.cn)
_NO_MONEY = re.compile(
    r"insufficient\w*(quota|balance|fund|credit)|credit_balance|spend_limit|usage_limit|billing|arrear|\b1113\b",
    re.IGNORECASE,
)
_REST = timedelta(hours=1).total_seconds()  # until a bot without money is tried again


def refusal(status: int, body: Any, headers: Mapping[str, str], where: str) -> ConnectorError:
    """The error for an answer that is none."""
    error = body.get("error") if isinstance(body, Mapping) else None
    found: Mapping[str, Any] = error if isinstance(error, Mapping) else body if isinstance(body, Mapping) else {}
    code = str(found.get("code") or found.get("type") or f"http {status}")[:60]
    said = f"{where}: {status} {code}"
    if status == 402 or _NO_MONEY.search(code):
        return Throttled(f"{said}: no money is left", retry_after=_REST, scope=Scope.ACCOUNT, code=code)
    if status in {401, 403} or code in {"invalid_api_key", "authentication_error", "permission_denied"}:
        return AuthFailed(f"{said}: the key is refused", code=code)
    if status == 404 or code == "model_not_found":
        return AuthFailed(f"{said}: there is no such model or address; look at `model` and `api_base`", code=code)
    if status == 429 or code in {"rate_limit_exceeded", "slow_down"}:
        return Throttled(said, retry_after=_seconds(headers.get("retry-after", "")), scope=Scope.ITEM, code=code)
    if status in {400, 413, 422}:
        return Rejected(said, code=code)
    return Retryable(said, code=code)


def _seconds(text: str) -> float:
    try:
        return min(max(float(text), 0.5), 60.0)
    except ValueError:
        return 2.0

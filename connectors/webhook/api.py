"""One signed request, and what its answer means."""

import json
from collections.abc import Mapping
from typing import Any

from bridge.contract import Account, AuthFailed, Gone, Rejected, Response, Retryable, Scope, Throttled, sign_webhook
from connectors.webhook.settings import Settings

_HOUR = 3600.0
_LIMIT = {"en": "the program asks for fewer requests (429)", "zh": "对方程序要求降低请求频率（429）"}
_NO_BUDGET = {"en": "the program has no budget left (402)", "zh": "对方程序的额度已用完（402）"}


class Api:
    """One program's address."""

    def __init__(self, config: Settings, account: Account) -> None:
        self._config = config
        self._account = account

    async def post(
        self,
        identifier: str,
        body: Mapping[str, Any],
        *,
        timeout: float | None = None,
        scope: Scope = Scope.ITEM,
    ) -> Any:
        """Sends JSON under an id that is the same at each repeat; returns the answer's JSON, None when it has none.

        `scope` is what rests when the program asks for time.
        """
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = sign_webhook(self._config.key, identifier, self._account.now(), content)
        answer = await self._account.http.request(
            "POST", self._config.url, content=content, headers={"content-type": "application/json", **headers},
            timeout=timeout, repeatable=True,
        )  # fmt: skip
        _judge(answer, scope)
        if not answer.body.strip():
            return None
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise Retryable(f"{answer.where}: {answer.status}, but no JSON", code="no JSON") from None


def _judge(answer: Response, scope: Scope) -> None:
    status = answer.status
    said = f"{answer.where}: {status}"
    if 200 <= status < 300:
        return
    if status in {401, 403}:
        raise AuthFailed(f"{said}: the program refuses the signature", code=f"http {status}")
    if status == 402:
        raise Throttled(
            f"{said}: the program has no budget left",
            retry_after=_HOUR,
            scope=Scope.ACCOUNT,
            code="http 402",
            reason=_NO_BUDGET,
        )
    if status == 410:
        raise Gone(f"{said}: the program takes no more for this ticket", code="http 410")
    if status in {404, 405} or 300 <= status < 400:
        raise AuthFailed(f"{said}: nothing takes requests there; look at `url`", code=f"http {status}")
    if status == 429:
        after = answer.headers.get("retry-after", "")
        seconds = float(after) if after.isdecimal() else 2.0
        raise Throttled(said, retry_after=seconds, scope=scope, code="http 429", reason=_LIMIT)
    if status in {400, 413, 415, 422}:
        raise Rejected(said, code=f"http {status}")
    raise Retryable(said, code=f"http {status}")

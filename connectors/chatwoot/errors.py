"""What an answer of Chatwoot's leads to.

Sources: https://github.com/chatwoot/chatwoot (app/controllers/concerns/request_exception_handler.rb,
config/initializers/rack_attack.rb): 401 without a valid token, 403 without the right, 404, 422 with the fault in
`message`, `error` or `errors`, 429 with an empty body.
"""

from typing import Any

from bridge.contract import AuthFailed, ConnectorError, Gone, Rejected, Response, Retryable, Scope, Throttled

_TOO_LARGE = 413
_RIGHTS = {
    "en": "Chatwoot does not let the bridge do this; an administrator has to make its agent a member of the inbox.",
    "zh": "Chatwoot 不允许本系统执行此操作；请管理员将其客服账号加入收件箱。",
}
_LIMIT = {"en": "Chatwoot's limit of calls (429)", "zh": "Chatwoot 调用次数限制（429）"}
_FLOOD = {"en": "Chatwoot's limit of messages a minute in one conversation", "zh": "Chatwoot 单个会话每分钟消息数限制"}
_REFUSED = {"en": "Chatwoot refused it.", "zh": "Chatwoot 拒绝了该内容。"}
_LARGE = {"en": "Too large for Chatwoot.", "zh": "内容过大，Chatwoot 不接受。"}


def failure(answer: Response) -> ConnectorError:
    """The error for an answer that is no success."""
    said = words_of(answer)
    message = f"{answer.where}: {answer.status} {said}".rstrip()
    code = f"http {answer.status}"
    match answer.status:
        case 401:
            return AuthFailed(message, code=code)
        case 403:
            return AuthFailed(message, code=code, reason=_RIGHTS)
        case 404 | 410:
            return Gone(message, code=code)
        case 429:
            return Throttled(message, retry_after=answer.retry_after or 60.0, code=code, reason=_LIMIT)
        case 422 if "too many messages" in said.lower():
            # a limit of messages by conversation and minute
            return Throttled(message, retry_after=60.0, scope=Scope.CONVERSATION, code="flood", reason=_FLOOD)
        case _ if answer.status == _TOO_LARGE:
            return Rejected(message, code=code, reason=_LARGE)
        case status if 300 <= status < 400:
            return AuthFailed(f"{message}: leads elsewhere; check api_base", code=code)
        case status if status >= 500:
            return Retryable(message, code=code, certain=answer.safe, ended=answer.ended)
        case _:
            return Rejected(message, code=code, reason=_REFUSED)


def words_of(answer: Response) -> str:
    """What the vendor says of the fault, shortened: names of fields, no values of ours."""
    try:
        found: Any = answer.json()
    except Retryable:
        return ""
    if not isinstance(found, dict):
        return ""
    said = found.get("message") or found.get("error") or found.get("errors") or ""
    return " ".join(str(said).split())[:200]

"""What an answer of the platform means: nearly everything comes with status 200, and the code stands inside."""

import json
from collections.abc import Callable
from typing import Any

from bridge.contract import AuthFailed, ConnectorError, Response, Retryable, Throttled

UPLOAD_SECONDS = 20.0  # the words wait for the file meanwhile; then it goes as a link
NO_CODE = -(10**9)
_HIGHEST = 2**33  # seconds since 1970 until the year 2242

Result = dict[str, Any]

_SLOWER = {"en": "Tencent asks for fewer calls (429)", "zh": "腾讯接口要求降低调用频率（429）"}


def object_in(body: bytes) -> Result | None:
    """The JSON object of a body; None for anything else, such as a file."""
    if not body.lstrip().startswith(b"{"):
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def number(value: Any, default: int) -> int:
    """A number as the platform writes it, which may be text. One that no clock and no column takes is none."""
    try:
        found = int(value)
    except (TypeError, ValueError, OverflowError):
        return default
    return found if -_HIGHEST < found < _HIGHEST else default


def code_of(body: bytes) -> int:
    """The code of a body, 0 where there is none."""
    return number((object_in(body) or {}).get("errcode"), 0)


def checked(answer: Response, fail: Callable[[int, str], ConnectorError], *, missing: int = NO_CODE) -> Result:
    """The answer as an object, or the error that `fail` makes of its code and text.

    `missing` stands for a code that was left out: some calls do so when all went well.
    """
    if answer.status == 429:
        raise Throttled(f"{answer.where}: 429", retry_after=answer.retry_after or 60.0, code="http 429", reason=_SLOWER)
    if answer.status in {401, 403}:  # a gateway before the platform, which itself says 200 to everything
        raise AuthFailed(f"{answer.where}: {answer.status}", code=f"http {answer.status}")
    result = object_in(answer.body)
    code = number((result or {}).get("errcode", missing), NO_CODE)
    if not answer.ok or result is None or code == NO_CODE:
        raise Retryable(
            f"{answer.where}: answer {answer.status} is none of the platform's",
            code=f"http {answer.status}",
            certain=answer.safe,
        )
    if code != 0:
        raise fail(code, str(result.get("errmsg", "")))
    return result

"""A limit that keeps messages back is named, in both languages: by each connector of this repository."""

from collections.abc import Callable

import pytest

from bridge.contract import ConnectorError, Response, Scope, Throttled
from connectors.chatwoot.errors import failure as chatwoot
from connectors.freshdesk.errors import refusal as freshdesk
from connectors.rt.api import refusal as rt
from connectors.tencent.answers import checked as tencent
from connectors.webhook.api import _judge as webhook
from connectors.zendesk.errors import refusal as zendesk


def raised(judge: Callable[[], object]) -> ConnectorError:
    try:
        found = judge()
    except ConnectorError as error:
        return error
    assert isinstance(found, ConnectorError)
    return found


JUDGES: dict[str, Callable[[Response], object]] = {
    "zendesk": zendesk,
    "freshdesk": freshdesk,
    "rt": rt,
    "chatwoot": chatwoot,
    "tencent": lambda answer: tencent(answer, lambda _code, _text: ConnectorError("no")),
    "webhook": lambda answer: webhook(answer, Scope.ACCOUNT),
}


@pytest.mark.parametrize("headers", [{}, {"x-rate-limit-remaining": "400", "x-ratelimit-remaining": "400.0"}])
@pytest.mark.parametrize("name", JUDGES)
def test_too_many_requests(name: str, headers: dict[str, str]) -> None:
    answer = Response(429, {"retry-after": "400", **headers}, b"{}", "POST desk.example/tickets/7")
    error = raised(lambda: JUDGES[name](answer))
    assert isinstance(error, Throttled) and error.retry_after == 400
    assert error.reason["en"] and error.reason["zh"]
    assert not error.reason["zh"].isascii() and not error.reason["en"].endswith(".")

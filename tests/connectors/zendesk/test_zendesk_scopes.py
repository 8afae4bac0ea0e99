"""What each refusal is about, and so what rests because of it.

Source: https://developer.zendesk.com/api-reference/introduction/rate-limits/
"""

import pytest

from bridge.contract import AuthFailed, Response, Retryable, Scope, Throttled
from bridge.engine.outbound.policy import scope_of
from connectors.zendesk.errors import refusal

PUT, POST, LIST = "PUT shop.zendesk.com/api/v2/tickets/7", "POST shop.zendesk.com/api/v2/tickets", "GET x/api/v2/search"


@pytest.mark.parametrize(
    ("status", "where", "headers", "kind", "scope"),
    [
        (
            429,
            PUT,
            {"zendesk-ratelimit-per-ticket-updates": "total=30; remaining=0; resets=468"},
            Throttled,
            "conversation",
        ),
        (429, PUT, {"zendesk-rate-limit-tickets-update": "total=100; remaining=0; resets=9"}, Throttled, "interface"),
        (
            429,
            POST,
            {"zendesk-ratelimit-ticket-request-create-by-user-and-ip": "total=300; remaining=0"},
            Throttled,
            "interface",
        ),
        (429, PUT, {"x-rate-limit-remaining": "120"}, Throttled, "conversation"),
        (429, POST, {"x-rate-limit-remaining": "120"}, Throttled, "interface"),
        (429, LIST, {"ratelimit-remaining": "9"}, Throttled, "interface"),
        (429, PUT, {"x-rate-limit-remaining": "0"}, Throttled, "account"),
        (429, PUT, {}, Throttled, "account"),
        (503, PUT, {"retry-after": "60"}, Throttled, "account"),
        (500, PUT, {}, Retryable, "account"),
        (409, PUT, {}, Retryable, "conversation"),
        (403, PUT, {}, AuthFailed, "conversation"),
        (403, POST, {}, AuthFailed, "account"),
        (401, PUT, {}, AuthFailed, "account"),
        (402, PUT, {}, AuthFailed, "account"),
    ],
)
def test_what_a_refusal_is_about(status, where, headers, kind, scope):
    error = refusal(Response(status, headers, b'{"error":"x"}', where))
    assert (type(error).__mro__[1] is kind or type(error) is kind, scope_of(error)) == (True, Scope(scope))

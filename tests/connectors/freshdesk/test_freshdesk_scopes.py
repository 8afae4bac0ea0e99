"""What each refusal is about, and so what rests because of it.

Source: https://developers.freshdesk.com/api/#ratelimit
"""

import pytest

from bridge.contract import Response, Scope
from bridge.engine.outbound.policy import scope_of
from connectors.freshdesk.errors import refusal

ONE, NEW = "POST shop.freshdesk.com/api/v2/tickets/7/notes", "POST shop.freshdesk.com/api/v2/tickets"


@pytest.mark.parametrize(
    ("status", "where", "headers", "body", "scope"),
    [
        (429, NEW, {"x-ratelimit-remaining": "120.0"}, b"", "interface"),
        (429, NEW, {"x-ratelimit-remaining": "0"}, b"", "account"),
        (429, NEW, {"x-ratelimit-remaining": "n/a"}, b"", "account"),
        (429, ONE, {}, b"", "account"),
        (403, ONE, {}, b'{"code":"access_denied"}', "conversation"),
        (403, NEW, {}, b'{"code":"access_denied"}', "account"),
        (403, ONE, {}, b'{"code":"account_suspended"}', "account"),
        (401, ONE, {}, b"", "account"),
        (409, ONE, {}, b"", "conversation"),
        (404, ONE, {}, b"", "conversation"),
        (400, ONE, {}, b"", "item"),
        (502, ONE, {}, b"", "account"),
    ],
)
def test_what_a_refusal_is_about(status, where, headers, body, scope):
    assert scope_of(refusal(Response(status, headers, body, where))) is Scope(scope)

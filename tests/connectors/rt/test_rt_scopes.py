"""What each refusal is about, and so what rests because of it: rights are given by queue."""

import pytest

from bridge.contract import Response, Scope
from bridge.engine.outbound.policy import scope_of
from connectors.rt.api import refusal

ONE, NEW = "POST rt.example/REST/2.0/ticket/7/correspond", "POST rt.example/REST/2.0/ticket"


@pytest.mark.parametrize(
    ("status", "where", "scope"),
    [
        (403, ONE, "conversation"),
        (403, NEW, "account"),
        (401, ONE, "account"),
        (404, ONE, "conversation"),
        (429, ONE, "account"),
        (500, ONE, "account"),
        (422, ONE, "item"),
    ],
)
def test_what_a_refusal_is_about(status, where, scope):
    assert scope_of(refusal(Response(status, {}, b"", where))) is Scope(scope)

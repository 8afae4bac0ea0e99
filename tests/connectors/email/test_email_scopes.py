"""What each answer of a mail server is about, and so what rests because of it."""

import pytest

from bridge.contract import Scope
from bridge.engine.outbound.policy import scope_of
from connectors.email.smtp import judge


@pytest.mark.parametrize(
    ("code", "message", "scope"),
    [
        (450, "4.2.0 greylisted", "conversation"),
        (450, "mailbox busy", "conversation"),
        (451, "4.7.1 greylisted, come back in 300 s", "conversation"),
        (452, "4.2.2 mailbox full", "conversation"),
        (452, "4.3.1 out of disk space", "account"),
        (451, "4.3.0 local error", "account"),
        (451, "4.4.1 no answer from the next host", "account"),
        (421, "4.2.1 closing", "account"),
        (421, "4.7.28 unusual rate of mail", "account"),
        (535, "5.7.8 authentication failed", "account"),
        (550, "5.1.1 no such user", "item"),
        (552, "5.3.4 too large", "item"),
    ],
)
def test_what_an_answer_is_about(code, message, scope):
    assert scope_of(judge(code, message, "mail.example")) is Scope(scope)

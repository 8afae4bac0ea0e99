"""A program of one's own as a bot: the suite of all bots, signatures as a third party makes them, late answers."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks

from bridge.contract import Malformed, Raw, Request, Unauthentic, sign_webhook, verify_webhook, webhook_key
from bridge.testing.conformance.bots import BotConformance
from bridge.testing.rig import lend_account
from connectors.webhook import Webhook
from connectors.webhook.asking import answer
from connectors.webhook.simulator import Simulator
from connectors.webhook.simulator.vendor import SECRET

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


class TestWebhookBot(BotConformance):
    connector = Webhook
    simulator = Simulator


def test_signatures_are_those_of_standard_webhooks() -> None:
    theirs = standardwebhooks.Webhook(SECRET)
    now, body = datetime.now(UTC), '{"a": "ü"}'
    headers = sign_webhook(webhook_key(SECRET), "msg_1", now, body.encode())
    assert theirs.verify(body, headers) == {"a": "ü"}
    signed = {
        "webhook-id": "msg_2",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": theirs.sign("msg_2", now, body),
    }
    assert verify_webhook(webhook_key(SECRET), signed, body.encode(), now) == "msg_2"


# made by npm's `standardwebhooks` 1.1.1: new Webhook(secret).sign("evt_0000018d", new Date(1767603600000), body)
_LONG_SECRET = "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eDf3t3c29rZ2NfW1dTT0tHQz87NzMvKycjHxsXEw8LBwA=="
_SHORT_SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cy0wMDAwMDE="
SIGNED_BY_NODE = [
    (_SHORT_SECRET, '{"type": "message.received", "data": {"text": "您好 😀 ünï"}}', "UMYtENvmfVJ5p8WjGdqaO3DClj86S4FS1STdLw2zRzk="),
    (_SHORT_SECRET, " [1,\n 2]\n", "AXseSEsGRhohkAP8wyhC4VBBEUBNMWbAYVjZZmXuvWo="),
    (_LONG_SECRET, "{}", "bCsu5wYgR9Rw8zKM6bGRSySxMHjtQQdTXXiO1LSbR6E="),
    (_LONG_SECRET, '{"a": "' + "x" * 5000 + '"}', "mlElG7QJtL//4Zwh97XbEUxbiIdKWqWwQePJjonsKGM="),
]  # fmt: skip


@pytest.mark.parametrize(("secret", "body", "signature"), SIGNED_BY_NODE)
def test_signatures_are_those_of_nodes_library(secret: str, body: str, signature: str) -> None:
    """A signature has one value: where both make the same, each verifies what the other sends."""
    now = datetime.fromtimestamp(1767603600, UTC)
    headers = sign_webhook(webhook_key(secret), "evt_0000018d", now, body.encode())
    assert headers["webhook-signature"] == f"v1,{signature}"
    assert verify_webhook(webhook_key(secret), headers, body.encode(), now) == "evt_0000018d"


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-id": "other"},
        {"webhook-timestamp": "abc"},
        {"webhook-timestamp": "1"},
    ],
)
def test_forged_and_stale_ones_are_refused(change: dict[str, str]) -> None:
    headers = sign_webhook(webhook_key(SECRET), "msg_1", NOW, b"{}") | change
    with pytest.raises(Unauthentic):
        verify_webhook(webhook_key(SECRET), headers, b"{}", NOW)
    with pytest.raises(Unauthentic, match="five minutes"):
        verify_webhook(
            webhook_key(SECRET), sign_webhook(webhook_key(SECRET), "m", NOW, b"{}"), b"{}", NOW + timedelta(minutes=6)
        )


@pytest.mark.anyio
async def test_a_late_answer_has_the_key_of_an_early_one() -> None:
    config = Webhook.Config.model_validate({"kind": "webhook", "url": "https://crm.example.com/b", "secret": SECRET})
    async with lend_account("ours") as account:
        bot = Webhook(config, account)

        async def call(body: dict[str, Any]) -> Any:
            content = json.dumps(body).encode()
            return await bot.verify(
                Request("POST", "/hooks/ours", (), sign_webhook(config.key, "x", NOW, content), content, "", NOW)
            )

        (raw,) = (await call({"job": "018f", "answers": [{"text": "nine"}], "verdict": "answer"})).raws
        assert raw.key == "answer:018f"
        (found,) = bot.normalise(raw)
        assert (found.job, found.text) == ("018f", "nine")  # type: ignore[union-attr]
        assert (await call({"answers": []})).reply.status == 422
        assert (await call({"job": "x" * 65})).reply.status == 422
        for wrong in ({"verdict": "maybe"}, {"answers": "text"}, {"answers": [3]}, []):
            with pytest.raises(Malformed):
                bot.normalise(Raw("answer:1", json.dumps(wrong).encode()))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["An order", " Something else "], ("An order", "Something else")),
        (["x" * 500, "", 7, None], ("x" * 128,)),
        ([str(number) for number in range(40)], tuple(str(number) for number in range(10))),
        ("no list", ()),
        (None, ()),
    ],
)
def test_answers_to_tap_come_along(given: Any, kept: tuple[str, ...]) -> None:
    assert answer({"answers": ["What is it about?"], "choices": given}, "job-1").choices == kept

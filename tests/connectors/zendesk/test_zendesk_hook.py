"""Callbacks: what is authentic, and where it points."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from zendesk_rig import SETTINGS, events, hook, make_zendesk

from bridge.contract import ContactChanged, Malformed, Request, Unauthentic
from bridge.testing.clock import VirtualClock
from bridge.testing.conformance.harness import Harness, Hook
from connectors.zendesk import Zendesk
from connectors.zendesk.callback import sign
from connectors.zendesk.settings import PUBLIC_SECRET
from connectors.zendesk.simulator import Simulator

SECRET = str(SETTINGS["webhook_secret"])
# computed with the vendor's public test secret: https://developer.zendesk.com/documentation/webhooks/verifying/
VECTORS = (
    ("2021-03-25T05:09:27Z", '{"event":"ticket.updated","id":123}', "S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM="),
    ("2026-11-22T00:00:00Z", '{"ticket_id":"7","text":"你好"}', "9B0QVWRmZXkDsACnDn6iWidKobDSt04XF9WTJZdOtjY="),
)


def signed(body: Any, at: datetime, *, secret: str = SECRET, stamp: str = "", **headers: str) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    stamp = stamp or f"{at:%Y-%m-%dT%H:%M:%SZ}"
    given = {
        "x-zendesk-webhook-signature": sign(secret, stamp, raw),
        "x-zendesk-webhook-signature-timestamp": stamp,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return hook(raw, at=at, headers=given)


@pytest.mark.parametrize(("stamp", "body", "signature"), VECTORS)
def test_the_vendors_vectors_verify(stamp: str, body: str, signature: str) -> None:
    assert sign(PUBLIC_SECRET, stamp, body.encode()) == signature


@pytest.mark.parametrize(("stamp", "body", "signature"), VECTORS)
async def test_the_public_test_secret_is_never_accepted(stamp: str, body: str, signature: str) -> None:
    at = datetime.fromisoformat(stamp)
    zendesk = make_zendesk(lambda: at, webhook_secret="")
    headers = {"x-zendesk-webhook-signature": signature, "x-zendesk-webhook-signature-timestamp": stamp}
    with pytest.raises(Unauthentic):
        await zendesk.verify(hook(body.encode(), at=at, headers=headers))
    await zendesk.account.tokens.get("webhook", lambda _old: _token(PUBLIC_SECRET))
    with pytest.raises(Unauthentic):
        await zendesk.verify(hook(body.encode(), at=at, headers=headers))


async def _token(value: str) -> Any:
    from bridge.contract import Token

    return Token(value)


async def test_a_trigger_points_at_its_ticket(clock: VirtualClock) -> None:
    result = await make_zendesk(clock).verify(signed({"ticket_id": "71", "status": "Offen"}, clock()))
    assert (result.refresh, result.raws, result.reply.status) == (("71",), (), 200)


@pytest.mark.parametrize(
    "body",
    [
        {"ticket_id": 71},
        {"ticket": {"id": "71"}},
        {"type": "zen:event-type:ticket.comment_added", "subject": "zen:ticket:71", "detail": {"id": "71"}},
        {"type": "zen:event-type:ticket.status_changed", "detail": {"id": "71", "status": "SOLVED"}},
        {"type": "zen:event-type:ticket.merged", "subject": "zen:ticket:71"},
        {"type": "zen:event-type:messaging_ticket.message_added", "detail": {"id": "71"}},
    ],
)
async def test_every_form_points_at_its_ticket(clock: VirtualClock, body: Any) -> None:
    assert (await make_zendesk(clock).verify(signed(body, clock()))).refresh == ("71",)


async def test_trap_9_a_template_that_breaks_its_json_still_names_the_ticket(clock: VirtualClock) -> None:
    body = b'{"ticket_id":"71","text":"she said "no"\nand left"}'
    assert (await make_zendesk(clock).verify(signed(body, clock()))).refresh == ("71",)


@pytest.mark.parametrize("body", [b"not json", b"[]", b"null", b"[" * 100_000])
async def test_authentic_but_unreadable(clock: VirtualClock, body: bytes) -> None:
    with pytest.raises(Malformed):
        await make_zendesk(clock).verify(signed(body, clock()))


@pytest.mark.parametrize("body", [{}, {"ticket_id": "../71"}, {"ticket_id": None}, {"type": "zen:event-type:user.x"}])
async def test_a_call_about_no_ticket_is_taken_and_means_nothing(clock: VirtualClock, body: Any) -> None:
    result = await make_zendesk(clock).verify(signed(body, clock()))
    assert (result.refresh, result.raws) == ((), ())


@pytest.mark.parametrize("seconds", [-301, 301, -86_400])
async def test_yesterdays_call_is_refused(clock: VirtualClock, seconds: int) -> None:
    request = signed({"ticket_id": 71}, clock() + timedelta(seconds=seconds))
    late = replace(request, at=clock())
    with pytest.raises(Unauthentic):
        await make_zendesk(clock).verify(late)


@pytest.mark.parametrize("seconds", [-299, 299])
async def test_clocks_may_differ_by_five_minutes(clock: VirtualClock, seconds: int) -> None:
    request = signed({"ticket_id": 71}, clock() + timedelta(seconds=seconds))
    other = replace(request, at=clock())
    assert (await make_zendesk(clock).verify(other)).refresh == ("71",)


@pytest.mark.parametrize("stamp", ["", "yesterday", "1e9", "0001-01-01T00:00:00Z", "9" * 400])
async def test_a_signed_time_that_is_none_is_refused(clock: VirtualClock, stamp: str) -> None:
    body = b'{"ticket_id":71}'
    headers = {
        "x-zendesk-webhook-signature": sign(SECRET, stamp, body),
        "x-zendesk-webhook-signature-timestamp": stamp,
    }
    with pytest.raises(Unauthentic):
        await make_zendesk(clock).verify(hook(body, at=clock(), headers=headers))


async def test_a_signature_in_hexadecimal_is_refused(clock: VirtualClock) -> None:
    import base64

    request = signed({"ticket_id": 71}, clock())
    digest = base64.b64decode(request.headers["x-zendesk-webhook-signature"]).hex()
    forged = hook(request.body, at=clock(), headers={**request.headers, "x-zendesk-webhook-signature": digest})
    with pytest.raises(Unauthentic):
        await make_zendesk(clock).verify(forged)


async def test_unsigned_headers_have_no_effect(clock: VirtualClock) -> None:
    request = signed({"ticket_id": 71}, clock(), x_zendesk_account_id="666", x_zendesk_webhook_id="01FORGED")
    assert (await make_zendesk(clock).verify(request)).refresh == ("71",)


async def test_without_any_secret_every_call_is_refused(clock: VirtualClock) -> None:
    zendesk = make_zendesk(clock, webhook_secret="")
    for secret in ("", "guessed"):
        with pytest.raises(Unauthentic):
            await zendesk.verify(signed({"ticket_id": 71}, clock(), secret=secret))


async def test_a_secret_stored_by_set_up_is_used_and_replaced(clock: VirtualClock) -> None:
    zendesk = make_zendesk(clock, webhook_secret="")
    await zendesk.account.tokens.get("webhook", lambda _old: _token("first-secret"))
    assert (await zendesk.verify(signed({"ticket_id": 71}, clock(), secret="first-secret"))).refresh == ("71",)
    # another process ran set-up again after the secret was reset at the vendor
    await zendesk.account.tokens.get("webhook", lambda _old: _token("second-secret"), refused="first-secret")
    clock.advance(seconds=11)
    assert (await zendesk.verify(signed({"ticket_id": 71}, clock(), secret="second-secret"))).refresh == ("71",)
    with pytest.raises(Unauthentic):
        await zendesk.verify(signed({"ticket_id": 71}, clock(), secret="third-secret"))
    assert (await zendesk.verify(signed({"ticket_id": 71}, clock(), secret="second-secret"))).refresh == ("71",)


async def test_a_flood_of_forgeries_does_not_ask_the_store_each_time(clock: VirtualClock) -> None:
    zendesk = make_zendesk(clock, webhook_secret="")
    asked = 0

    async def get(*_args: Any, **_options: Any) -> Any:
        nonlocal asked
        asked += 1
        return await _token("stored-secret")

    object.__setattr__(zendesk.account, "tokens", type("T", (), {"get": staticmethod(get)})())
    for _ in range(20):
        with pytest.raises(Unauthentic):
            await zendesk.verify(signed({"ticket_id": 71}, clock(), secret="forged"))
    assert asked == 1


async def test_users_that_were_merged_are_told(clock: VirtualClock) -> None:
    zendesk = make_zendesk(clock)
    body = {
        "type": "zen:event-type:user.merged",
        "subject": "zen:user:17",
        "detail": {"id": "17"},
        "event": {"user": {"id": "18"}},
    }
    result = await zendesk.verify(signed(body, clock()))
    (event,) = events(zendesk, result.raws)
    assert isinstance(event, ContactChanged)
    assert (event.contact.id, event.merged_into) == ("17", "18")


def test_busy_is_said_with_a_status_that_zendesk_repeats() -> None:
    assert Zendesk.retry_later_reply.status == 409


@asynccontextmanager
async def called(clock: VirtualClock) -> AsyncIterator[tuple[Simulator, Harness]]:
    """A vendor that calls the connector over a real socket."""
    async with Hook("support", clock) as receiver, Simulator(clock=clock, hook_url=receiver.base) as vendor:
        zendesk = make_zendesk(clock, api_base=vendor.base)
        receiver.harness = Harness(clock, zendesk.account, zendesk, vendor)
        yield vendor, receiver.harness
        await zendesk.account.http.close()


async def test_a_store_that_is_down_is_answered_so_that_zendesk_comes_again(clock: VirtualClock) -> None:
    """A 500 would not be repeated; a 409 is, three times."""
    async with called(clock) as (vendor, harness):
        harness.store_down = True
        await vendor.agent_says(vendor.open_ticket(), "<p>hi</p>")
        assert vendor.hooks.invocations == [409, 409, 409, 409]


async def test_events_point_at_their_tickets(clock: VirtualClock) -> None:
    async with called(clock) as (vendor, harness):
        (webhook,) = vendor.hooks.webhooks.values()
        vendor.hooks.triggers.clear()
        kinds = ("comment_added", "status_changed")
        webhook.fields["subscriptions"] = [f"zen:event-type:ticket.{kind}" for kind in kinds]
        ticket = vendor.open_ticket()
        await vendor.agent_says(ticket, "<p>hi</p>", status="solved")
        assert vendor.hooks.invocations == [200, 200]
        connector: Any = harness.connector
        verdicts = [await connector.verify(request) for request in harness.requests]
        assert [result.refresh for result in verdicts] == [(ticket,), (ticket,)]


async def test_what_the_simulator_sends_verifies_once_by_its_secret(clock: VirtualClock) -> None:
    async with called(clock) as (vendor, _):
        vendor.hooks.duplicate = 1
        await vendor.agent_says(vendor.open_ticket(), "<p>hi</p>")
        assert vendor.hooks.invocations == [200, 200]
        (webhook,) = vendor.hooks.webhooks.values()
        webhook.secret = "another"
        await vendor.agent_says(vendor.open_ticket(), "<p>hi</p>")
        assert vendor.hooks.invocations[-1] == 403

"""Credentials, rights, and an account in trouble."""

from typing import Any

import pytest
from pydantic import ValidationError
from zendesk_rig import SETTINGS, say

from bridge.contract import AuthFailed, Retryable, Throttled
from bridge.testing.clock import VirtualClock
from bridge.testing.faults import Trouble
from bridge.testing.rig import lend_account
from connectors.zendesk import Zendesk
from connectors.zendesk.settings import PUBLIC_SECRET
from connectors.zendesk.simulator import Simulator


async def test_an_expired_token_is_renewed_once(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    await say(zendesk, "hello")
    vendor.gate.tokens.clear()  # revoked before its time
    await say(zendesk, "again", key="key-2")
    assert len(vendor.gate.grants) == 2


async def test_a_token_near_its_end_is_renewed_before(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    await say(zendesk, "hello")
    clock.advance(seconds=1790)
    await say(zendesk, "again", key="key-2")
    assert len(vendor.gate.grants) == 2
    assert vendor.gate.grants[0] == {
        "grant_type": "client_credentials",
        "client_id": "bridge_client",
        "client_secret": "simulated-client-secret",
        "scope": "read write",
        "expires_in": 86_400,
    }


@pytest.mark.parametrize("status", [200, 201])
async def test_tokens_of_older_clients_never_end(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock, status: int
) -> None:
    vendor.gate.lifetime, vendor.gate.token_status = None, status
    await say(zendesk, "hello")
    clock.advance(days=100)
    await say(zendesk, "again", key="key-2")
    assert len(vendor.gate.grants) == 1


async def test_a_token_refused_twice_stops_the_account(zendesk: Zendesk, vendor: Simulator) -> None:
    vendor.faults.add(Trouble.STATUS, "POST /api/v2/tickets", status=401, times=2, body=b'{"error":"invalid_token"}')
    with pytest.raises(AuthFailed):
        await say(zendesk, "hello")
    assert vendor.state.tickets == {}


async def test_a_client_that_was_switched_off(zendesk: Zendesk, vendor: Simulator) -> None:
    vendor.gate.secret = "changed"
    with pytest.raises(AuthFailed) as caught:
        await say(zendesk, "hello")
    assert "client_secret" in caught.value.message
    (problem,) = (await zendesk.check()).problems
    assert "OAuth clients" in problem.remedy


async def test_a_scope_that_is_not_allowed(vendor: Simulator, clock: VirtualClock) -> None:
    async with lend_account("support", home=vendor.base, clock=clock) as account:
        zendesk = Zendesk(Zendesk.Config(**vendor.settings(), scope="everything:all"), account)
        (problem,) = (await zendesk.check()).problems
        assert "scope" in problem.what


async def test_a_token_endpoint_in_trouble_is_no_matter_of_credentials(zendesk: Zendesk, vendor: Simulator) -> None:
    vendor.faults.add(Trouble.STATUS, "POST /oauth/tokens", status=503, headers={"retry-after": "5"})
    with pytest.raises(Throttled):
        await zendesk.check()
    vendor.faults.add(Trouble.STATUS, "POST /oauth/tokens", status=500)
    with pytest.raises(Retryable):
        await zendesk.check()


async def test_trap_15_an_anonymous_200_is_no_login(zendesk: Zendesk, vendor: Simulator) -> None:
    """users/me answers 200 although nobody is logged in."""
    body = b'{"user":{"id":null,"name":"Anonymous user","role":"end-user"}}'
    vendor.faults.add(Trouble.STATUS, "GET /api/v2/users/me", status=200, body=body)
    (problem,) = (await zendesk.check()).problems
    assert "anonymous" in problem.what


async def test_trap_13_api_tokens_work_and_the_last_day_is_named(clock: VirtualClock) -> None:
    async with (
        Simulator(clock=clock, oauth=False) as vendor,
        lend_account("support", home=vendor.base, clock=clock) as account,
    ):
        zendesk = Zendesk(Zendesk.Config(**vendor.settings()), account)
        (receipt,) = await say(zendesk, "hello")
        assert vendor.texts(receipt.conversation) == ["hello"]
        health = await zendesk.check()
        assert health.ok
        assert "30 April 2027" in health.facts["warning"].en
        vendor.gate.takes_api_tokens = False
        with pytest.raises(AuthFailed):
            await say(zendesk, "again", key="key-2")


async def test_an_oauth_account_has_nothing_to_warn_of(zendesk: Zendesk) -> None:
    health = await zendesk.check()
    assert health.ok and "warning" not in health.facts
    assert health.facts["user"] == "Bridge (admin)"


async def test_a_suspended_account(zendesk: Zendesk, vendor: Simulator) -> None:
    await say(zendesk, "hello")
    vendor.gate.suspended = True
    with pytest.raises(AuthFailed) as caught:
        await say(zendesk, "again", key="key-2")
    assert "suspended" in caught.value.message
    assert not (await zendesk.check()).ok
    vendor.gate.suspended = False
    assert (await zendesk.check()).ok
    await say(zendesk, "again", key="key-2")


@pytest.mark.parametrize("status", [200, 500, 502])
async def test_pages_instead_of_answers_are_uncertain(zendesk: Zendesk, vendor: Simulator, status: int) -> None:
    vendor.faults.add(Trouble.STATUS, "POST /api/v2/tickets", status=status, body=b"<html>maintenance</html>")
    with pytest.raises(Retryable) as caught:
        await say(zendesk, "hello")
    assert not caught.value.certain


async def test_a_wrong_role_and_a_light_agent_are_told(zendesk: Zendesk, vendor: Simulator) -> None:
    vendor.state.bridge.role = "end-user"
    vendor.state.bridge.only_private_comments = True
    problems = (await zendesk.check()).problems
    assert ["no agent" in problems[0].what, "private comments" in problems[1].what] == [True, True]


async def test_an_agents_credentials_are_told_to_be_no_admins(zendesk: Zendesk, vendor: Simulator) -> None:
    vendor.state.bridge.role = "agent"
    health = await zendesk.check()
    assert health.ok
    assert "no admin" in health.facts["export"].en


async def test_polling_without_a_secret_is_said(vendor: Simulator, clock: VirtualClock) -> None:
    async with lend_account("support", home=vendor.base, clock=clock) as account:
        zendesk = Zendesk(Zendesk.Config(**vendor.settings() | {"webhook_secret": ""}), account)
        health = await zendesk.check()
        assert health.ok, "it can work, only later"
        (problem,) = health.problems
        assert "callbacks are refused" in problem.what and "bridge setup zendesk --account " in problem.remedy


async def test_dropped_keys_are_shown(zendesk: Zendesk, vendor: Simulator) -> None:
    vendor.tickets.warned = ""
    zendesk._api.warned = "{:unpermitted_keys=>['x']}"
    assert "unpermitted_keys" in (await zendesk.check()).facts["api warning"]


# Configuration


def config(**changes: Any) -> Any:
    return Zendesk.Config(**{name: value for name, value in (SETTINGS | changes).items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": ""}, "client_id is missing"),
        ({"client_secret": ""}, "client_secret is missing"),
        ({"client_id": "", "client_secret": ""}, "no credentials"),
        ({"client_id": "", "client_secret": "", "email": "a@acme.example"}, "api_token is missing"),
        ({"api_token": "x"}, "email is missing"),
        ({"subdomain": "acme.example.com"}, "first part"),
        ({"subdomain": ""}, "first part"),
        ({"webhook_secret": PUBLIC_SECRET}, "public test secret"),
        ({"token_lifetime": "72h"}, "48h"),
        ({"tag": "two words"}, "one tag"),
        ({"plan": "free"}, "plan"),
    ],
)
def test_a_fault_in_the_configuration_says_what_to_do(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        config(**changes)
    errors = caught.value.errors()
    assert len(errors) == 1
    assert words in f"{errors[0]['loc']} {errors[0]['msg']}"
    assert "\n" not in errors[0]["msg"]


@pytest.mark.parametrize("subdomain", ["acme", "ACME", "acme.zendesk.com", "https://acme.zendesk.com/"])
def test_a_subdomain_is_read_as_people_write_it(subdomain: str) -> None:
    assert config(subdomain=subdomain).root == "https://acme.zendesk.com"


@pytest.mark.parametrize("base", ["http://127.0.0.1:9", "http://127.0.0.1:9/", "http://127.0.0.1:9/api/v2"])
def test_an_api_base_is_read_as_examples_write_it(base: str) -> None:
    assert config(api_base=base).root == "http://127.0.0.1:9"


def test_the_plan_decides_the_rate(clock: VirtualClock) -> None:
    from zendesk_rig import make_zendesk

    rates = [make_zendesk(clock, plan=plan).capabilities.rate for plan in ("team", "enterprise_plus")]
    assert [rate.count for rate in rates if rate] == [200, 2500]

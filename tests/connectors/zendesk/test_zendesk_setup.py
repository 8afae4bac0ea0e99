"""`bridge setup zendesk`: shown before it is done, repeatable, repairable, and taken away again."""

from collections.abc import AsyncIterator

import pytest
from zendesk_rig import say

from bridge.contract import SetUpChange, Words
from bridge.testing.clock import VirtualClock
from bridge.testing.conformance.harness import Harness, Hook
from bridge.testing.rig import lend_account
from connectors.zendesk import Zendesk
from connectors.zendesk.simulator import Simulator


@pytest.fixture
async def bare(vendor: Simulator, clock: VirtualClock) -> AsyncIterator[Zendesk]:
    """An account without a webhook secret."""
    async with lend_account("support", home=vendor.base, clock=clock) as account:
        yield Zendesk(Zendesk.Config(**vendor.settings() | {"webhook_secret": "", "allowance_fields": True}), account)


async def apply(changes: list[SetUpChange]) -> list[str | Words]:
    return [await change.apply() for change in changes if change.apply is not None]


async def test_a_plan_changes_nothing_and_names_everything(bare: Zendesk, vendor: Simulator) -> None:
    texts = [change.text for change in await bare.plan()]
    assert len(texts) == 6
    assert "webhook 'Bridge (support)'" in texts[0] and bare.account.hook_url in texts[0]
    assert all("trigger" in text for text in texts[1:4])
    assert "'Replies left'" in texts[4]
    assert (vendor.hooks.webhooks, vendor.hooks.triggers) == ({}, {})


async def test_a_box_lets_agents_begin(vendor: Simulator, clock: VirtualClock) -> None:
    """With `start_tag` a checkbox that sets it, a trigger for new tickets that have it, and both tags in the others."""
    async with lend_account("support", home=vendor.base, clock=clock) as account:
        keys = {"webhook_secret": "", "start_tag": "write-to-customer"}
        zendesk = Zendesk(Zendesk.Config(**vendor.settings() | keys), account)
        await apply(list(await zendesk.plan()))
        assert list(await zendesk.plan()) == []
        (box,) = [one for one in vendor.state.fields.values() if one["title"] == "Write to the customer"]
        assert (box["type"], box["tag"]) == ("checkbox", "write-to-customer")
        tags = {
            condition["value"]
            for trigger in vendor.hooks.triggers.values()
            for condition in trigger["conditions"]["all"]
            if condition["field"] == "current_tags"
        }
        assert tags == {"bridge write-to-customer", "write-to-customer"}
        await apply(list(await zendesk.plan(remove=True)))
        assert vendor.hooks.triggers == {} and box not in vendor.state.fields.values()


async def test_set_up_twice_changes_nothing_more(bare: Zendesk, vendor: Simulator) -> None:
    await apply(list(await bare.plan()))
    assert list(await bare.plan()) == []
    (webhook,) = vendor.hooks.webhooks.values()
    assert webhook.fields["subscriptions"] == ["conditional_ticket_events"]
    assert len(vendor.hooks.triggers) == 3
    for trigger in vendor.hooks.triggers.values():
        template = trigger["actions"][0]["value"][1]
        assert "ticket.id" in template and "comment" not in template, "ids only"
    assert {field["title"] for field in vendor.state.fields.values()} == {"Channel", "Replies left", "Window closes at"}


async def test_what_was_set_up_calls_and_verifies(vendor: Simulator, clock: VirtualClock) -> None:
    """From nothing to an answer that is announced: the secret was read over the API."""
    async with Hook("support", clock) as hook, lend_account("support", home=vendor.base, clock=clock) as account:
        object.__setattr__(account, "hook_url", hook.base)
        zendesk = Zendesk(Zendesk.Config(**vendor.settings() | {"webhook_secret": ""}), account)
        hook.harness = harness = Harness(clock, account, zendesk, vendor)
        await apply(list(await zendesk.plan()))
        (first,) = await say(zendesk, "hello")
        await vendor.called()
        assert harness.requests == [], "a creation is no answer"
        await vendor.agent_says(first.conversation, "<p>answer</p>")
        await vendor.agent_says(first.conversation, "<p>#retry</p>", public=False)
        await vendor.agent_solves(first.conversation)
        assert vendor.hooks.invocations == [200, 200, 200]
        result = await zendesk.verify(harness.requests[0])
        assert result.refresh == (first.conversation,)


async def test_trap_11_a_reinstalled_webhook_gets_its_triggers_back(bare: Zendesk, vendor: Simulator) -> None:
    """The webhook was deleted by hand and made anew: the triggers named one that is gone."""
    await apply(list(await bare.plan()))
    vendor.hooks.webhooks.clear()
    await apply(list(await bare.plan()))
    assert list(await bare.plan()) == []
    (webhook,) = vendor.hooks.webhooks.values()
    assert {trigger["actions"][0]["value"][0] for trigger in vendor.hooks.triggers.values()} == {webhook.id}
    assert len(vendor.hooks.triggers) == 3


async def test_differences_are_repaired(bare: Zendesk, vendor: Simulator) -> None:
    await apply(list(await bare.plan()))
    (webhook,) = vendor.hooks.webhooks.values()
    first = next(iter(vendor.hooks.triggers.values()))
    webhook.fields |= {"endpoint": "https://old.example/hooks", "status": "inactive"}
    webhook.secret = "reset at the vendor"
    first["conditions"]["all"] = first["conditions"]["all"][:1]
    changes = list(await bare.plan())
    assert [change.text.split()[0] for change in changes] == ["Point", "Keep", "Repair"]
    assert not any("reset at the vendor" in change.text for change in changes)
    await apply(changes)
    assert list(await bare.plan()) == []
    assert webhook.fields["endpoint"] == bare.account.hook_url


async def test_everything_is_taken_away(bare: Zendesk, vendor: Simulator) -> None:
    await apply(list(await bare.plan()))
    vendor.hooks.triggers[5] = {"id": 5, "title": "somebody's own", "conditions": {}, "actions": []}
    changes = list(await bare.plan(remove=True))
    assert [change.text.split()[2] for change in changes] == [
        "trigger",
        "trigger",
        "trigger",
        "webhook",
        "ticket",
        "ticket",
    ]
    await apply(changes)
    assert (vendor.hooks.webhooks, list(vendor.hooks.triggers)) == ({}, [5])
    assert list(vendor.state.fields) == [900]
    assert list(await bare.plan(remove=True)) == []
    assert "callbacks" in (await bare.check()).facts, "the secret is forgotten"


async def test_two_accounts_do_not_meet(bare: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    await apply(list(await bare.plan()))
    async with lend_account("other", home=vendor.base, clock=clock) as account:
        other = Zendesk(Zendesk.Config(**vendor.settings()), account)
        await apply(list(await other.plan()))
    assert len(vendor.hooks.webhooks) == 2
    assert list(await bare.plan()) == []


async def test_without_an_admin_it_is_told_by_hand(bare: Zendesk, vendor: Simulator) -> None:
    vendor.state.bridge.role = "agent"
    (change,) = await bare.plan()
    assert change.apply is None
    assert bare.account.hook_url in change.text

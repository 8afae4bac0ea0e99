"""`bridge setup`: what is changed, and what an admin is told to do by hand."""

import pytest

from connectors.freshdesk.setup import RULE

URL = "https://bridge.example.com/hooks/desk2"


async def test_the_steps_can_be_copied(bench):
    texts = [change.text for change in await bench.connector.plan()]
    assert all(change.apply is None for change in await bench.connector.plan())
    whole = "\n".join(texts)
    for needed in (
        "Ticket Updates",
        RULE,
        "Reply is sent",
        "Note is added",
        "Status is changed",
        "Tag is bridge",
        f"URL {URL}",
        "X-Bridge-Secret: <accounts.desk2.hook_secret>",
        '{"ticket_id":"{{ticket.id}}"}',
        "encoding JSON",
        "public note",
    ):
        assert needed in whole
    assert bench.desk.hook_secret not in whole


async def test_without_a_secret_the_first_step_is_to_make_one(bench):
    first = (await bench.configured(hook_secret="").plan())[0]
    assert "accounts.desk2.hook_secret" in first.text
    assert "openssl rand -hex 32" in first.text


async def test_a_rule_that_is_there_is_left_alone(bench):
    bench.desk.hook_url = URL
    assert list(await bench.connector.plan()) == []


async def test_a_rule_that_is_switched_off_is_switched_on(bench):
    bench.desk.hook_url = URL
    rules = bench.desk.site.rules.rules
    next(iter(rules.values()))["active"] = False
    (change,) = await bench.connector.plan()
    assert RULE in change.text
    assert not next(iter(rules.values()))["active"], "a plan changes nothing"
    await change.apply()
    assert next(iter(rules.values()))["active"]
    assert list(await bench.connector.plan()) == []


async def test_removing_takes_only_our_rules_away(bench):
    bench.desk.hook_url = URL
    bench.desk.site.rules.install("somebody's", "https://other.example/", "x", events=["status"], performer=3)
    for change in await bench.connector.plan(remove=True):
        await change.apply()
    assert [rule["name"] for rule in bench.desk.site.rules.rules.values()] == ["somebody's"]
    assert list(await bench.connector.plan(remove=True)) == []


async def test_an_agent_who_may_not_see_rules_gets_the_steps(bench):
    bench.desk.bridge.rights = False
    assert any(RULE in change.text for change in await bench.connector.plan())
    (change,) = await bench.connector.plan(remove=True)
    assert change.apply is None
    assert "delete" in change.text


@pytest.mark.parametrize("name", ["cf_missing", "cf_bridge"])
async def test_a_marker_field_must_be_there(bench, name):
    texts = [change.text for change in await bench.configured(marker_field=name).plan()]
    assert any("no ticket field" in text for text in texts) == (name == "cf_missing")

"""The allowance and long outages with the shipped connectors, on every helpdesk and a virtual clock.

The platform's simulator counts replies for itself; what agents see is read from the helpdesk's simulator.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.trace import trace_json
from bridge.contract import Raw
from bridge.engine.conversation.notices import say
from bridge.testing.faults import Trouble
from mappings import links
from tests.e2e.desks import DESKS, Desk, Freshdesk, Rt, Zendesk
from tests.engine.desk_harness import DeskHarness
from tests.engine.platform_harness import CUSTOMER, PICTURE, TEMPLATE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(params=DESKS, ids=lambda desk: desk.kind)
def desk(request: pytest.FixtureRequest) -> type[Desk]:
    found: type[Desk] = request.param
    return found


@pytest.fixture
def harness(desk: type[Desk], database_url: str, tmp_path: Path) -> DeskHarness:
    return DeskHarness(database_url, tmp_path, desk)


def told(harness: DeskHarness, what: str, language: str = "en", **values: object) -> list[str]:
    """The notes of one kind, by how they begin."""
    begin = say(language, what, channel="shop", **values)[:38]
    return [note for note in harness.notes if begin in note]


async def test_five_answers_go_and_the_sixth_waits_for_the_customer(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        for number in range(6):
            await harness.answer(f"answer {number}")
            await harness.wait(6)
        assert harness.received() == [f"answer {number}" for number in range(5)] and harness.refused() == []
        (note,) = told(harness, "window.spent")
        assert "answer 5" in note and "#cancel" in note
        await harness.asks("still there?")
        await harness.wait(6)
        assert harness.received()[-1] == "answer 5" and len(harness.received()) == 6


async def test_the_platforms_own_refusal_rules_and_held_answers_are_joined(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.platform.allowances[CUSTOMER].left = 0
        await harness.answer("one", "two")
        await harness.answer("three")
        assert harness.refused() == [45047] and len(told(harness, "window.spent")) == 1
        await harness.asks("again")
        await harness.wait(6)
        assert "\n".join(harness.received()) == "one\ntwo\nthree"


async def test_after_48_hours_an_answer_waits_and_ends_when_nobody_writes(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.wait(hours=49)
        await harness.answer("too late")
        assert len(told(harness, "window.over")) == 1 and harness.refused() == []
        await harness.wait(days=8)
        await harness.wait(10)
        assert len([note for note in harness.notes if "too late" in note]) == 2  # that it waits, that it ended
        await harness.asks("back again")
        await harness.wait(10)
        assert harness.received() == []


async def test_little_left_is_spent_well(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        for number in range(3):
            await harness.answer(f"answer {number}")
            await harness.wait(6)
        await harness.answer("short")
        await harness.answer("remarks")
        await harness.wait(6)
        assert harness.received()[3:] == ["short\nremarks"]
        await harness.wait(1)
        assert len(told(harness, "warn.last", until="")) == 1 and harness.phone.left(CUSTOMER) == 1
        await harness.answer("字" * 900)  # needs two messages
        await harness.wait(6)
        assert harness.phone.left(CUSTOMER) == 1 and harness.refused() == []


async def test_agents_are_warned_before_the_window_closes(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.wait(hours=44, minutes=30)
        await harness.wait(5)
        assert len(told(harness, "warn.closing", until="")) == 1
        await harness.wait(hours=1)
        assert len(told(harness, "warn.closing", until="")) == 1


async def test_agents_act_by_private_notes(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.fail(48002)
        await harness.answer("refused once")
        await harness.wait(5)
        (note,) = [note for note in harness.notes if "refused once" in note]
        assert "#retry" in note
        await harness.answer("#retry", private=True)
        await harness.wait(5)
        assert harness.received() == ["refused once"]
        await harness.answer("#status", private=True)
        await harness.wait(5)
        assert any("Replies left: 4." in note for note in harness.notes)
        harness.phone.platform.allowances[CUSTOMER].left = 0
        await harness.answer("never mind")
        await harness.answer("#cancel", private=True)
        await harness.asks("again")
        await harness.wait(10)
        assert harness.received() == ["refused once"]


async def test_a_file_goes_as_a_link_when_an_agent_says_so(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.fail(40007)
        await harness.attach("the picture", ("blue.png", "image/png", PICTURE))
        await harness.wait(5)
        sent = len(harness.received())
        await harness.answer("#text", private=True)
        await harness.wait(5)
        assert any("/media/" in text for text in harness.received()[sent:])


async def test_a_picture_with_a_caption_is_planned_whole(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        for number in range(4):
            await harness.answer(f"answer {number}")
            await harness.wait(6)
        await harness.attach("the plan", ("blue.png", "image/png", PICTURE))
        await harness.wait(6)
        assert kinds(harness) == ["text"] * 4 and harness.refused() == []
        assert len(told(harness, "window.short", cost=2, left=1)) == 1
        await harness.asks("again")
        await harness.wait(6)
        assert sorted(kinds(harness)[4:]) == ["image", "text"] and harness.phone.left(CUSTOMER) == 3


def kinds(harness: DeskHarness) -> list[str]:
    """What reached the phone."""
    return [bubble.kind for bubble in harness.phone.chat(CUSTOMER) if bubble.who == "service"]


async def test_the_trace_shows_the_allowance_at_each_decision(harness: DeskHarness) -> None:
    async with harness.running() as bridge:
        await harness.asks()
        for number in range(6):
            await harness.answer(f"answer {number}")
            await harness.wait(6)
        found = await bridge.store.read(trace_json, harness.desk.ticket, harness.clock())
        (link,) = found["links"]
        answers = [step for step in link["steps"] if step["to"] == "shop"]
        assert [step["allowance"]["means"].split()[0] for step in answers] == ["5", "4", "3", "2", "1"]
        assert [step["attempts"][0]["detail"][:18] for step in answers] == [
            f"(before it: {left} left" for left in (5, 4, 3, 2, 1)
        ]
        assert [row["held"] for row in link["waiting"] if row["to"] == "shop"] == ["window.spent (0 left)"]


async def test_a_consent_invites_the_customer_back_once(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.phone.accepts(CUSTOMER, TEMPLATE)
        await harness.wait(hours=49)
        await harness.answer("one")
        await harness.answer("two")
        await harness.wait(5)
        (invitation,) = [bubble for bubble in harness.phone.chat(CUSTOMER) if bubble.who == "platform"]
        assert invitation.body["page"] == "pages/chat" and len(told(harness, "invited")) == 1
        await harness.asks("here I am")
        await harness.wait(6)
        assert "\n".join(harness.received()).endswith("one\ntwo")


async def test_notes_speak_chinese_where_that_is_configured(harness: DeskHarness) -> None:
    async with harness.running() as bridge:
        object.__setattr__(bridge.settings.bridge, "language", "zh")
        await harness.asks()
        harness.phone.platform.allowances[CUSTOMER].left = 0
        await harness.answer("好的")
        assert len(told(harness, "window.spent", "zh")) == 1


async def test_unconfirmed_is_told_and_never_repeated(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.faults.add(Trouble.RESET_AFTER, "custom/send")
        await harness.answer("perhaps")
        await harness.wait(60)
        await harness.wait(60)
        assert len(told(harness, "unconfirmed")) == 1 and harness.received() == ["perhaps"]


async def test_two_messages_greet_who_enters_at_night_and_by_day(
    desk: type[Desk], database_url: str, tmp_path: Path
) -> None:
    greeting = {
        "texts": ["We are here.", "Ask us."],
        "closed_texts": ["We are asleep."],
        "hours": "mon-sun 22:00-06:00",
    }
    routes = [{"channel": "shop", "desk": "desk", "greeting": greeting}]
    harness = DeskHarness(database_url, tmp_path, desk, routes=routes)
    async with harness.running():  # the clock begins on Monday at 09:00 UTC, 17:00 in Shanghai
        await harness.phone.enters("oCustomer_D")
        await harness.quiet()
        assert harness.received("oCustomer_D") == ["We are asleep."]
        await harness.wait(hours=10)
        await harness.phone.enters("oCustomer_N")
        await harness.quiet()
        assert harness.received("oCustomer_N") == ["We are here.", "Ask us."]
        assert harness.desk.tickets() == []


@pytest.mark.parametrize("desk", [Freshdesk, Zendesk], ids=lambda one: one.kind, indirect=True)
async def test_tags_follow_the_allowance(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.wait(10)
        assert "replies-left-5" in harness.tags
        await harness.answer("answer")
        await harness.wait(10)
        await harness.wait(10)
        assert "replies-left-4" in harness.tags and "replies-left-5" not in harness.tags
        await harness.wait(hours=49)
        await harness.wait(10)
        assert "replies-left-0" in harness.tags


async def test_a_desk_without_tags_shows_the_allowance_in_fields(database_url: str, tmp_path: Path) -> None:
    fields = {"replies_left_field": "Replies left", "window_closes_field": "Window closes at"}
    harness = DeskHarness(database_url, tmp_path, Rt, routes=[{"channel": "shop", "desk": "desk", **fields}])
    async with harness.running():
        await harness.asks()
        await harness.wait(10)
        shown = harness.desk.simulator.state.tickets[int(harness.desk.ticket)].fields
        assert shown == {"Replies left": "5", "Window closes at": "2026-01-07 09:00 UTC"}
        await harness.answer("answer")
        for _ in range(3):
            await harness.wait(10)
        assert shown["Replies left"] == "4"
        assert harness.received() == ["answer"] and harness.desk.seen() == ["hello"]


@pytest.mark.parametrize("desk", [Freshdesk, Zendesk], ids=lambda one: one.kind, indirect=True)
async def test_what_an_agent_changes_after_sending_is_flagged(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.answer("the code is 1234")
        assert harness.received() == ["the code is 1234"]
        await change_last(harness.desk)
        harness.clock.advance(1)
        await harness.read()
        await harness.read()
        assert len(told(harness, "changed.edited")) == 1 and harness.received() == ["the code is 1234"]


async def change_last(desk: Desk) -> None:
    """The agent changes what they wrote last."""
    if isinstance(desk, Zendesk):
        await desk.simulator.redacts(desk.ticket, str(desk.simulator.ticket(desk.ticket)[-1].id), "1234")
    else:
        last = desk.simulator.state.tickets[int(desk.ticket)].conversations[-1]
        await desk.simulator.edit(desk.ticket, str(last.id), "<div>the code is secret</div>")


@pytest.mark.parametrize("desk", [Zendesk], ids=lambda one: one.kind, indirect=True)
async def test_a_merged_user_stays_the_same_customer(harness: DeskHarness) -> None:
    async with harness.running() as bridge:
        await harness.asks("before")
        state = harness.desk.simulator.state
        loser = state.tickets[int(harness.desk.ticket)].requester
        winner = state.add_user("Customer of old", email="of.old@acme.example")
        harness.desk.simulator.merges_users(loser, winner.id)
        assert bridge.engine is not None
        told = {"what": "user", "user": str(loser), "merged_into": str(winner.id)}
        await bridge.engine.persist("desk", (Raw(f"user:{loser}:merged:{winner.id}", json.dumps(told).encode()),))
        await harness.quiet()
        assert (await bridge.store.read(links.get_link, 1)).peer == str(winner.id)
        await harness.asks("after")
        assert harness.desk.seen() == ["before", "after"] and len(harness.desk.tickets()) == 1
        (last,) = [one for one in harness.desk.simulator.ticket(harness.desk.ticket) if "after" in one.text]
        assert last.author == winner.id


async def test_the_desk_is_down_for_an_hour(harness: DeskHarness) -> None:
    """Nothing lost, doubled or reordered, and what was said meanwhile comes at once when it is back."""
    async with harness.running():
        await harness.asks("before")
        await harness.desk.stop()
        for minute in range(12):
            await harness.phone.says(CUSTOMER, f"minute {minute * 5}")
            await harness.wait(minutes=5)
        await harness.desk.start()
        for _ in range(8):
            await harness.wait(60)
        assert harness.desk.seen() == ["before", *(f"minute {minute * 5}" for minute in range(12))]
        assert len(harness.desk.tickets()) == 1
        await harness.answer("sorry for the wait")
        await harness.wait(6)
        assert harness.received() == ["sorry for the wait"]


@pytest.mark.parametrize("desk", [Zendesk], ids=lambda one: one.kind, indirect=True)
async def test_a_burst_stays_below_the_desks_limit_and_nothing_waits_needlessly(
    harness: DeskHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """30 updates in ten minutes is what a ticket takes; the first ones go at once."""
    gate, refused = harness.desk.simulator.gate, []
    admit = type(gate).admit_update

    def admitted(gate: Any, ticket: int, user: int) -> Any:
        try:
            return admit(gate, ticket, user)
        except Exception:
            refused.append(harness.clock())
            raise

    monkeypatch.setattr(type(gate), "admit_update", admitted)
    async with harness.running():
        await harness.asks("line 0")
        for number in range(1, 6):
            await harness.asks(f"line {number}")
            assert harness.desk.seen()[-1] == f"line {number}"
            await harness.wait(1)
        for number in range(6, 60):
            await harness.phone.says(CUSTOMER, f"line {number}")
            await harness.wait(10)
        for _ in range(12):
            await harness.wait(60)
        assert harness.desk.seen() == [f"line {number}" for number in range(60)]
        assert refused == []
        (note,) = [note for note in harness.notes if "faster than this desk takes updates" in note]
        assert "30 in 10 minutes" in note

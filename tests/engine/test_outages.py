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
from tests.engine.desk_harness import Avenue
from tests.engine.platform_harness import CUSTOMER, PICTURE, TEMPLATE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(params=DESKS, ids=lambda desk: desk.kind)
def desk(request: pytest.FixtureRequest) -> type[Desk]:
    found: type[Desk] = request.param
    return found


@pytest.fixture
def avenue(desk: type[Desk], database_url: str, tmp_path: Path) -> Avenue:
    return Avenue(database_url, tmp_path, desk)


def told(avenue: Avenue, what: str, language: str = "en", **values: object) -> list[str]:
    """The notes of one kind, by how they begin."""
    begin = say(language, what, channel="shop", **values)[:38]
    return [note for note in avenue.notes if begin in note]


async def test_five_answers_go_and_the_sixth_waits_for_the_customer(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        for number in range(6):
            await avenue.answer(f"answer {number}")
            await avenue.wait(6)
        assert avenue.received() == [f"answer {number}" for number in range(5)] and avenue.refused() == []
        (note,) = told(avenue, "window.spent")
        assert "answer 5" in note and "#cancel" in note
        await avenue.asks("still there?")
        await avenue.wait(6)
        assert avenue.received()[-1] == "answer 5" and len(avenue.received()) == 6


async def test_the_platforms_own_refusal_rules_and_held_answers_are_joined(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        avenue.phone.platform.allowances[CUSTOMER].left = 0
        await avenue.answer("one", "two")
        await avenue.answer("three")
        assert avenue.refused() == [45047] and len(told(avenue, "window.spent")) == 1
        await avenue.asks("again")
        await avenue.wait(6)
        assert "\n".join(avenue.received()) == "one\ntwo\nthree"


async def test_after_48_hours_an_answer_waits_and_ends_when_nobody_writes(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        await avenue.wait(hours=49)
        await avenue.answer("too late")
        assert len(told(avenue, "window.over")) == 1 and avenue.refused() == []
        await avenue.wait(days=8)
        await avenue.wait(10)
        assert len([note for note in avenue.notes if "too late" in note]) == 2  # that it waits, that it ended
        await avenue.asks("back again")
        await avenue.wait(10)
        assert avenue.received() == []


async def test_little_left_is_spent_well(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        for number in range(3):
            await avenue.answer(f"answer {number}")
            await avenue.wait(6)
        await avenue.answer("short")
        await avenue.answer("remarks")
        await avenue.wait(6)
        assert avenue.received()[3:] == ["short\nremarks"]
        await avenue.wait(1)
        assert len(told(avenue, "warn.last", until="")) == 1 and avenue.phone.left(CUSTOMER) == 1
        await avenue.answer("字" * 900)  # needs two messages
        await avenue.wait(6)
        assert avenue.phone.left(CUSTOMER) == 1 and avenue.refused() == []


async def test_agents_are_warned_before_the_window_closes(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        await avenue.wait(hours=44, minutes=30)
        await avenue.wait(5)
        assert len(told(avenue, "warn.closing", until="")) == 1
        await avenue.wait(hours=1)
        assert len(told(avenue, "warn.closing", until="")) == 1


async def test_agents_act_by_private_notes(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        avenue.phone.fail(48002)
        await avenue.answer("refused once")
        await avenue.wait(5)
        (note,) = [note for note in avenue.notes if "refused once" in note]
        assert "#retry" in note
        await avenue.answer("#retry", private=True)
        await avenue.wait(5)
        assert avenue.received() == ["refused once"]
        await avenue.answer("#status", private=True)
        await avenue.wait(5)
        assert any("Replies left: 4." in note for note in avenue.notes)
        avenue.phone.platform.allowances[CUSTOMER].left = 0
        await avenue.answer("never mind")
        await avenue.answer("#cancel", private=True)
        await avenue.asks("again")
        await avenue.wait(10)
        assert avenue.received() == ["refused once"]


async def test_a_file_goes_as_a_link_when_an_agent_says_so(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        avenue.phone.fail(40007)
        await avenue.attach("the picture", ("blue.png", "image/png", PICTURE))
        await avenue.wait(5)
        sent = len(avenue.received())
        await avenue.answer("#text", private=True)
        await avenue.wait(5)
        assert any("/media/" in text for text in avenue.received()[sent:])


async def test_a_picture_with_a_caption_is_planned_whole(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        for number in range(4):
            await avenue.answer(f"answer {number}")
            await avenue.wait(6)
        await avenue.attach("the plan", ("blue.png", "image/png", PICTURE))
        await avenue.wait(6)
        assert kinds(avenue) == ["text"] * 4 and avenue.refused() == []
        assert len(told(avenue, "window.short", cost=2, left=1)) == 1
        await avenue.asks("again")
        await avenue.wait(6)
        assert sorted(kinds(avenue)[4:]) == ["image", "text"] and avenue.phone.left(CUSTOMER) == 3


def kinds(avenue: Avenue) -> list[str]:
    """What reached the phone."""
    return [bubble.kind for bubble in avenue.phone.chat(CUSTOMER) if bubble.who == "service"]


async def test_the_trace_shows_the_allowance_at_each_decision(avenue: Avenue) -> None:
    async with avenue.running() as bridge:
        await avenue.asks()
        for number in range(6):
            await avenue.answer(f"answer {number}")
            await avenue.wait(6)
        found = await bridge.store.read(trace_json, avenue.desk.ticket, avenue.clock())
        (link,) = found["links"]
        answers = [step for step in link["steps"] if step["to"] == "shop"]
        assert [step["ledger"]["means"].split()[0] for step in answers] == ["5", "4", "3", "2", "1"]
        assert [step["attempts"][0]["detail"][:18] for step in answers] == [
            f"(before it: {left} left" for left in (5, 4, 3, 2, 1)
        ]
        assert [row["held"] for row in link["waiting"] if row["to"] == "shop"] == ["window.spent (0 left)"]


async def test_a_consent_invites_the_customer_back_once(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        await avenue.phone.accepts(CUSTOMER, TEMPLATE)
        await avenue.wait(hours=49)
        await avenue.answer("one")
        await avenue.answer("two")
        await avenue.wait(5)
        (invitation,) = [bubble for bubble in avenue.phone.chat(CUSTOMER) if bubble.who == "platform"]
        assert invitation.body["page"] == "pages/chat" and len(told(avenue, "invited")) == 1
        await avenue.asks("here I am")
        await avenue.wait(6)
        assert "\n".join(avenue.received()).endswith("one\ntwo")


async def test_notes_speak_chinese_where_that_is_configured(avenue: Avenue) -> None:
    async with avenue.running() as bridge:
        object.__setattr__(bridge.settings.bridge, "language", "zh")
        await avenue.asks()
        avenue.phone.platform.allowances[CUSTOMER].left = 0
        await avenue.answer("好的")
        assert len(told(avenue, "window.spent", "zh")) == 1


async def test_unconfirmed_is_told_and_never_repeated(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        avenue.phone.faults.add(Trouble.RESET_AFTER, "custom/send")
        await avenue.answer("perhaps")
        await avenue.wait(60)
        await avenue.wait(60)
        assert len(told(avenue, "unconfirmed")) == 1 and avenue.received() == ["perhaps"]


async def test_two_messages_greet_who_enters_at_night_and_by_day(
    desk: type[Desk], database_url: str, tmp_path: Path
) -> None:
    greeting = {
        "texts": ["We are here.", "Ask us."],
        "closed_texts": ["We are asleep."],
        "hours": "mon-sun 22:00-06:00",
    }
    routes = [{"channel": "shop", "desk": "desk", "greeting": greeting}]
    avenue = Avenue(database_url, tmp_path, desk, routes=routes)
    async with avenue.running():  # the clock begins on Monday at 09:00 UTC, 17:00 in Shanghai
        await avenue.phone.enters("oCustomer_D")
        await avenue.quiet()
        assert avenue.received("oCustomer_D") == ["We are asleep."]
        await avenue.wait(hours=10)
        await avenue.phone.enters("oCustomer_N")
        await avenue.quiet()
        assert avenue.received("oCustomer_N") == ["We are here.", "Ask us."]
        assert avenue.desk.tickets() == []


@pytest.mark.parametrize("desk", [Freshdesk, Zendesk], ids=lambda one: one.kind, indirect=True)
async def test_tags_follow_the_allowance(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        await avenue.wait(10)
        assert "replies-left-5" in avenue.tags
        await avenue.answer("answer")
        await avenue.wait(10)
        await avenue.wait(10)
        assert "replies-left-4" in avenue.tags and "replies-left-5" not in avenue.tags
        await avenue.wait(hours=49)
        await avenue.wait(10)
        assert "replies-left-0" in avenue.tags


async def test_a_desk_without_tags_shows_the_allowance_in_fields(database_url: str, tmp_path: Path) -> None:
    fields = {"replies_left_field": "Replies left", "window_closes_field": "Window closes at"}
    avenue = Avenue(database_url, tmp_path, Rt, routes=[{"channel": "shop", "desk": "desk", **fields}])
    async with avenue.running():
        await avenue.asks()
        await avenue.wait(10)
        shown = avenue.desk.simulator.state.tickets[int(avenue.desk.ticket)].fields
        assert shown == {"Replies left": "5", "Window closes at": "2026-01-07 09:00 UTC"}
        await avenue.answer("answer")
        for _ in range(3):
            await avenue.wait(10)
        assert shown["Replies left"] == "4"
        assert avenue.received() == ["answer"] and avenue.desk.seen() == ["hello"]


@pytest.mark.parametrize("desk", [Freshdesk, Zendesk], ids=lambda one: one.kind, indirect=True)
async def test_what_an_agent_changes_after_sending_is_flagged(avenue: Avenue) -> None:
    async with avenue.running():
        await avenue.asks()
        await avenue.answer("the code is 1234")
        assert avenue.received() == ["the code is 1234"]
        await change_last(avenue.desk)
        avenue.clock.advance(1)
        await avenue.read()
        await avenue.read()
        assert len(told(avenue, "changed.edited")) == 1 and avenue.received() == ["the code is 1234"]


async def change_last(desk: Desk) -> None:
    """The agent changes what they wrote last."""
    if isinstance(desk, Zendesk):
        await desk.simulator.redacts(desk.ticket, str(desk.simulator.ticket(desk.ticket)[-1].id), "1234")
    else:
        last = desk.simulator.state.tickets[int(desk.ticket)].conversations[-1]
        await desk.simulator.edit(desk.ticket, str(last.id), "<div>the code is secret</div>")


@pytest.mark.parametrize("desk", [Zendesk], ids=lambda one: one.kind, indirect=True)
async def test_a_merged_user_stays_the_same_customer(avenue: Avenue) -> None:
    async with avenue.running() as bridge:
        await avenue.asks("before")
        state = avenue.desk.simulator.state
        loser = state.tickets[int(avenue.desk.ticket)].requester
        winner = state.add_user("Customer of old", email="of.old@acme.example")
        avenue.desk.simulator.merges_users(loser, winner.id)
        assert bridge.engine is not None
        told = {"what": "user", "user": str(loser), "merged_into": str(winner.id)}
        await bridge.engine.keep("desk", (Raw(f"user:{loser}:merged:{winner.id}", json.dumps(told).encode()),))
        await avenue.quiet()
        assert (await bridge.store.read(links.get_link, 1)).peer == str(winner.id)
        await avenue.asks("after")
        assert avenue.desk.seen() == ["before", "after"] and len(avenue.desk.tickets()) == 1
        (last,) = [one for one in avenue.desk.simulator.ticket(avenue.desk.ticket) if "after" in one.text]
        assert last.author == winner.id


async def test_the_desk_is_down_for_an_hour(avenue: Avenue) -> None:
    """Nothing lost, doubled or reordered, and what was said meanwhile comes at once when it is back."""
    async with avenue.running():
        await avenue.asks("before")
        await avenue.desk.stop()
        for minute in range(12):
            await avenue.phone.says(CUSTOMER, f"minute {minute * 5}")
            await avenue.wait(minutes=5)
        await avenue.desk.start()
        for _ in range(8):
            await avenue.wait(60)
        assert avenue.desk.seen() == ["before", *(f"minute {minute * 5}" for minute in range(12))]
        assert len(avenue.desk.tickets()) == 1
        await avenue.answer("sorry for the wait")
        await avenue.wait(6)
        assert avenue.received() == ["sorry for the wait"]


@pytest.mark.parametrize("desk", [Zendesk], ids=lambda one: one.kind, indirect=True)
async def test_a_burst_stays_below_the_desks_limit_and_nothing_waits_needlessly(
    avenue: Avenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """30 updates in ten minutes is what a ticket takes; the first ones go at once."""
    gate, refused = avenue.desk.simulator.gate, []
    admit = type(gate).admit_update

    def admitted(gate: Any, ticket: int, user: int) -> Any:
        try:
            return admit(gate, ticket, user)
        except Exception:
            refused.append(avenue.clock())
            raise

    monkeypatch.setattr(type(gate), "admit_update", admitted)
    async with avenue.running():
        await avenue.asks("line 0")
        for number in range(1, 6):
            await avenue.asks(f"line {number}")
            assert avenue.desk.seen()[-1] == f"line {number}"
            await avenue.wait(1)
        for number in range(6, 60):
            await avenue.phone.says(CUSTOMER, f"line {number}")
            await avenue.wait(10)
        for _ in range(12):
            await avenue.wait(60)
        assert avenue.desk.seen() == [f"line {number}" for number in range(60)]
        assert refused == []

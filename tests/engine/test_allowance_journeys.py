"""The reply allowance, journey by journey: the simulated platform counts for itself, agents see a desk."""

from pathlib import Path
from typing import Any

import pytest

from bridge.contract import Step
from bridge.engine.conversation.notices import say
from tests.engine.platform_harness import CUSTOMER, TEMPLATE, Street


@pytest.fixture
def street(database_url: str, tmp_path: Path) -> Street:
    return Street(database_url, tmp_path)


def told(street: Street, what: str, language: str = "en", **values: object) -> list[str]:
    """The notes of one kind."""
    text = say(language, what, channel="shop", **values)
    return [note for note in street.notes if note.startswith(text)]


async def spend(street: Street, count: int, first: int = 0) -> None:
    """An agent answers, with time for a breath between."""
    for number in range(first, first + count):
        await street.answer(f"answer {number}")
        await street.wait(6)


async def test_five_answers_go_and_the_sixth_waits(street: Street) -> None:
    async with street.running():
        await street.asks()
        await spend(street, 6)
        assert street.received() == [f"answer {number}" for number in range(5)]
        assert street.refused() == []
        (note,) = told(street, "window.spent")
        assert note.endswith("> answer 5")
        assert "#cancel" in note
        await street.asks("still there?")
        assert street.received()[-1] == "answer 5"
        assert street.phone.left(CUSTOMER) == 4


async def test_limits_come_from_the_configuration(street: Street) -> None:
    street.window = {"replies": 3, "lasts": "1h"}
    street.phone.replies = 3
    async with street.running():
        await street.asks()
        await spend(street, 4)
        assert len(street.received()) == 3
        assert street.refused() == []
        await street.asks("again")
        await street.wait(hours=2)
        await street.answer("late")
        assert len(told(street, "window.over")) == 1
        assert street.refused() == []


async def test_the_platforms_refusal_corrects_the_count_at_once(street: Street) -> None:
    async with street.running():
        await street.asks()
        street.phone.platform.allowances[CUSTOMER].left = 0  # somebody else used it up
        await street.answer("one")
        await street.answer("two")
        await street.answer("three")
        assert street.refused() == [45047]
        assert len(told(street, "window.spent")) == 1
        assert street.received() == []
        await street.answer("#status", private=True)
        assert any(note.startswith("Replies left: 0.") for note in street.notes)
        await street.asks("again")
        assert "\n".join(street.received()) == "one\ntwo\nthree"


async def test_a_refusal_for_time_is_told_as_such(street: Street) -> None:
    async with street.running():
        await street.asks()
        street.phone.fail(45015)
        await street.answer("one")
        assert len(told(street, "window.over")) == 1
        await street.asks("again")
        assert street.received() == ["one"]


async def test_a_refusal_that_the_customer_has_overtaken_is_history(street: Street) -> None:
    async with street.running():
        await street.asks()
        street.phone.fail(45047)
        send = street.phone.platform.app

        async def slow(scope: Any, receive: Any, give: Any) -> None:
            if scope["type"] == "http" and scope["path"].endswith("custom/send") and not overtaken:
                overtaken.append(True)
                street.clock.advance(1)
                await street.phone.says(CUSTOMER, "one more thing")
                await street.until(lambda: "one more thing" in street.town.visible(street.only_ticket))
            await send(scope, receive, give)

        overtaken: list[bool] = []
        street.phone.faults._app = slow
        await street.answer("one")
        assert overtaken
        assert street.received() == ["one"]
        assert street.notes == []


async def test_with_little_left_short_remarks_are_joined(street: Street) -> None:
    async with street.running():
        await street.asks()
        await spend(street, 3)
        await street.answer("first")
        assert len(street.received()) == 3  # it waits a moment
        await street.answer("second")
        await street.wait(6)
        assert street.received()[3:] == ["first\nsecond"]
        assert street.phone.left(CUSTOMER) == 1


async def test_with_plenty_left_nothing_waits(street: Street) -> None:
    async with street.running():
        await street.asks()
        await street.answer("first")
        await street.answer("second")
        assert street.received() == ["first", "second"]


async def test_a_text_that_needs_more_than_is_left_is_not_begun(street: Street) -> None:
    async with street.running():
        await street.asks()
        await spend(street, 3)
        long = "word " * 1000  # three sends
        await street.answer(long)
        await street.wait(6)
        assert len(street.received()) == 3
        assert street.phone.left(CUSTOMER) == 2
        assert len(told(street, "window.short", cost=3, left=2)) == 1
        await street.asks("again")
        assert " ".join("".join(street.received()[3:]).split()) == long.strip() or len(street.received()) == 6


async def test_the_last_reply_is_not_spent_on_a_fragment(street: Street) -> None:
    async with street.running():
        await street.asks()
        await street.answer("x" * 2000 * 7)  # longer than any window
        await street.wait(6)
        assert len(street.received()) == 4
        assert street.phone.left(CUSTOMER) == 1
        assert len(told(street, "window.rest")) == 1
        await street.asks("again")
        await street.wait(6)
        assert "".join(street.received()) == "x" * 2000 * 7
        assert street.refused() == []


async def test_a_picture_with_a_caption_costs_two_and_is_planned_whole(street: Street) -> None:
    async with street.running():
        await street.asks()
        await spend(street, 4)
        await street.send_picture("plan.png", "the plan")
        await street.wait(6)
        assert [bubble.kind for bubble in street.phone.chat(CUSTOMER) if bubble.who == "service"] == ["text"] * 4
        assert len(told(street, "window.short", cost=2, left=1)) == 1
        await street.asks("again")
        kinds = [bubble.kind for bubble in street.phone.chat(CUSTOMER) if bubble.who == "service"]
        assert kinds[4:] == ["image", "text"]
        assert street.phone.left(CUSTOMER) == 3


async def test_refused_is_told_with_reason_and_way_out_once_for_a_burst(street: Street) -> None:
    async with street.running():
        await street.asks()
        street.phone.fail(48002, times=3)
        await street.answer("one", "two", "three")
        await street.wait(3)
        (note,) = [note for note in street.notes if note.startswith("Not delivered:")]
        assert all(f"> {text}" in note for text in ("one", "two", "three"))
        assert "#retry" in note
        await street.answer("four")
        assert street.received() == ["four"]


async def test_notes_speak_the_configured_language(street: Street) -> None:
    async with street.running() as bridge:
        object.__setattr__(bridge.settings.bridge, "language", "zh")
        await street.asks()
        await spend(street, 6)
        assert len(told(street, "window.spent", "zh")) == 1
        assert len(street.notes) == len([note for note in street.notes if any(ord(sign) > 0x4E00 for sign in note)])


async def test_unconfirmed_is_no_failure_and_uses_a_reply_up(street: Street) -> None:
    async with street.running():
        await street.asks()
        street.phone.fail(-1, times=9, carried_out=False)
        await street.answer("one")
        for _ in range(12):
            await street.wait(40)
        assert len(told(street, "unconfirmed")) == 1
        await street.answer("#status", private=True)
        assert any("Replies left: 4." in note and "Not delivered: 1." in note for note in street.notes)


async def test_an_account_that_rests_is_told_within_seconds_to_every_conversation(street: Street) -> None:
    async with street.running() as bridge:
        await street.asks()
        await street.asks("me too", "oCustomer_B")
        one, two = street.town.tickets
        street.phone.platform.may_send = False
        from mappings import state

        await bridge.store.write(state.pause, "shop", "auth: 40001: refused", street.clock())
        await street.answer("one", ticket=one)
        await street.answer("two", ticket=two)
        await street.answer("and", "more", ticket=two)
        await street.wait(6)
        for ticket in (one, two):
            (note,) = street.town.notes(ticket)
            assert note.startswith(say("en", "paused", channel="shop", code="40001"))
        street.phone.platform.may_send = True
        await bridge.store.write(state.resume, "shop")
        await street.wait(1)
        assert street.received() == ["one"]
        assert street.received("oCustomer_B") == ["two", "and", "more"]


async def test_a_throttled_answer_is_told_once_and_goes_by_itself(street: Street) -> None:
    async with street.running():
        await street.asks()
        street.phone.fail(45011)
        await street.answer("one")
        await street.answer("two")
        await street.wait(7)
        (note,) = street.notes
        assert note.startswith("Waiting: shop takes no more messages")
        await street.wait(70)
        await street.wait(70)
        assert street.received() == ["one", "two"]
        assert len(street.notes) == 1


async def test_warned_before_the_window_closes_on_an_unanswered_customer(street: Street) -> None:
    async with street.running():
        await street.asks()
        await street.wait(hours=43)
        assert street.notes == []
        await street.wait(hours=1, minutes=1)
        (note,) = street.notes
        assert note.startswith("The customer has no answer yet")
        await street.wait(hours=1)
        assert len(street.notes) == 1


async def test_no_warning_for_a_customer_who_was_answered(street: Street) -> None:
    async with street.running():
        await street.asks()
        await street.answer("here")
        await street.wait(hours=47)
        assert street.notes == []


async def test_told_when_one_reply_is_left(street: Street) -> None:
    async with street.running():
        await street.asks()
        await spend(street, 4)
        assert [note for note in street.notes if note.startswith("One reply is left")] == street.notes
        assert len(street.notes) == 1


async def test_accepted_is_never_called_read(street: Street) -> None:
    from bridge.engine.conversation.notices import _TEXTS

    words = " ".join(text["en"] for text in _TEXTS.values()).lower().split()
    assert "read" not in words
    assert not any("已读" in text["zh"] for text in _TEXTS.values())
    async with street.running():
        await street.asks()
        await street.answer("one")
        await street.answer("#status", private=True)
        assert "Accepted by shop since the customer last wrote: 1." in street.notes[0]


async def test_labels_show_what_is_left_and_until_when(street: Street) -> None:
    street.options["routes"] = [
        {"channel": "shop", "desk": "desk", "replies_left_field": "cf_left", "window_closes_field": 360001}
    ]
    async with street.running():
        await street.asks()
        await street.wait(5)
        ticket = street.only_ticket
        assert street.shown[ticket] == [
            {
                "tags": ["replies-left-5", "replies-until-2026-01-07-0900"],
                "prefix": "replies-",
                "fields": {"cf_left": "5", "360001": "2026-01-07 09:00 UTC"},
            }
        ]
        await street.answer("one", "two", "three")
        await street.wait(5)
        assert [one["fields"]["cf_left"] for one in street.shown[ticket]] == ["5", "2"]  # one update for three answers
        await street.wait(60)
        assert len(street.shown[ticket]) == 2
        await street.wait(hours=48)
        await street.wait(5)
        assert street.shown[ticket][-1] == {
            "tags": ["replies-left-0"],
            "prefix": "replies-",
            "fields": {"cf_left": "0", "360001": ""},
        }
        assert len(street.shown[ticket]) == 3


async def test_labels_never_delay_words(street: Street) -> None:
    def trouble(account: str, step: Step, phase: str) -> None:
        if step.verb == "labels":
            raise RuntimeError("this desk cannot do it")

    street.town.trouble = trouble
    async with street.running():
        await street.asks()
        await street.wait(5)
        await street.asks("second")
        await street.answer("answer")
        for _ in range(5):
            await street.wait(300)
        assert street.town.visible(street.only_ticket) == ["hello", "second", "answer"]
        assert street.notes == []
        assert street.shown == {}


async def test_retry_really_sends_all_that_failed(street: Street) -> None:
    async with street.running():
        await street.asks()
        street.phone.fail(48002, times=2)
        await street.answer("one", "two")
        await street.answer("three")
        await street.wait(3)
        assert street.received() == ["three"]
        await street.answer("#retry", private=True)
        assert street.received() == ["three", "one", "two"]
        assert told(street, "retried", count=2)
        await street.answer("#retry", private=True)
        assert told(street, "nothing", command="#retry")
        assert street.received() == ["three", "one", "two"]


async def test_a_retry_that_fails_is_told_again(street: Street) -> None:
    async with street.running():
        await street.asks()
        street.phone.fail(48002, times=2)
        await street.answer("one")
        await street.wait(3)
        await street.answer("#retry", private=True)
        await street.wait(3)
        assert len([note for note in street.notes if note.startswith("Not delivered:")]) == 2
        await street.answer("#Retry!", private=True)
        assert street.received() == ["one"]


async def test_cancel_gives_up_what_waits(street: Street) -> None:
    async with street.running():
        await street.asks()
        await spend(street, 7)
        await street.answer("#cancel", private=True)
        assert told(street, "cancelled.count", count=2)
        await street.asks("again")
        assert street.received() == [f"answer {number}" for number in range(5)]
        await street.answer("new")
        assert street.received()[-1] == "new"


async def test_text_sends_a_link_in_place_of_the_file(street: Street) -> None:
    async with street.running():
        await street.asks()
        street.phone.fail(40009, where="media/upload", times=9)
        await street.send_picture("plan.png", "the plan")
        await street.wait(3)
        assert [note for note in street.notes if note.startswith("Not delivered:")]
        await street.answer("#text", private=True)
        sent = "\n".join(street.received())
        assert "https://bridge.example.com/media/" in sent
        assert "plan.png" in sent
        assert told(street, "texted", count=1)


async def test_status_and_a_mistyped_command_are_answered(street: Street) -> None:
    async with street.running():
        await street.asks()
        await street.answer("#status", private=True)
        assert street.notes[0].startswith("Replies left: 5. Window closes: 2026-01-07 09:00 UTC.")
        await street.answer("#statsu", private=True)
        assert street.notes[1].startswith("#statsu is not known.")
        await street.answer("#vip customer, take care", private=True)
        assert len(street.notes) == 2


@pytest.mark.parametrize("private", [False, True])
async def test_only_agents_private_notes_are_commands(street: Street, private: bool) -> None:
    async with street.running():
        await street.asks()
        await spend(street, 6)
        before = len(street.notes)
        await street.asks("#cancel")  # a customer's word is no command: what waited goes out
        assert street.received()[-1] == "answer 5"
        if not private:
            await street.answer("#cancel")  # neither is an answer to the customer
            assert street.received()[-1] == "#cancel"
        assert len(street.notes) == before
        await street.read()  # the bridge's own voice comes back from the desk
        assert len(street.notes) == before


async def test_held_answers_are_joined_where_that_saves_a_reply(street: Street) -> None:
    async with street.running():
        await street.asks()
        await spend(street, 12)
        assert len(street.received()) == 5
        assert len(told(street, "window.spent")) == 1
        await street.asks("again")
        assert len(street.received()) <= 10
        assert "\n".join(street.received()).split("\n") == [f"answer {number}" for number in range(12)]
        assert street.refused() == []


async def test_refused_steps_are_joined_with_what_came_after(street: Street) -> None:
    async with street.running():
        await street.asks()
        street.phone.platform.allowances[CUSTOMER].left = 0
        for number in range(7):
            await street.answer(f"answer {number}")
        await street.asks("again")
        assert "\n".join(street.received()).split("\n") == [f"answer {number}" for number in range(7)]
        assert street.phone.left(CUSTOMER) >= 1
        assert street.refused() == [45047]


async def test_what_waits_too_long_ends_and_says_so(street: Street) -> None:
    async with street.running():
        await street.asks()
        await street.wait(hours=49)
        await street.answer("one", "two")
        assert len(told(street, "window.over")) == 1
        await street.wait(days=7, seconds=1)
        await street.wait(3)
        (note,) = told(street, "expired")
        assert "> one" in note
        assert "> two" in note
        await street.asks("again")
        assert street.received() == []
        await street.answer("#retry", private=True)
        assert street.received() == ["one", "two"]


async def test_a_consent_invites_back_once(street: Street) -> None:
    async with street.running():
        await street.asks()
        await street.phone.accepts(CUSTOMER, TEMPLATE)
        await street.wait(hours=49)
        await street.answer("one")
        await street.answer("two")
        (sent,) = [bubble for bubble in street.phone.chat(CUSTOMER) if bubble.who == "platform"]
        assert sent.body["page"] == "pages/chat"
        assert len(told(street, "window.over")) == 1
        assert len(told(street, "invited")) == 1
        await street.asks("again")
        await street.wait(hours=49)
        await street.answer("three")
        assert len([bubble for bubble in street.phone.chat(CUSTOMER) if bubble.who == "platform"]) == 1
        await street.answer("#notify", private=True)
        assert told(street, "no.consent")


async def test_consents_are_counted_as_the_platform_counts_them(street: Street) -> None:
    async with street.running():
        await street.asks()
        for _ in range(3):
            await street.phone.accepts(CUSTOMER, TEMPLATE)
        await street.quiet()  # each account is routed by itself: the note below may come first
        street.phone.platform.consents.clear()  # used up elsewhere
        await street.answer("#notify", private=True)
        assert len([note for note in street.notes if note.startswith("The customer could not be invited")]) == 1
        await street.answer("#notify", private=True)
        assert told(street, "no.consent")


async def test_a_refusal_takes_all_consents_away(street: Street) -> None:
    async with street.running():
        await street.asks()
        await street.phone.accepts(CUSTOMER, TEMPLATE)
        await street.phone.refuses(CUSTOMER, TEMPLATE)
        await street.quiet()
        await street.answer("#notify", private=True)
        assert told(street, "no.consent")


async def test_a_template_that_is_no_longer_configured_breaks_nothing(street: Street) -> None:
    from mappings import links

    async with street.running() as bridge:
        await street.asks()
        await bridge.store.write(links.set_consent, "shop", CUSTOMER, "gone", 2, street.clock())
        await street.wait(hours=49)
        await street.answer("one")
        assert len(told(street, "window.over")) == 1
        await street.phone.accepts(CUSTOMER, TEMPLATE)
        await street.quiet()
        await street.answer("#notify", private=True)
        assert len(told(street, "invited")) == 1


GREETING = {"texts": ["Welcome", "How can we help?"], "closed_texts": ["Closed"], "hours": "mon-fri 09:00-18:00"}


def greeting(street: Street, **more: Any) -> None:
    street.options["routes"] = [
        {"channel": "shop", "desk": "desk", "when": {"session_from": "vip*"}, "greeting": {"texts": ["Welcome, VIP"]}},
        {"channel": "shop", "desk": "desk", "greeting": {**GREETING, "timezone": "UTC", **more}},
    ]


async def test_two_messages_greet_who_enters(street: Street) -> None:
    greeting(street)
    async with street.running():
        await street.phone.enters(CUSTOMER)
        await street.quiet()
        assert street.received() == ["Welcome", "How can we help?"]
        await street.phone.enters(CUSTOMER)
        await street.quiet()
        assert len(street.received()) == 2
        assert street.town.tickets == {}


async def test_the_greeting_is_of_the_entry_page_and_of_the_hour(street: Street) -> None:
    greeting(street)
    async with street.running():
        await street.phone.enters("oCustomer_V", session_from="vip-page")
        await street.quiet()
        assert street.received("oCustomer_V") == ["Welcome, VIP"]
        await street.wait(hours=10)
        await street.phone.enters(CUSTOMER)
        await street.quiet()
        assert street.received() == ["Closed"]


async def test_no_greeting_into_a_conversation(street: Street) -> None:
    greeting(street)
    async with street.running():
        await street.asks()
        await street.phone.enters(CUSTOMER)
        await street.quiet()
        assert street.received() == []
        await street.wait(hours=2)
        await street.answer("here we are")
        await street.phone.enters(CUSTOMER)
        await street.quiet()
        assert street.received() == ["here we are"]


async def test_a_greeting_never_takes_the_last_reply_of_a_conversation(street: Street) -> None:
    greeting(street)
    async with street.running():
        await street.asks()
        await spend(street, 5)
        await street.wait(hours=3)
        await street.phone.enters(CUSTOMER)
        await street.quiet()
        assert street.received()[5:] == ["Welcome"]
        assert street.phone.left(CUSTOMER) == 1


async def test_a_greeting_that_comes_too_late_is_dropped_without_a_word(street: Street) -> None:
    from mappings import state

    greeting(street)
    async with street.running() as bridge:
        await bridge.store.write(state.pause, "shop", "auth: 40001: refused", street.clock())
        await street.phone.enters(CUSTOMER)
        await street.quiet()
        await street.wait(90)
        await bridge.store.write(state.resume, "shop")
        await street.wait(1)
        await street.asks()
        await street.answer("answer")
        assert street.received() == ["answer"]
        assert street.notes == []


async def test_a_greeting_that_is_tried_again_is_told_to_nobody(street: Street) -> None:
    greeting(street)
    async with street.running():
        street.phone.fail(45011)  # a minute's wait
        await street.phone.enters(CUSTOMER)
        await street.quiet()
        await street.wait(6)
        await street.asks()
        await street.wait(6)
        assert street.notes == []


async def test_following_an_official_account_is_no_entry(database_url: str, tmp_path: Path) -> None:
    street = Street(database_url, tmp_path)
    street.phone.flavour = street.phone.platform.flavour = "official_account"
    greeting(street)
    async with street.running():
        await street.phone.sends_event(CUSTOMER, "subscribe", EventKey="")
        await street.phone.sends_event(CUSTOMER, "CLICK", EventKey="menu")
        await street.quiet()
        assert street.received() == []


async def test_held_answers_go_within_what_entering_allows(street: Street) -> None:
    async with street.running():
        await street.asks()
        await street.wait(hours=49)
        await street.answer("one", "two", "three")
        await street.phone.enters(CUSTOMER)
        await street.quiet()
        assert "\n".join(street.received()) == "one\ntwo\nthree"
        assert street.refused() == []
        await street.wait(minutes=5)
        await street.answer("four")  # a new cause: what that note was about has gone
        assert len(told(street, "window.over")) == 2


async def test_a_step_that_waited_past_the_end_is_not_sent_to_be_refused(street: Street) -> None:
    async with street.running():
        await street.asks()
        await street.wait(hours=49)
        await street.answer("one")
        street.phone.fail(45011)  # a minute's wait, as long as entering allows
        await street.phone.enters(CUSTOMER)
        await street.quiet()
        await street.wait(100)
        assert street.refused() == []
        assert street.received() == []
        await street.asks("again")
        assert street.received() == ["one"]


async def test_edits_and_deletions_after_sending_are_flagged(street: Street) -> None:
    async with street.running():
        await street.asks()
        one, two = await street.answer("one", "two")
        street.town.change(street.only_ticket, one, "edited")
        street.town.change(street.only_ticket, two, "deleted")
        await street.read()
        assert len(told(street, "changed.edited")) == 1
        assert len(told(street, "changed.deleted")) == 1
        street.town.change(street.only_ticket, one, "edited")
        await street.read()
        assert len(street.notes) == 2


async def test_what_is_deleted_before_it_went_never_goes(street: Street) -> None:
    async with street.running():
        await street.asks()
        street.phone.fail(45015)
        first, second = await street.answer("one", "two")
        (third,) = await street.answer("three")
        street.town.change(street.only_ticket, first, "deleted")
        street.town.change(street.only_ticket, second, "hidden")
        street.town.change(street.only_ticket, third, "edited")
        await street.read()
        assert len(told(street, "changed.waiting")) == 1
        await street.asks("again")
        assert street.received() == ["three"]


async def test_a_bounce_at_the_desk_is_no_success(street: Street) -> None:
    from bridge.cli.dead_letters import dead_json

    async with street.running() as bridge:
        await street.asks()
        ticket = street.only_ticket
        comment = street.town.tickets[ticket].entries[0].id
        street.town.journal.append(("bounce:1", {"type": "bounce", "ticket": ticket, "id": comment}))
        await street.read()
        (group,) = (await bridge.store.read(dead_json))["groups"]
        assert (group["account"], group["state"], group["cause"]) == ("desk", "failed", "receipt: mailbox full")
        assert told(street, "bounced", reason="mailbox full")


async def test_the_trace_shows_the_allowance_at_each_decision(street: Street) -> None:
    from bridge.cli.trace import trace_json, trace_text

    async with street.running() as bridge:
        number = await street.phone.says(CUSTOMER, "hello")
        await street.quiet()
        await spend(street, 6)
        found = await bridge.store.read(trace_json, street.only_ticket, street.clock())
        (link,) = found["links"]
        assert link["ledger"]["means"] == "0 left"
        answers = [step for step in link["steps"] if step["to"] == "shop"]
        assert [step["ledger"]["means"] for step in answers] == [
            f"{left} left until 2026-01-07 09:00" for left in (5, 4, 3, 2, 1)
        ]
        assert answers[0]["attempts"][0]["detail"] == "(before it: 5 left until 2026-01-07 09:00)"
        (held,) = link["waiting"]
        assert held["held"] == "window.spent (0 left)"
        text = trace_text(found)
        assert "allowance when rendered: 5 left until 2026-01-07 09:00" in text
        by_number = await bridge.store.read(trace_json, number, street.clock())
        assert [one["link"] for one in by_number["links"]] == [link["link"]]
        assert by_number["raws"]

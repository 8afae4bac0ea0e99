"""The reply allowance, journey by journey: the simulated platform counts for itself, agents see a desk."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.contract import Rate, Step
from bridge.engine.conversation.notices import say
from tests.engine.platform_harness import CUSTOMER, TEMPLATE, PlatformHarness


@pytest.fixture
def harness(database_url: str, tmp_path: Path) -> PlatformHarness:
    return PlatformHarness(database_url, tmp_path)


def told(harness: PlatformHarness, what: str, language: str = "en", **values: object) -> list[str]:
    """The notes of one kind."""
    text = say(language, what, channel="shop", **values)
    return [note for note in harness.notes if note.startswith(text)]


async def spend(harness: PlatformHarness, count: int, first: int = 0) -> None:
    """An agent answers, with time for a breath between."""
    for number in range(first, first + count):
        await harness.answer(f"answer {number}")
        await harness.wait(6)


async def test_five_answers_go_and_the_sixth_waits(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await spend(harness, 6)
        assert harness.received() == [f"answer {number}" for number in range(5)]
        assert harness.refused() == []
        (note,) = told(harness, "window.spent")
        assert note.endswith("> answer 5")
        assert "#cancel" in note
        await harness.asks("still there?")
        assert harness.received()[-1] == "answer 5"
        assert harness.phone.left(CUSTOMER) == 4


async def test_each_answer_that_waits_is_told_of_and_so_is_that_it_went(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await spend(harness, 9)
        first, *more = told(harness, "window.spent")
        assert first.endswith("\n\n> answer 5")
        assert [note.partition("\n\n")[2] for note in more] == [f"> answer {number}" for number in (6, 7, 8)]
        assert told(harness, "went") == []
        await harness.asks("still there?")
        await harness.wait(3)
        assert "answer 5" in harness.received()[5]
        (went,) = told(harness, "went")
        assert all(f"> answer {number}" in went for number in (5, 6, 7, 8))
        await harness.answer("one more")
        await harness.wait(3)
        assert len(told(harness, "went")) == 1


async def test_answers_that_wait_within_a_moment_share_their_notes(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await spend(harness, 6)
        await harness.answer("one", "two", "three")
        await harness.wait(3)
        assert [note.partition("\n\n")[2] for note in told(harness, "window.spent")] == [
            "> answer 5",
            "> one\n> two\n> three",
        ]


async def test_a_customer_who_writes_first_makes_an_unread_note_untrue(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await spend(harness, 6)
        await harness.answer("seventh")  # its note still gathers
        await harness.asks("here I am")
        await harness.wait(3)
        assert len(told(harness, "window.spent")) == 1
        (went,) = told(harness, "went")
        assert "> answer 5" in went and "> seventh" in went


async def test_a_rest_that_waited_is_told_of_when_all_of_it_has_gone(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.answer("x" * 2000 * 12)
        await harness.wait(6)
        assert len(told(harness, "window.rest")) == 1
        await harness.asks("again")
        await harness.wait(6)
        assert len(told(harness, "window.rest")) == 2 and told(harness, "went") == []
        await harness.asks("and again")
        await harness.wait(6)
        assert len(told(harness, "went")) == 1
        assert "".join(harness.received()) == "x" * 2000 * 12


async def test_limits_come_from_the_configuration(harness: PlatformHarness) -> None:
    harness.window = {"replies": 3, "lasts": "1h"}
    harness.phone.replies = 3
    async with harness.running():
        await harness.asks()
        await spend(harness, 4)
        assert len(harness.received()) == 3
        assert harness.refused() == []
        await harness.asks("again")
        await harness.wait(hours=2)
        await harness.answer("late")
        assert len(told(harness, "window.over")) == 1
        assert harness.refused() == []


async def test_the_platforms_refusal_corrects_the_count_at_once(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.platform.allowances[CUSTOMER].left = 0  # somebody else used it up
        await harness.answer("one")
        await harness.answer("two")
        await harness.answer("three")
        assert harness.refused() == [45047]
        assert len(told(harness, "window.spent")) == 1
        assert harness.received() == []
        await harness.answer("#status", private=True)
        assert any(note.startswith("Replies left: 0.") for note in harness.notes)
        await harness.asks("again")
        assert "\n".join(harness.received()) == "one\ntwo\nthree"


async def test_a_refusal_for_time_is_told_as_such(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.fail(45015)
        await harness.answer("one")
        assert len(told(harness, "window.over")) == 1
        await harness.asks("again")
        assert harness.received() == ["one"]


async def test_a_refusal_that_the_customer_has_overtaken_is_history(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.fail(45047)
        send = harness.phone.platform.app

        async def slow(scope: Any, receive: Any, give: Any) -> None:
            if scope["type"] == "http" and scope["path"].endswith("custom/send") and not overtaken:
                overtaken.append(True)
                harness.clock.advance(1)
                await harness.phone.says(CUSTOMER, "one more thing")
                await harness.until(lambda: "one more thing" in harness.vendors.visible(harness.only_ticket))
            await send(scope, receive, give)

        overtaken: list[bool] = []
        harness.phone.faults._app = slow
        await harness.answer("one")
        assert overtaken
        assert harness.received() == ["one"]
        assert harness.notes == []


async def test_with_little_left_short_remarks_are_joined(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await spend(harness, 3)
        await harness.answer("first")
        assert len(harness.received()) == 3  # it waits a moment
        await harness.answer("second")
        await harness.wait(6)
        assert harness.received()[3:] == ["first\nsecond"]
        assert harness.phone.left(CUSTOMER) == 1


async def test_with_plenty_left_nothing_waits(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.answer("first")
        await harness.answer("second")
        assert harness.received() == ["first", "second"]


async def test_a_text_that_needs_more_than_is_left_is_not_begun(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await spend(harness, 3)
        long = "word " * 1000  # three sends
        await harness.answer(long)
        await harness.wait(6)
        assert len(harness.received()) == 3
        assert harness.phone.left(CUSTOMER) == 2
        assert len(told(harness, "window.short", cost=3, left=2)) == 1
        await harness.asks("again")
        assert " ".join("".join(harness.received()[3:]).split()) == long.strip() or len(harness.received()) == 6


async def test_the_last_reply_is_not_spent_on_a_fragment(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.answer("x" * 2000 * 7)  # longer than any window
        await harness.wait(6)
        assert len(harness.received()) == 4
        assert harness.phone.left(CUSTOMER) == 1
        assert len(told(harness, "window.rest")) == 1
        await harness.asks("again")
        await harness.wait(6)
        assert "".join(harness.received()) == "x" * 2000 * 7
        assert harness.refused() == []


async def test_a_picture_with_a_caption_costs_two_and_is_planned_whole(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await spend(harness, 4)
        await harness.send_picture("plan.png", "the plan")
        await harness.wait(6)
        assert [bubble.kind for bubble in harness.phone.chat(CUSTOMER) if bubble.who == "service"] == ["text"] * 4
        assert len(told(harness, "window.short", cost=2, left=1)) == 1
        await harness.asks("again")
        kinds = [bubble.kind for bubble in harness.phone.chat(CUSTOMER) if bubble.who == "service"]
        assert kinds[4:] == ["image", "text"]
        assert harness.phone.left(CUSTOMER) == 3


async def test_refused_is_told_with_reason_and_way_out_once_for_a_burst(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.fail(48002, times=3)
        await harness.answer("one", "two", "three")
        await harness.wait(3)
        (note,) = [note for note in harness.notes if note.startswith("Not delivered:")]
        assert all(f"> {text}" in note for text in ("one", "two", "three"))
        assert "#retry" in note
        await harness.answer("four")
        assert harness.received() == ["four"]


async def test_notes_speak_the_configured_language(harness: PlatformHarness) -> None:
    async with harness.running() as bridge:
        object.__setattr__(bridge.settings.bridge, "language", "zh")
        await harness.asks()
        await spend(harness, 6)
        assert len(told(harness, "window.spent", "zh")) == 1
        assert len(harness.notes) == len([note for note in harness.notes if any(ord(sign) > 0x4E00 for sign in note)])


async def test_unconfirmed_is_no_failure_and_uses_a_reply_up(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.fail(-1, times=9, carried_out=False)
        await harness.answer("one")
        for _ in range(12):
            await harness.wait(40)
        assert len(told(harness, "unconfirmed")) == 1
        await harness.answer("#status", private=True)
        assert any("Replies left: 4." in note and "Not delivered: 1." in note for note in harness.notes)


async def test_an_account_that_rests_is_told_within_seconds_to_every_conversation(harness: PlatformHarness) -> None:
    async with harness.running() as bridge:
        await harness.asks()
        await harness.asks("me too", "oCustomer_B")
        one, two = harness.vendors.tickets
        harness.phone.platform.may_send = False
        from mappings import state

        await bridge.store.write(state.pause, "shop", "40001: refused", harness.clock(), code="40001")
        await harness.answer("one", ticket=one)
        await harness.answer("two", ticket=two)
        await harness.answer("and", "more", ticket=two)
        await harness.wait(6)
        for ticket in (one, two):
            (note,) = harness.vendors.notes(ticket)
            assert note.startswith(say("en", "paused", channel="shop", code="40001"))
        harness.phone.platform.may_send = True
        await bridge.store.write(state.resume, "shop")
        await harness.wait(1)
        assert harness.received() == ["one"]
        assert harness.received("oCustomer_B") == ["two", "and", "more"]


async def test_a_throttled_answer_is_told_once_and_goes_by_itself(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.fail(45011)
        await harness.answer("one")
        await harness.answer("two")
        await harness.wait(7)
        (note,) = harness.notes
        assert note.startswith("Waiting: shop takes no more messages")
        await harness.wait(70)
        await harness.wait(70)
        assert harness.received() == ["one", "two"]
        await harness.wait(3)
        assert [note.partition("\n")[0] for note in harness.notes[1:]] == [say("en", "went", channel="shop")]
        assert "> one" in harness.notes[1]


async def test_warned_before_the_window_closes_on_an_unanswered_customer(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.wait(hours=43)
        assert harness.notes == []
        await harness.wait(hours=1, minutes=1)
        (note,) = harness.notes
        assert note.startswith("The customer has no answer yet")
        await harness.wait(hours=1)
        assert len(harness.notes) == 1


async def test_no_warning_for_a_customer_who_was_answered(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.answer("here")
        await harness.wait(hours=47)
        assert harness.notes == []


async def test_told_when_one_reply_is_left(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await spend(harness, 4)
        assert [note for note in harness.notes if note.startswith("One reply is left")] == harness.notes
        assert len(harness.notes) == 1


async def test_accepted_is_never_called_read(harness: PlatformHarness) -> None:
    from bridge.engine.conversation.notices import _TEXTS

    words = " ".join(text["en"] for text in _TEXTS.values()).lower().split()
    assert "read" not in words
    assert not any("已读" in text["zh"] for text in _TEXTS.values())
    async with harness.running():
        await harness.asks()
        await harness.answer("one")
        await harness.answer("#status", private=True)
        assert "Accepted by shop since the customer last wrote: 1." in harness.notes[0]


def plain(labels: dict[str, Any]) -> dict[str, Any]:
    """What labels say of the allowance; they carry other things, too."""
    return {name: labels[name] for name in ("tags", "prefix", "fields")}


async def test_labels_show_what_is_left_and_until_when(harness: PlatformHarness) -> None:
    harness.options["routes"] = [
        {"channel": "shop", "desk": "desk", "replies_left_field": "cf_left", "window_closes_field": 360001}
    ]
    async with harness.running():
        await harness.asks()
        await harness.wait(5)
        ticket = harness.only_ticket
        assert [plain(one) for one in harness.shown[ticket]] == [
            {
                "tags": ["replies-left-5", "replies-until-2026-01-07-0900"],
                "prefix": "replies-",
                "fields": {"cf_left": "5", "360001": "2026-01-07 09:00 UTC"},
            }
        ]
        await harness.answer("one", "two", "three")
        await harness.wait(5)
        assert [one["fields"]["cf_left"] for one in harness.shown[ticket]] == ["5", "2"]  # one update for three answers
        await harness.wait(60)
        assert len(harness.shown[ticket]) == 2
        await harness.wait(hours=48)
        await harness.wait(5)
        assert plain(harness.shown[ticket][-1]) == {
            "tags": ["replies-left-0"],
            "prefix": "replies-",
            "fields": {"cf_left": "0", "360001": ""},
        }
        assert len(harness.shown[ticket]) == 3


async def test_none_left_is_never_shown_late(harness: PlatformHarness) -> None:
    async with harness.running() as bridge:
        desk = bridge.runtime.accounts["desk"].connector
        limit = Rate(count=30, per=timedelta(minutes=10))
        desk.capabilities = desk.capabilities.model_copy(update={"update_limit": limit})  # type: ignore[misc] # of this account
        for question in ("hello", "again"):
            await harness.asks(question)
            await harness.wait(5)
            await spend(harness, 5)
            await harness.wait(5)
            shown = harness.shown[harness.only_ticket]
            assert shown[-1]["tags"] == ["replies-left-0"], question
        await harness.asks("and now?")
        await harness.wait(5)
        assert shown[-1]["tags"][0] == "replies-left-5"
        assert len(shown) <= 10, "of thirty updates in ten minutes labels take a third at most"


async def test_labels_never_delay_words(harness: PlatformHarness) -> None:
    def trouble(account: str, step: Step, phase: str) -> None:
        if step.verb == "labels":
            raise RuntimeError("this desk cannot do it")

    harness.vendors.trouble = trouble
    async with harness.running():
        await harness.asks()
        await harness.wait(5)
        await harness.asks("second")
        await harness.answer("answer")
        for _ in range(5):
            await harness.wait(300)
        assert harness.vendors.visible(harness.only_ticket) == ["hello", "second", "answer"]
        assert harness.notes == []
        assert harness.shown == {}


async def test_retry_really_sends_all_that_failed(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.fail(48002, times=2)
        await harness.answer("one", "two")
        await harness.answer("three")
        await harness.wait(3)
        assert harness.received() == ["three"]
        await harness.answer("#retry", private=True)
        assert harness.received() == ["three", "one", "two"]
        assert told(harness, "retried", count=2)
        await harness.answer("#retry", private=True)
        assert told(harness, "nothing", command="#retry")
        assert harness.received() == ["three", "one", "two"]


async def test_a_retry_that_fails_is_told_again(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.fail(48002, times=2)
        await harness.answer("one")
        await harness.wait(3)
        await harness.answer("#retry", private=True)
        await harness.wait(3)
        assert len([note for note in harness.notes if note.startswith("Not delivered:")]) == 2
        await harness.answer("#Retry!", private=True)
        assert harness.received() == ["one"]


async def test_cancel_gives_up_what_waits(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await spend(harness, 7)
        await harness.answer("#cancel", private=True)
        assert told(harness, "cancelled.count", count=2)
        await harness.asks("again")
        assert harness.received() == [f"answer {number}" for number in range(5)]
        await harness.answer("new")
        assert harness.received()[-1] == "new"


async def test_text_sends_a_link_in_place_of_the_file(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.fail(40009, where="media/upload", times=9)
        await harness.send_picture("plan.png", "the plan")
        await harness.wait(3)
        assert [note for note in harness.notes if note.startswith("Not delivered:")]
        await harness.answer("#text", private=True)
        sent = "\n".join(harness.received())
        assert "https://bridge.example.com/media/" in sent
        assert "plan.png" in sent
        assert told(harness, "texted", count=1)


async def test_status_and_a_mistyped_command_are_answered(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.answer("#status", private=True)
        assert harness.notes[0].startswith("Replies left: 5. Window closes: 2026-01-07 09:00 UTC.")
        await harness.answer("#statsu", private=True)
        assert harness.notes[1].startswith("#statsu is not known.")
        await harness.answer("#vip customer, take care", private=True)
        assert len(harness.notes) == 2


@pytest.mark.parametrize("private", [False, True])
async def test_only_agents_private_notes_are_commands(harness: PlatformHarness, private: bool) -> None:
    async with harness.running():
        await harness.asks()
        await spend(harness, 6)
        before = len(harness.notes)
        await harness.asks("#cancel")  # a customer's word is no command: what waited goes out
        assert harness.received()[-1] == "answer 5"
        if not private:
            await harness.answer("#cancel")  # neither is an answer to the customer
            assert harness.received()[-1] == "#cancel"
        assert len(harness.notes) == before
        await harness.read()  # the bridge's own voice comes back from the desk
        assert len(harness.notes) == before


async def test_held_answers_are_joined_where_that_saves_a_reply(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await spend(harness, 12)
        assert len(harness.received()) == 5
        named = [note.partition("\n\n> ")[2] for note in told(harness, "window.spent")]
        assert named == [f"answer {number}" for number in range(5, 12)]
        await harness.asks("again")
        assert len(harness.received()) <= 10
        assert "\n".join(harness.received()).split("\n") == [f"answer {number}" for number in range(12)]
        assert harness.refused() == []


async def test_refused_steps_are_joined_with_what_came_after(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.platform.allowances[CUSTOMER].left = 0
        for number in range(7):
            await harness.answer(f"answer {number}")
        await harness.asks("again")
        assert "\n".join(harness.received()).split("\n") == [f"answer {number}" for number in range(7)]
        assert harness.phone.left(CUSTOMER) >= 1
        assert harness.refused() == [45047]


async def test_what_waits_too_long_ends_and_says_so(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.wait(hours=49)
        await harness.answer("one", "two")
        assert len(told(harness, "window.over")) == 1
        await harness.wait(days=7, seconds=1)
        await harness.wait(3)
        (note,) = told(harness, "expired")
        assert "> one" in note
        assert "> two" in note
        await harness.asks("again")
        assert harness.received() == []
        await harness.answer("#retry", private=True)
        assert harness.received() == ["one", "two"]


async def test_a_consent_invites_back_once(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.phone.accepts(CUSTOMER, TEMPLATE)
        await harness.wait(hours=49)
        await harness.answer("one")
        await harness.answer("two")
        (sent,) = [bubble for bubble in harness.phone.chat(CUSTOMER) if bubble.who == "platform"]
        assert sent.body["page"] == "pages/chat"
        assert len(told(harness, "window.over")) == 1
        assert len(told(harness, "invited")) == 1
        await harness.asks("again")
        await harness.wait(hours=49)
        await harness.answer("three")
        assert len([bubble for bubble in harness.phone.chat(CUSTOMER) if bubble.who == "platform"]) == 1
        await harness.answer("#notify", private=True)
        assert told(harness, "no.consent")


async def test_consents_are_counted_as_the_platform_counts_them(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        for _ in range(3):
            await harness.phone.accepts(CUSTOMER, TEMPLATE)
        await harness.quiet()  # each account is routed by itself: the note below may come first
        harness.phone.platform.consents.clear()  # used up elsewhere
        await harness.answer("#notify", private=True)
        assert len([note for note in harness.notes if note.startswith("The customer could not be invited")]) == 1
        await harness.answer("#notify", private=True)
        assert told(harness, "no.consent")


async def test_a_refusal_takes_all_consents_away(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.phone.accepts(CUSTOMER, TEMPLATE)
        await harness.phone.refuses(CUSTOMER, TEMPLATE)
        await harness.quiet()
        await harness.answer("#notify", private=True)
        assert told(harness, "no.consent")


async def test_a_template_that_is_no_longer_configured_breaks_nothing(harness: PlatformHarness) -> None:
    from mappings import consents

    async with harness.running() as bridge:
        await harness.asks()
        await bridge.store.write(consents.set_consent, "shop", CUSTOMER, "gone", 2, harness.clock())
        await harness.wait(hours=49)
        await harness.answer("one")
        assert len(told(harness, "window.over")) == 1
        await harness.phone.accepts(CUSTOMER, TEMPLATE)
        await harness.quiet()
        await harness.answer("#notify", private=True)
        assert len(told(harness, "invited")) == 1


GREETING = {"texts": ["Welcome", "How can we help?"], "closed_texts": ["Closed"], "hours": "mon-fri 09:00-18:00"}


def greeting(harness: PlatformHarness, **more: Any) -> None:
    harness.options["routes"] = [
        {"channel": "shop", "desk": "desk", "when": {"session_from": "vip*"}, "greeting": {"texts": ["Welcome, VIP"]}},
        {"channel": "shop", "desk": "desk", "greeting": {**GREETING, "timezone": "UTC", **more}},
    ]


async def test_two_messages_greet_who_enters(harness: PlatformHarness) -> None:
    greeting(harness)
    async with harness.running():
        await harness.phone.enters(CUSTOMER)
        await harness.quiet()
        assert harness.received() == ["Welcome", "How can we help?"]
        await harness.phone.enters(CUSTOMER)
        await harness.quiet()
        assert len(harness.received()) == 2
        assert harness.vendors.tickets == {}


async def test_the_greeting_is_of_the_entry_page_and_of_the_hour(harness: PlatformHarness) -> None:
    greeting(harness)
    async with harness.running():
        await harness.phone.enters("oCustomer_V", session_from="vip-page")
        await harness.quiet()
        assert harness.received("oCustomer_V") == ["Welcome, VIP"]
        await harness.wait(hours=10)
        await harness.phone.enters(CUSTOMER)
        await harness.quiet()
        assert harness.received() == ["Closed"]


async def test_no_greeting_into_a_conversation(harness: PlatformHarness) -> None:
    greeting(harness)
    async with harness.running():
        await harness.asks()
        await harness.phone.enters(CUSTOMER)
        await harness.quiet()
        assert harness.received() == []
        await harness.wait(hours=2)
        await harness.answer("here we are")
        await harness.phone.enters(CUSTOMER)
        await harness.quiet()
        assert harness.received() == ["here we are"]


async def test_a_greeting_never_takes_the_last_reply_of_a_conversation(harness: PlatformHarness) -> None:
    greeting(harness)
    async with harness.running():
        await harness.asks()
        await spend(harness, 5)
        await harness.wait(hours=3)
        await harness.phone.enters(CUSTOMER)
        await harness.quiet()
        assert harness.received()[5:] == ["Welcome"]
        assert harness.phone.left(CUSTOMER) == 1


async def test_a_greeting_that_comes_too_late_is_dropped_without_a_word(harness: PlatformHarness) -> None:
    from mappings import state

    greeting(harness)
    async with harness.running() as bridge:
        await bridge.store.write(state.pause, "shop", "40001: refused", harness.clock(), code="40001")
        await harness.phone.enters(CUSTOMER)
        await harness.quiet()
        await harness.wait(90)
        await bridge.store.write(state.resume, "shop")
        await harness.wait(1)
        await harness.asks()
        await harness.answer("answer")
        assert harness.received() == ["answer"]
        assert harness.notes == []


async def test_a_greeting_that_is_tried_again_is_told_to_nobody(harness: PlatformHarness) -> None:
    greeting(harness)
    async with harness.running():
        harness.phone.fail(45011)  # a minute's wait
        await harness.phone.enters(CUSTOMER)
        await harness.quiet()
        await harness.wait(6)
        await harness.asks()
        await harness.wait(6)
        assert harness.notes == []


async def test_following_an_official_account_is_no_entry(database_url: str, tmp_path: Path) -> None:
    harness = PlatformHarness(database_url, tmp_path)
    harness.phone.flavour = harness.phone.platform.flavour = "official_account"
    greeting(harness)
    async with harness.running():
        await harness.phone.sends_event(CUSTOMER, "subscribe", EventKey="")
        await harness.phone.sends_event(CUSTOMER, "CLICK", EventKey="menu")
        await harness.quiet()
        assert harness.received() == []


async def test_held_answers_go_within_what_entering_allows(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.wait(hours=49)
        await harness.answer("one", "two", "three")
        await harness.phone.enters(CUSTOMER)
        await harness.quiet()
        assert "\n".join(harness.received()) == "one\ntwo\nthree"
        assert harness.refused() == []
        await harness.wait(minutes=5)
        await harness.answer("four")  # a new cause: what that note was about has gone
        assert len(told(harness, "window.over")) == 2


async def test_a_step_that_waited_past_the_end_is_not_sent_to_be_refused(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        await harness.wait(hours=49)
        await harness.answer("one")
        harness.phone.fail(45011)  # a minute's wait, as long as entering allows
        await harness.phone.enters(CUSTOMER)
        await harness.quiet()
        await harness.wait(100)
        assert harness.refused() == []
        assert harness.received() == []
        await harness.asks("again")
        assert harness.received() == ["one"]


async def test_edits_and_deletions_after_sending_are_flagged(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        one, two = await harness.answer("one", "two")
        harness.vendors.change(harness.only_ticket, one, "edited")
        harness.vendors.change(harness.only_ticket, two, "deleted")
        await harness.read()
        assert len(told(harness, "changed.edited")) == 1
        assert len(told(harness, "changed.deleted")) == 1
        harness.vendors.change(harness.only_ticket, one, "edited")
        await harness.read()
        assert len(harness.notes) == 2


async def test_what_is_deleted_before_it_went_never_goes(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks()
        harness.phone.fail(45015)
        first, second = await harness.answer("one", "two")
        (third,) = await harness.answer("three")
        harness.vendors.change(harness.only_ticket, first, "deleted")
        harness.vendors.change(harness.only_ticket, second, "hidden")
        harness.vendors.change(harness.only_ticket, third, "edited")
        await harness.read()
        assert len(told(harness, "changed.waiting")) == 1
        await harness.asks("again")
        assert harness.received() == ["three"]


async def test_a_bounce_at_the_desk_is_no_success(harness: PlatformHarness) -> None:
    from bridge.cli.dead_letters import dead_json

    async with harness.running() as bridge:
        await harness.asks()
        ticket = harness.only_ticket
        comment = harness.vendors.tickets[ticket].entries[0].id
        harness.vendors.journal.append(("bounce:1", {"type": "bounce", "ticket": ticket, "id": comment}))
        await harness.read()
        (group,) = (await bridge.store.read(dead_json))["groups"]
        assert (group["account"], group["state"], group["cause"]) == ("desk", "failed", "receipt: mailbox full")
        assert told(harness, "bounced", reason="mailbox full")


async def test_the_trace_shows_the_allowance_at_each_decision(harness: PlatformHarness) -> None:
    from bridge.cli.trace import trace_json, trace_text

    async with harness.running() as bridge:
        number = await harness.phone.says(CUSTOMER, "hello")
        await harness.quiet()
        await spend(harness, 6)
        found = await bridge.store.read(trace_json, harness.only_ticket, harness.clock())
        (link,) = found["links"]
        assert link["allowance"]["means"] == "0 left"
        answers = [step for step in link["steps"] if step["to"] == "shop"]
        assert [step["allowance"]["means"] for step in answers] == [
            f"{left} left until 2026-01-07 09:00" for left in (5, 4, 3, 2, 1)
        ]
        assert answers[0]["attempts"][0]["detail"] == "(before it: 5 left until 2026-01-07 09:00)"
        (held,) = link["waiting"]
        assert held["held"] == "window.spent (0 left)"
        text = trace_text(found)
        assert "allowance when rendered: 5 left until 2026-01-07 09:00" in text
        by_number = await bridge.store.read(trace_json, number, harness.clock())
        assert [one["link"] for one in by_number["links"]] == [link["link"]]
        assert by_number["raws"]

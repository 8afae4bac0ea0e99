"""The arithmetic of the reply allowance, against a second account of the same rules."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.contract import Window, WindowGrant
from bridge.engine.conversation import allowance
from bridge.engine.conversation.allowance import UNLIMITED, Allowance, shown
from connectors.wechat.simulator import state

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PAID = {"payment": WindowGrant(replies=None, lasts=timedelta(hours=48))}
WINDOW = Window(replies=5, lasts=timedelta(hours=48), on_entry=2, entry_lasts=timedelta(minutes=1), grants=PAID)

windows = st.builds(
    Window,
    replies=st.integers(1, 20),
    lasts=st.sampled_from([timedelta(minutes=1), timedelta(hours=1), timedelta(hours=48)]),
    on_entry=st.integers(0, 3),
    entry_lasts=st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(hours=2)]),
    grants=st.sampled_from([{}, PAID, {"payment": WindowGrant(replies=3, lasts=timedelta(minutes=1))}]),
)
acts = st.lists(
    st.tuples(
        st.sampled_from(["speaks", "enters", "pays", "sends", "automatic", "refused", "over"]),
        st.sampled_from([0, 1, 59, 60, 61, 3600, 86400, 172800]),
    ),
    max_size=40,
)


@given(windows, acts)
def test_the_count_never_exceeds_the_platforms_own(window: Window, sequence: list[tuple[str, int]]) -> None:
    """The platform's side is the simulator's, which shares no code with the allowance."""
    book, theirs, now = Allowance(), state.Allowance(), START
    for act, later in sequence:
        now += timedelta(seconds=later)
        match act:
            case "speaks":
                book = allowance.spoke(book, window, now)
                theirs.grant(now, window.replies, window.lasts)
            case "enters":
                book = allowance.entered(book, window, now)
                theirs.grant(now, window.on_entry, window.entry_lasts)
            case "pays":
                book = allowance.entered(book, window, now, "payment")
                given = window.grants.get("payment")
                count = window.on_entry if given is None else 10**6 if given.replies is None else given.replies
                theirs.grant(now, count, window.entry_lasts if given is None else given.lasts)
            case "sends" | "automatic":
                if book.remaining(now) > 0:
                    theirs.spend(now)  # raises where the platform would refuse
                    book = allowance.spent(book, 1, answered_at=now if act == "sends" else None)
            case "refused":
                book = allowance.corrected(book, now, spent=True)
                assert book.remaining(now) == 0
            case "over":
                book = allowance.corrected(book, now)
                assert book.remaining(now) == 0
                assert not book.is_open(now)
        valid = theirs.until is not None and now <= theirs.until
        assert 0 <= book.remaining(now) <= (theirs.left if valid else 0)
        assert (book.until(now) is None) == (book.remaining(now) == 0)


@given(st.integers(1, 10), st.integers(0, 30))
def test_speaking_restores_everything(used: int, minutes: int) -> None:
    book = allowance.spoke(Allowance(), WINDOW, START)
    for _ in range(used):
        book = allowance.spent(book, 1, answered_at=START)
    later = START + timedelta(minutes=minutes)
    book = allowance.spoke(book, WINDOW, later)
    assert book.remaining(later) == 5
    assert book.until(later) == later + timedelta(hours=48)
    assert book.unanswered
    assert book.used == 0


def test_entering_adds_nothing_and_takes_nothing() -> None:
    book = allowance.spoke(Allowance(), WINDOW, START)
    book = allowance.entered(book, WINDOW, START)
    assert book.remaining(START) == 5
    for _ in range(4):
        book = allowance.spent(book, 1, answered_at=START)
    again = allowance.entered(book, WINDOW, START)
    assert again.remaining(START) == 2
    assert again.remaining(START + timedelta(minutes=2)) == 1


def test_a_payment_allows_as_many_as_one_likes_and_a_smaller_event_takes_nothing_of_it() -> None:
    book = allowance.entered(allowance.spoke(Allowance(), WINDOW, START), WINDOW, START, "payment")
    for _ in range(50):
        book = allowance.spent(book, 1, answered_at=START)
    later = START + timedelta(hours=47)
    assert book.remaining(later) >= UNLIMITED and book.is_open(later) and shown(book.remaining(later)) == "∞"
    assert allowance.entered(book, WINDOW, later).remaining(later + timedelta(minutes=5)) >= UNLIMITED
    assert book.remaining(START + timedelta(hours=48)) == 0
    assert "∞ left until" in book.summary(START)
    assert allowance.corrected(book, START).remaining(START) == 0, "the platform's own word counts"
    scanned = WINDOW.model_copy(update={"grants": PAID | {"scan": WindowGrant(replies=3, lasts=timedelta(minutes=1))}})
    assert allowance.entered(book, scanned, later, "scan").remaining(later) >= UNLIMITED


def test_only_an_answer_ends_the_wait_for_one() -> None:
    book = allowance.spoke(Allowance(), WINDOW, START)
    assert allowance.spent(book, 1).unanswered
    assert not allowance.spent(book, 1, answered_at=START).unanswered


def test_the_platforms_word_counts_at_once() -> None:
    book = allowance.spoke(Allowance(), WINDOW, START)
    spent = allowance.corrected(book, START, spent=True)
    assert (spent.remaining(START), spent.is_open(START)) == (0, True)
    over = allowance.corrected(book, START)
    assert (over.remaining(START), over.is_open(START)) == (0, False)


def test_a_ledger_of_before_is_read() -> None:
    """It is a database format: what an older version wrote, with fields a newer one dropped."""
    old = '{"message": {"left": 3, "until": "2026-01-06T09:00:00Z"}, "used": 2, "unanswered": true, "gone": 1}'
    assert Allowance.model_validate_json(old).remaining(START) == 3

"""How notes name the messages they are about."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bridge.contract import Author, AuthorKind, Format, Message, Text
from bridge.engine.conversation.notices import note, quote, quoted_beside

START = datetime(2026, 1, 5, tzinfo=UTC)
WORDS = st.text(st.sampled_from("ab \n>…"), max_size=100)


def messages(*texts: str) -> list[Message]:
    author = Author(kind=AuthorKind.AGENT)
    return [
        Message(id=f"m{number}", conversation="t1", author=author, parts=(Text(body=text),))
        for number, text in enumerate(texts)
    ]


def test_each_message_has_a_line_however_many_a_step_carries() -> None:
    texts = [f"answer {number}. " + "more " * 30 for number in range(12)]
    quoted = quote(messages(*texts))
    (part,) = note("n1", "Not delivered:", at=START, quoted=quoted).parts
    assert isinstance(part, Text)
    lines = part.body.split("\n")
    assert lines[:2] == ["Not delivered:", ""] and len(lines) == 14
    for number, line in enumerate(lines[2:]):
        assert line.startswith(f"> answer {number}. more") and line.endswith("…") and len(line) == 82


def test_a_hundred_are_counted() -> None:
    lines = quote(messages(*(f"answer {number}." for number in range(100)))).split("\n> ")
    assert lines[39:] == ["answer 39.", "… (+60)"]


def test_markup_is_quoted_as_the_words_that_it_shows() -> None:
    html = '<div class="zd-comment" dir="auto">Hello <b>Ann</b>,<br>it is <s>100</s> 80.</div>'
    (message,) = messages("")
    shown = message.model_copy(update={"parts": (Text(body=html, format=Format.HTML),)})
    assert quote([shown]) == "Hello Ann, it is ~~100~~ 80."


@given(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=4))
def test_a_note_that_grows_says_nothing_twice(first: list[str], second: list[str]) -> None:
    before, after = quote(messages(*first)), quote(messages(*second))
    grown = quoted_beside(f"Not delivered:\n\n> {before}" if before else "Not delivered:", after)
    lines = [line for line in grown.split("\n") if line.startswith("> ")]
    assert set(lines) == {f"> {line}" for line in [*before.split("\n> "), *after.split("\n> ")] if line}
    once = quoted_beside("Not delivered:", quote(messages("a", "b")))
    assert quoted_beside(once, quote(messages("b", "c"))) == "Not delivered:\n> a\n> b\n> c"

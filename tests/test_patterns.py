"""Nothing that a stranger writes keeps the bridge busy: what reads words takes a time that grows with their length."""

import signal
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from bridge.bots.answers import Limits, check_answer, shorten
from bridge.bots.masking import mask, unmask
from bridge.bots.people_words import agrees, refuses_bots, wants_person
from bridge.contract import Format, to_plain
from bridge.contract.phrases import first_line, line_of
from bridge.contract.pictures import carry_pictures
from bridge.contract.storable import clean_id, clean_name, clean_text
from bridge.engine.inbound.agent_commands import command_in
from bridge.figures.phrases import terms
from bridge.figures.ratings import read_rating
from bridge.routing.conditions import fold, says
from bridge.routing.language import language_of
from bridge.services.mimetypes import sniff
from bridge.web.answers import _with_links
from bridge.web.reading import pairs_of
from connectors.email.subject import stem, ticket_tags
from connectors.faq.terms import common, terms_of
from connectors.freshdesk.body import merged_into, omitted_in, without_history
from connectors.rt.text import marked
from connectors.tencent.text import split
from connectors.webchat.text import clean, clean_line, clean_page, clean_title
from connectors.zendesk.body import chunks, one_line
from mappings.causes import alike

LENGTH = 20_000  # characters: where the time grows with the square, seconds
WITHIN = 1.0
UNITS = (
    "[", "<", "(", "{", " ", "\n", "\t", "*", "**", "_", "`", "```", "|", "-", "=", ":", "#", "&", "&#1", "1", "a", "漢", ".",
    ",", '"', "/", "http://", "https://a", "www.", "@", "a@", "a.", "1 ", "1-", "<think>", "<a ", "<b>", "<!--", "</", "![",
    "[a](", "> ", "a\n", " a", "-- \n", "Re: ", "%2", "\\", "\u200b", "\u3000", "。", "[[", "<a@b>,", "a,b ", "x-", "★", "<div>",
    "<table><td>", "<img src=", "“", "[phone ", "refund ", "1/", "\r\n", "%ff&", "😀\u200d", "\u0301", "<p>\n", "(a)", "+1",
)  # fmt: skip
READERS: dict[str, Callable[[str], Any]] = {
    "an answer of a bot": lambda text: check_answer(text, text[:100], Limits(), "instructions"),
    "an answer that is cut": lambda text: shorten(text, 600, 2000),
    "masked": lambda text: mask(text, ("phone", "id_card", "bank", "mail"), "salt"),
    "unmasked": lambda text: unmask(text, [text], ("phone", "mail"), "salt"),
    "a wish for people": lambda text: (wants_person(text), refuses_bots(text), agrees(text)),
    "html": lambda text: to_plain(text, Format.HTML),
    "markdown": lambda text: to_plain(text, Format.MARKDOWN),
    "pictures": lambda text: carry_pictures(text, lambda _: True),
    "what may be stored": lambda text: (clean_id(text), clean_name(text), clean_text(text)),
    "a line": lambda text: (first_line(text), line_of(text)),
    "a command": command_in,
    "phrases": terms,
    "a rating": read_rating,
    "conditions": lambda text: (says(fold(text), "refund"), language_of(text)),
    "a type": lambda text: sniff(text.encode("utf-8", "replace"), text, text),
    "the page of an answer": _with_links,
    "a query": pairs_of,
    "a subject": lambda text: (stem(text), ticket_tags(text)),
    "a question to the FAQ": lambda text: terms_of(text, common()),
    "Freshdesk's html": lambda text: (without_history(text), omitted_in(text), merged_into({"body": text})),
    "a subject of RT's": marked,
    "a message of WeChat's": split,
    "a visitor's words": lambda text: (clean(text), clean_line(text, 200), clean_title(text, 200), clean_page(text)),
    "Zendesk's html": lambda text: (list(chunks(text)), one_line(text, 100)),
    "causes of failures": alike,
}


def late(*_: object) -> NoReturn:
    raise TimeoutError


@pytest.mark.parametrize("name", READERS)
def test_nothing_stalls(name: str) -> None:
    """`mail` has tests of its own, with more to read: test_email_cut."""
    before = signal.signal(signal.SIGVTALRM, late)  # of this process's own time: others may be busy
    slow = []
    try:
        for unit in UNITS:
            words = (unit * LENGTH)[:LENGTH] + "\0x"  # an end that nothing expects
            signal.setitimer(signal.ITIMER_VIRTUAL, WITHIN)
            try:
                READERS[name](words)
            except TimeoutError:
                slow.append(unit)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        signal.signal(signal.SIGVTALRM, before)
    assert slow == []

"""The page with all of a bot's answer: words stay words, addresses can be followed."""

import pytest

from bridge.engine.conversation.bot_words import Whole
from bridge.web.answers import answer_page


@pytest.mark.parametrize(
    ("text", "link", "after"),
    [
        ("See https://shop.example/a.", "https://shop.example/a", "."),
        ("详见 https://shop.example/a?x=1&y=2。谢谢", "https://shop.example/a?x=1&amp;y=2", "。谢谢"),
        ("(https://shop.example/a)", "https://shop.example/a", ")"),
    ],
)
def test_a_link_ends_before_its_sentence(text: str, link: str, after: str) -> None:
    page = answer_page(Whole(text, "en", generated=False))
    assert f'<a href="{link}" rel="noopener noreferrer nofollow">{link}</a>{after}' in page


def test_markup_is_shown_and_not_obeyed() -> None:
    page = answer_page(Whole('<script>alert("1")</script>\n\n<b>x</b>', "zh", generated=True))
    assert "<script" not in page and "&lt;script&gt;" in page and "&lt;b&gt;x" in page and "由智能助手生成" in page

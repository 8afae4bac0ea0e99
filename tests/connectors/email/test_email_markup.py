"""Mail's HTML is read by the one reader of all connectors, in and out: nothing with a meaning vanishes."""

import pytest

from bridge.contract import Author, AuthorKind, Contact, Format, Message, RenderContext, Text, to_plain
from connectors.email.content import answer
from connectors.email.cut.html import readable
from connectors.email.outbound import render
from connectors.email.plain import to_lines

MARKUP = (
    '<p>Here:</p><iframe src="https://maps.shop.example/7"></iframe>',
    '<video><source src="https://cdn.shop.example/how.mp4"></video>',
    '<object data="https://cdn.shop.example/plan.pdf"></object>',
    '<form><input type="checkbox"> gift wrap <input type="radio" checked> express</form>',
    "<select><option>red<option selected>blue</select>",
    "Was <s>100</s> <del>90</del> 80; dose 10<sup>6</sup>, H<sub>2</sub>O",
    '<img class="emoji" alt="😀" src="https://cdn.shop.example/1f600.png">',
    "<ul><li><p>one</p></li><li><p>two</p></li></ul><ol start=3><li>three</ol>",
    "<table border=1><tr><td>size</td><td></td><td>red</td></tr></table>",
    '<IMG SRC="https://cdn.shop.example/MAP.PNG">',
    '<img src="data:image/png;base64,iVBORw0KGgo=" alt="receipt">',
    "<p hidden>not seen</p><p>seen</p>",
    "<noscript>for clients without scripts</noscript>",
    "<math><mn>2</mn><mo>+</mo><mn>2</mn></math>",
    '<a href="https://pay.shop.example/1"><img src="https://cdn.shop.example/pay.png"></a>',
)


@pytest.mark.parametrize("html", MARKUP)
def test_a_mail_is_read_as_everything_else(html: str) -> None:
    wanted = to_plain(html, Format.HTML)
    assert wanted
    assert to_lines(readable(html)) == wanted
    assert answer("", html)[0].text == wanted


def test_a_drawing_is_named() -> None:
    assert to_lines(readable('<svg aria-label="floor plan"><path d="M0 0"/></svg>')) == "[floor plan]"


@pytest.mark.parametrize("html", ['<iframe src="https://maps.shop.example/7"></iframe>', MARKUP[3]])
def test_what_is_not_sent_on_as_markup_is_said_in_words(html: str) -> None:
    message = Message(
        id="m", conversation="c", author=Author(kind=AuthorKind.AGENT), parts=(Text(body=html, format=Format.HTML),)
    )
    context = RenderContext(conversation="c", contact=Contact(id="c"))
    (step,) = render([message], context, desk=False, max_files=1000)
    assert to_plain(step.body["html"], Format.HTML) == to_plain(html, Format.HTML) == step.body["text"]


def test_what_was_cut_below_an_answer_is_known() -> None:
    cut, _ = answer("Yes.\n\nOn Mon, 5 Jan 2026 at 09:00 A <a@x.example> wrote:\n> in stock?\n> blue?\n", "")
    assert cut.text == "Yes." and "in stock?" in cut.rest
    cut, _ = answer("Yes.\n-- \nTom\nAcme", "")
    assert cut.text == "Yes." and cut.rest.endswith("Tom\nAcme")
    cut, _ = answer("", '<div>Yes.</div><div class="gmail_quote">On Monday<blockquote>blue?</blockquote></div>')
    assert cut.text == "Yes." and "blue?" in cut.rest
    assert answer("Yes.\nTomorrow.", "")[0].rest == ""

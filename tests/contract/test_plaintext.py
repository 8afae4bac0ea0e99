"""One converter from formatted to plain text, for everything that shows no markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract import Format, to_plain

HTML = {
    "plain words": ("Hello", "Hello"),
    "entities": ("a &amp; b &lt;c&gt; &#20320;&nbsp;d", "a & b <c> 你 d"),
    "white space": ("  a \n\t b  <b> c </b>d ", "a b c d"),
    "no space is invented": ("un<b>believ</b>able", "unbelievable"),
    "paragraphs": ("<p>one</p><p>two</p>", "one\n\ntwo"),
    "empty paragraphs": ("<p>one</p><p>&nbsp;</p><p></p><p>two</p>", "one\n\ntwo"),
    "lines": ("one<br>two<br/>three<div>four</div>five", "one\ntwo\nthree\nfour\nfive"),
    "blank line": ("one<br><br>two", "one\n\ntwo"),
    "outlook": ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
    "link": (
        'see <a href="https://x.example/a?b=1&amp;c=2">this page</a>.',
        "see this page (https://x.example/a?b=1&c=2).",
    ),
    "link that is its own label": ('<a href="https://x.example/">https://x.example</a>', "https://x.example"),
    "link labelled by its host": ('<a href="https://x.example">x.example</a>', "x.example (https://x.example)"),
    "mail link": ('<a href="mailto:a@x.example">a@x.example</a>', "a@x.example"),
    "named mail link": ('<a href="mailto:a@x.example">us</a>', "us (a@x.example)"),
    "phone link": ('<a href="tel:+431">call</a>', "call (+431)"),
    "script link": ('<a href="javascript:alert(1)">x</a> <a href="#top">y</a> <a>z</a>', "x y z"),
    "link around nothing": ('a <a href="https://t.example/px"> </a>b', "a b"),
    "link left open": ('<a href="https://x.example">x', "x (https://x.example)"),
    "list": ("<ul><li>one</li><li>two</li></ul>after", "- one\n- two\n\nafter"),
    "numbers": ('<ol start="3"><li>one<li>two</ol>', "3. one\n4. two"),
    "nested": ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
    "headline": ("<h1>Title</h1>text", "Title\n\ntext"),
    "table": ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "a b\n1 2"),
    "code": ("<pre>a\n  b\n</pre>c", "a\n  b\n\nc"),
    "head": ("<head><title>t</title><style>p{}</style></head><body>a</body>", "a"),
    "script": ("a<script>if (a < b) { document.write('<p>no</p>') }</script>b", "ab"),
    "script like a comment": ("a<SCRIPT>if (a<!b && c<d) {}</SCRIPT >b<style><!-- p{} --></style>c", "abc"),
    "comment": ("a<!-- <p>no</p> -->b", "ab"),
    "hidden": ('a<div style="DISPLAY : none">no<p>no</p></div>b<p hidden>no</p>', "a\nb".replace("\n", "")),
    "hidden and left open": ('a<span style="display:none">no', "a"),
    "preheader": ('<span style="font-size:0px">no</span>a<b style="font-size:0.9em">b</b>', "ab"),
    "tracking pixel": ('a<img src="https://t.example" width="1" height="1" alt="x">', "a"),
    "picture": ('<img src="https://x.example/a.png" alt="A plan">', "[A plan]"),
    "picture without words": ('a<img src="https://x.example/a.png">b', "ab"),
    "declarations": ("<!DOCTYPE html><?xml version='1'?>a<![if mso]>b<![endif]>c", "abc"),
    "comment left open": ("a<!-- no", "a"),
    "tag left open": ("a<p class='b", "a<p class='b"),
    "broken markup": ("<p>a<b>b</i></p></div></ul>c < d", "ab\n\nc < d"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("name", HTML)
def test_html(name):
    body, plain = HTML[name]
    assert to_plain(body, Format.HTML) == plain


MARKDOWN = {
    "words": ("a **bold** and *slanted* `code`", "a bold and slanted code"),
    "arithmetic": ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
    "link": (
        "see [this](https://x.example/a) and <https://y.example>",
        "see this (https://x.example/a) and https://y.example",
    ),
    "picture": ("![plan](https://x.example/a.png)", "[plan] (https://x.example/a.png)"),
    "headline": ("# Title\ntext", "Title\ntext"),
    "list": ("* one\n+ two\n- three", "- one\n- two\n- three"),
    "block": ("```python\nx = 1\n```", "x = 1"),
    "escaped": (r"\*not bold\*", "*not bold*"),
}


@pytest.mark.parametrize("name", MARKDOWN)
def test_markdown(name):
    body, plain = MARKDOWN[name]
    assert to_plain(body, Format.MARKDOWN) == plain


@given(st.text())
def test_plain_text_is_left_alone(body):
    assert to_plain(body, Format.PLAIN) == body


@given(st.text("<>/=\"' abp&;!-[](*)`\n", max_size=300), st.sampled_from(Format))
def test_anything_is_converted(body, kind):
    assert isinstance(to_plain(body, kind), str)


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=50))
def test_words_are_never_lost(words):
    assert to_plain(f"<div><p>{words}</p></div>", Format.HTML) == words


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 200_000,
        "<ul><li>" * 100_000,
        "<a href='https://x.example'>" * 30_000,
        "<" * 300_000,
        "<!--" * 200_000,
        "<![" * 200_000,
        "<?" * 200_000,
        "</" * 200_000 + ">",
        "<a " * 200_000 + ">",
        '<a b="' * 100_000 + ">",
        "<a b='" * 100_001,
        "<p/" * 100_000 + ">",
        "</a b" * 100_000 + ">",
        "<script>" * 100_000,
        "<script></" * 100_000 + ">",
        "<style>" + "</" * 300_000 + ">",
        "&" * 300_000,
        "<p style='" + "display:" * 100_000,
        "[" * 100_000,
        "**a" * 100_000,
        "[a](" * 50_000,
    ],
    ids=lambda body: body[:12],
)
@pytest.mark.parametrize("kind", [Format.HTML, Format.MARKDOWN])
@pytest.mark.timeout(20)
def test_hostile_markup_ends(body, kind):
    to_plain(body, kind)

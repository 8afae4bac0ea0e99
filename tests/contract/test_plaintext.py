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
    "link around a drawing": (
        '<a href="https://pay.example/x"><svg><path/></svg></a>',
        "[picture] (https://pay.example/x)",
    ),
    "nothing but a link around nothing": (
        '<p><a href="https://x.example/"><i class="icon"></i></a></p>',
        "https://x.example/",
    ),
    "picture by its set": (
        '<img srcset="https://x.example/a.png 1x, b.png 2x">',
        "[picture] (https://x.example/a.png)",
    ),
    "picture that waits to be seen": (
        '<img data-src="https://x.example/a.png">',
        "[picture] (https://x.example/a.png)",
    ),
    "picture by its source": (
        '<picture><source srcset="https://x.example/w.webp"><img alt=""></picture>',
        "[picture] (https://x.example/w.webp)",
    ),
    "fraction": ("<math><mfrac><mn>1</mn><mn>2</mn></mfrac></math>", "1/2"),
    "sum in a fraction": (
        "<math><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac></math>",
        "(a+b)/2",
    ),
    "power": ("<math><msup><mn>10</mn><mn>6</mn></msup></math>", "10^6"),
    "root": ("<math><msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt></math>", "√(x+1)"),
    "list by letters": ('<ol type="a"><li>x<li>y</ol>', "a. x\nb. y"),
    "list by Roman numbers": ('<ol type="I" start="4"><li>x</ol>', "IV. x"),
    "gauges": ('<progress value="3" max="10"></progress> <meter value="0.6">60%</meter>', "3/10 0.6/1"),
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


MEANING = {
    "picture": ('<p><img src="https://x.example/a.png"></p>', "[picture] (https://x.example/a.png)"),
    "picture in capitals": ('<IMG SRC="https://x.example/a.png">', "[picture] (https://x.example/a.png)"),
    "picture among words": ('a<img src="https://x.example/a.png">b', "a [picture] (https://x.example/a.png) b"),
    "picture with empty words": ('<img alt="" src="https://x.example/a.png">', "[picture] (https://x.example/a.png)"),
    "file name for words": ('<img alt="a.png" src="https://x.example/1">', "[a.png] (https://x.example/1)"),
    "embedded picture": ('<img src="data:image/png;base64,AAAA">', "[embedded picture]"),
    "attached picture": ('<img src="cid:1">', "[picture]"),
    "button picture": (
        '<a href="https://pay.example/1"><img src="https://x.example/b.png"></a>',
        "[picture] (https://pay.example/1)",
    ),
    "line, no pixel": ('<img width=1 height=40 src="https://x.example/a.png">', "[picture] (https://x.example/a.png)"),
    "pixel by style": ('a<img style="width:1px; height:1px" src="https://t.example">', "a"),
    "page": (
        '<iframe title="How to" src="https://v.example/1"><p>no</p></iframe>b',
        "[page: How to] (https://v.example/1) b",
    ),
    "video": ('<video controls><source src="https://v.example/a.mp4">no</video>', "[video] (https://v.example/a.mp4)"),
    "two sources": (
        '<video><source src="https://v.example/a"><source src="https://v.example/b"></video>',
        "[video] (https://v.example/a)",
    ),
    "sound": ('<audio src="https://v.example/a.mp3"></audio>', "[audio] (https://v.example/a.mp3)"),
    "sound from nowhere": ("<audio></audio>", "[audio]"),
    "embed": ('<embed src="https://v.example/a.pdf">', "[file] (https://v.example/a.pdf)"),
    "object": ('<object data="https://v.example/a.pdf">no</object>', "[file] (https://v.example/a.pdf)"),
    "object's words": ("<object>words</object>", "words"),
    "drawing": ("<svg><title>Logo</title><path/></svg>", "[Logo]"),
    "choice": ("<select><option>S<option selected>M</select> please", "S / M please"),
    "field": ('<input value="A-17"><input type="hidden" value="no">', "A-17"),
    "ticks": ('<input type="checkbox" checked> a <input type="radio"> b', "☑ a ☐ b"),
    "button": ("<button>Buy</button>", "Buy"),
    "without scripts": ("<noscript>words</noscript>", "words"),
    "silent for readers aloud": ('<p aria-hidden="true">seen</p>', "seen"),
    "gaps without size": ('<div style="font-size:0">no<b style="font-size:14px">words</b></div>', "words"),
    "shown at last": ('<p style="display:none;display:block">words</p>', "words"),
    "implied end of an item": ("<ul><li hidden>a<li>b</ul>", "- b"),
    "implied end of a paragraph": ("<p hidden>a<div>b</div>", "b"),
    "implied end of a row": ("<table><tr hidden><td>a<tr><td>b</table>", "b"),
    "implied end by the parent": ("<div><span hidden>a</div>b", "b"),
    "comments that are none": ("a<!-->b<!--->c<!-- no --!>d", "abcd"),
    "comment in a field": ("<textarea><!-- a</textarea><p>b</p>", "<!-- a\n\nb"),
    "comment in an attribute": ('<b title="<!-- ">words</b>', "words"),
    "struck": (
        "Was <s>100</s> <del>90</del> <span style='text-decoration:line-through'>85</span> 80",
        "Was ~~100~~ ~~90~~ ~~85~~ 80",
    ),
    "powers": (
        "10<sup>6</sup> m<sup>-2</sup> x<sup>n+1</sup> 1<sup>st</sup> A<sup>TM</sup> b<sup>[1]</sup>",
        "10^6 m^-2 x^(n+1) 1st ATM b[1]",
    ),
    "indices": ("H<sub>2</sub>O", "H_2O"),
    "emoji": (
        'Hi <img class="emoji" alt="😀" src="https://x.example/e.png"> <img alt="👍🏽" src="e.png">!',
        "Hi 😀 👍🏽!",
    ),
    "named emoji": ('<img class="emoji" alt=":smile:" src="https://x.example/e.png">', ":smile:"),
    "paragraphs in a list": ("<ul><li><p>a</p></li><li> <div>b</div></li></ul>", "- a\n- b"),
    "numbers given": ('<ol><li value="7">a<li>b</ol><ol start="-1"><li>c<li>d</ol>', "7. a\n8. b\n\n-1. c\n0. d"),
    "numbers reversed": ('<ol reversed start="2"><li>a<li>b</ol>', "2. a\n1. b"),
    "numbers reversed from their count": ("<ol reversed><li>a<li><p>b</p><li>c</ol>", "3. a\n2. b\n1. c"),
    "numbers reversed, letters": ("<ol reversed type=A><li>a<li>b</ol>", "B. a\nA. b"),
    "numbers reversed, one given": ("<ol reversed><li>a<li value=7>b<li>c</ol>", "3. a\n7. b\n6. c"),
    "numbers reversed, a list inside": (
        "<ol reversed><li>a<ol type=a><li>x<li>y</ol><li>b</ol>",
        "2. a\n  a. x\n  b. y\n1. b",
    ),
    "numbers reversed, never closed": ("<ol reversed><li>a<li>b", "2. a\n1. b"),
    "numbers reversed, nobody knows from where": ("<ol reversed start=x><li>a<li>b</ol>", "2. a\n1. b"),
    "numbers reversed in a cell": (
        "<table><tr><td></td><td><ol reversed><li>a<li>b</ol></td></tr></table>",
        "– 2. a\n1. b",
    ),
    "numbers that are none": ('<ol start="many"><li value="">a<li value="7 of 9">b<li>c</ol>', "1. a\n7. b\n8. c"),
    "numbers beyond all": ("<ol start=99999999999999999999><li>a</ol>", "1. a"),
    "letters after z": ("<ol type=a start=26><li>y<li>z<li value=703>aaa</ol>", "z. y\naa. z\naaa. aaa"),
    "Roman numbers above forty": (
        "<ol type=I start=49><li>a<li value=1994>b<li value=0>c</ol>",
        "XLIX. a\nMCMXCIV. b\n0. c",
    ),
    "letters by style": ('<ol style="margin:0;list-style: inside lower-alpha"><li>a</ol>', "a. a"),
    "an item counts in its own way": ("<ol><li type=i>a<li>b</ol>", "i. a\n2. b"),
    "empty cells": ("<table><tr><td>a<td><td>c</tr><tr><td></td><td>b</td><td></td></tr></table>", "a – c\n– b –"),
    "empty cells of a layout": ('<table role="presentation"><tr><td></td><td>b</td></tr></table>', "b"),
    "blank lines of code": ("<pre>\na\n\n\n\nb\n</pre>", "a\n\n\n\nb"),
    "lines by style": ('<div style="white-space: pre-wrap">a\n\nb</div>', "a\n\nb"),
    "quotes": ("He said <q>no</q>.", "He said “no”."),
    "short for": ('<abbr title="for your information">FYI</abbr>', "FYI (for your information)"),
    "ruby": ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp>字<rt>ji</ruby>", "漢(kan)字(ji)"),
    "other targets": (
        '<a href="weixin://dl/chat">a</a> <a href="ftp://f.example/b">b</a> <a href="//x.example">c</a>',
        "a (weixin://dl/chat) b (ftp://f.example/b) c (https://x.example)",
    ),
    "named link": ('<a href="https://x.example/p" title="Pay"><i></i></a>', "[Pay] (https://x.example/p)"),
}


@pytest.mark.parametrize("name", MEANING)
def test_what_has_a_meaning_is_said(name):
    body, plain = MEANING[name]
    assert to_plain(body, Format.HTML) == plain


MARKDOWN = {
    "picture without words": ("![](https://x.example/a.png)", "[picture] (https://x.example/a.png)"),
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
        "<s><sup>a" * 100_000,
        "<li>" + "<b>" * 150_000 + "<li>" * 100_000,
        "<i>" + "<b>" * 100_000 + "</i>" * 100_000,
        "<video><source src=a>" * 40_000,
        "<table><tr><td>" * 60_000,
        '="<' * 300_000,
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


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        # what has a meaning and no words, where scripts and other systems put it
        (
            '<img data-lazy-src="https://a.example/m.png" src="data:image/gif;base64,R0">',
            "[picture] (https://a.example/m.png)",
        ),
        ('<iframe data-src="https://a.example/map"></iframe>', "[page] (https://a.example/map)"),
        ('<video data-src="https://a.example/v.mp4"></video>', "[video] (https://a.example/v.mp4)"),
        ('<amp-img src="https://a.example/m.png"></amp-img>', "[picture] (https://a.example/m.png)"),
        ('<svg><image href="https://a.example/m.png"/></svg>', "[picture] (https://a.example/m.png)"),
        ('<bgsound src="https://a.example/s.mp3">', "[file] (https://a.example/s.mp3)"),
        (
            '<form action="https://a.example/s"><input type="submit" value="Start"></form>',
            "Start (https://a.example/s)",
        ),
        ('<form action="https://a.example/s"><button>5</button><button>4</button></form>', "5 (https://a.example/s) 4"),
        ('<p>Hi <img data-emoji="🎉" src="https://a.example/e.png"></p>', "Hi 🎉"),
        # tables whose editor wraps the words of each cell
        (
            "<table><tr><td><p>Size</p></td><td><p>10</p></td></tr><tr><td><p>Col</p></td><td></td></tr></table>",
            "Size 10\nCol –",
        ),
        (
            "<table><tr><td><div>M</div></td><td><div>38</div></td></tr><tr><td><p></p></td><td>40</td></tr></table>",
            "M 38\n– 40",
        ),
        ("<table><tr><td><p>intro</p><p>second</p></td></tr></table>", "intro\n\nsecond"),
    ],
)
def test_other_ways_to_write_the_same(html: str, shown: str) -> None:
    assert to_plain(html, Format.HTML) == shown


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("[](https://pay.example)", "https://pay.example"),
        ("[![](https://a.example/b.png)](https://pay.example)", "[picture] (https://pay.example)"),
        ('![a map](https://a.example/b.png "t")', "[a map] (https://a.example/b.png)"),
    ],
)
def test_links_and_pictures_of_markdown(markdown: str, shown: str) -> None:
    assert to_plain(markdown, Format.MARKDOWN) == shown

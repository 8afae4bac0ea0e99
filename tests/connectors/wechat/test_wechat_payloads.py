"""Bodies are read the same by the fast reader and by the strict one."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.tencent.flat_payloads import flat
from connectors.tencent.payloads import parse, read_strictly

NAMES = st.sampled_from(["ToUserName", "MsgId", "Content", "Encrypt", "a", "a:b", "1a", "é", "_x", "a\\u0041", ""])
PIECES = ["a", "1", "你", "<", ">", "&", "]", "]]>", "&amp;", "\r", "\n", " ", "\x0b", "\ufffe", ":", '"', "\\"]
TEXTS = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=6).map("".join)
NUMBERS = st.integers(-(10**20), 10**20).map(str) | st.sampled_from(
    ["1.5", "1e400", "-0", "NaN", "Infinity", "01", "-"]
)
VALUES = st.one_of(
    TEXTS.map(json.dumps),
    TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False)),
    TEXTS.map(lambda text: f'"{text}"'),
    NUMBERS,
    st.sampled_from(
        ["true", "null", "[1, 2]", "[" * 30 + "]" * 30, '{"a": 1}', '"\\ud800"', '"\\ud83d\\ude00"', "[", "{"]
    ),
)
GAPS = st.sampled_from(["", "", "", " ", "\n", "\t", "\r\n", "\xa0", "x"])


@st.composite
def json_bodies(draw: st.DrawFn) -> str:
    fields = [
        f'{draw(GAPS)}"{draw(NAMES)}"{draw(GAPS)}:{draw(GAPS)}{draw(VALUES)}'
        for _ in range(draw(st.integers(0, 5)))
    ]  # fmt: skip
    return "{" + ",".join(fields) + draw(st.sampled_from(["}", "}", "}\n", "", "} {}", ",}"]))


@st.composite
def xml_bodies(draw: st.DrawFn) -> str:
    out = draw(st.sampled_from(["<xml>", "<xml>", "<xml>\n", "<XML>", '<xml a="1">', " <xml>", "<!DOCTYPE xml><xml>"]))
    for _ in range(draw(st.integers(0, 4))):
        name, text = draw(NAMES), draw(TEXTS)
        inner = draw(st.sampled_from([f"<![CDATA[{text}]]>", text, f"<b>{text}</b>", f" <![CDATA[{text}]]> ", ""]))
        out += draw(GAPS) + f"<{name}>{inner}</{draw(st.sampled_from([name, name, name, 'a']))}>" + draw(GAPS)
    return out + draw(st.sampled_from(["</xml>", "</xml>", "</xml>\n", "", "</xml></xml>", "</xml><!-- -->"]))


@given(
    st.one_of(json_bodies(), xml_bodies()).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.binary(max_size=9)
)
@example(b'{"a":1,"a" :2}')
@example(b'{"a" :1,"a" :2}')
@example(b"<xml><a>1</a><a>2</a></xml>")
@example("<xml><a>\u2028</a>\x85</xml>".encode())
def test_what_the_fast_reader_reads_the_strict_one_reads_too(body: bytes) -> None:
    found = flat(body)
    if found is not None:
        strict = read_strictly(body)
        assert strict == found
        assert [type(value) for value in strict.values()] == [type(value) for value in found.values()]
        assert list(strict) == list(found) and parse(body) == strict


@pytest.mark.parametrize(
    "body",
    [
        '{"ToUserName":"gh_1","MsgId":12345678901234567,"Content":"你好"}'.encode(),
        b"<xml><ToUserName><![CDATA[gh_1]]></ToUserName>\n<MsgId>12345678901234567</MsgId></xml>",
    ],
)
def test_ordinary_messages_are_read_fast(body: bytes) -> None:
    assert flat(body) == read_strictly(body) != {}


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a" :1,"a" :2}',
        b'{"a":{"b":1}}',
        b'{"a":NaN}',
        b'{"a":"\x01"}',
        b"<xml><a>1</a><a>2</a></xml>",
        b"<xml><a><b>1</b></a></xml>",
        b"<xml>text<a>1</a></xml>",
        b"<xml><a>1\r\n</a></xml>",
        b"<xml><a>&amp;</a></xml>",
        b"<xml><a>1</b></xml>",
        b"<!DOCTYPE xml><xml></xml>",
    ],
)
def test_whatever_could_be_read_in_two_ways_is_left_to_the_strict_reader(body: bytes) -> None:
    assert flat(body) is None

"""What people send, in words of both languages; names of files that nothing takes amiss; a subject nobody overhears."""

import pytest

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Card,
    Contact,
    File,
    Image,
    Location,
    Media,
    Message,
    Part,
    Phrases,
    RenderContext,
    Text,
    Unsupported,
    Video,
    Voice,
    file_name,
)
from bridge.contract.phrases import _TEXTS

HERE = Media(account="shop", id="1", name="a.png", mime="image/png", sha256="ab" * 32, url="https://b.example/1")
LOST = Media(account="shop", id="1", name="", error="unknown")


def said(*parts: Part, audience: Audience = Audience.CUSTOMER, subject: str = "") -> Message:
    author = Author(kind=AuthorKind.CUSTOMER, id="c")
    return Message(id="1", conversation="c", author=author, parts=parts, audience=audience, subject=subject)


def test_both_languages_have_every_word() -> None:
    assert _TEXTS["en"].keys() == _TEXTS["zh"].keys()


@pytest.mark.parametrize(
    ("part", "english", "chinese"),
    [
        (Image(media=HERE, caption="see"), "[image: a.png]\nsee", "[图片：a.png]\nsee"),
        (
            Voice(media=LOST, transcript="hi"),
            "[voice message: voice message, could not be fetched: unknown reason]\nhi",
            "[语音：语音，无法获取：原因不明]\nhi",
        ),
        (Video(media=HERE, thumb=HERE), "[video: a.png]\n[thumbnail: a.png]", "[视频：a.png]\n[缩略图：a.png]"),
        (
            Card(title="t", path="pages/x", thumb=HERE),
            "[card]\nt\npage: pages/x\n[thumbnail: a.png]",
            "[卡片]\nt\n页面：pages/x\n[缩略图：a.png]",
        ),
        (Location(latitude=31.2, longitude=-121), "[location] 31.2, -121", "[位置] 31.2, -121"),
        (Unsupported(what="odd", text="x", words={"zh": "[怪]"}), "[odd] x", "[怪]"),
        (Unsupported(what="odd", text="x"), "[odd] x", "[odd] x"),
    ],
)
def test_a_part_in_words(part: Part, english: str, chinese: str) -> None:
    assert Phrases("en").part(part) == english
    assert Phrases("zh_CN").part(part) == chinese
    assert Phrases("fr").part(part) == english


def test_a_file_that_the_ticket_does_not_take_is_a_link() -> None:
    assert Phrases("en").file(HERE, "file", "large") == "[file: a.png, too large for the ticket] https://b.example/1"
    assert Phrases("zh").file(HERE, "file", "refused") == "[文件：a.png，工单系统不接受该文件] https://b.example/1"


def test_the_way_in() -> None:
    context = RenderContext(context={"session_from": "首页", "page": "", "shop": "3"}, previous="17")
    assert Phrases("zh").way_in(context) == "[来源：首页]\n[shop：3]\n[接续工单 #17]"
    assert Phrases("en").way_in(context) == "[came from: 首页]\n[shop: 3]\n[continues ticket #17]"


def test_the_way_in_says_nothing_twice() -> None:
    where = {
        "page": "pages/item?id=7",
        "session_from": "vip",
        "entry_page": "pages/item?id=7",
        "page_path": "pages/home",
    }
    card = said(Card(title="Blue coat", path="pages/item?id=7"))
    assert Phrases("zh").way_in(RenderContext(context=where), [card]) == "[来源：vip]\n[页面：pages/home]"
    shown = "[page: pages/item?id=7]\n[came from: vip]\n[page: pages/home]"
    assert Phrases("en").way_in(RenderContext(context=where), [said(Text(body="hi"))]) == shown


def test_a_subject_says_who_and_where() -> None:
    messages = [said(Text(body="在吗"))]
    nameless = RenderContext(contact=Contact(id="c", called="微信用户 7F3A"), channel="旗舰店")
    assert Phrases("zh").subject(messages, nameless) == "微信用户 7F3A：在吗"
    assert Phrases("zh").subject(messages, nameless, channel=True) == "微信用户 7F3A（旗舰店）：在吗"
    named = RenderContext(contact=Contact(id="c", name="Ann", called="WeChat user 7F3A"), channel="Shop")
    assert Phrases().subject(messages, named, channel=True) == "Ann (Shop): 在吗"
    assert Phrases().subject(messages, RenderContext(channel="Shop"), channel=True) == "Shop: 在吗"


@pytest.mark.parametrize(
    ("messages", "name", "subject"),
    [
        ([said(Text(body="\n  where is\tit?\nplease"))], "Ann", "Ann: where is it?"),
        ([said(Text(body="words"), subject="Order 17")], "", "Order 17"),
        ([said(Text(body="secret"), audience=Audience.AGENTS), said(Text(body="public"))], "", "public"),
        ([said(Text(body="secret"), subject="secret", audience=Audience.AGENTS)], "", "New conversation"),
        ([said(File(media=HERE))], "", "[file: a.png]"),
        ([said(Card(title="Blue coat", path="pages/item?id=7"))], "Ann", "Ann: Blue coat"),
        ([said(Card(description="the coat", url="https://s.example/7"))], "", "the coat"),
    ],
)
def test_a_subject(messages: list[Message], name: str, subject: str) -> None:
    context = RenderContext(contact=Contact(id="c", name=name))
    assert Phrases().subject(messages, context) == subject
    assert len(Phrases().subject(messages, context, 5)) <= 5


@pytest.mark.parametrize(
    ("name", "mime", "shown"),
    [
        ("../a\\b\r\n.png", "", ".._a_b .png"),
        ("invoice\u202efdp.exe", "", "invoicefdp.exe"),
        ('say "hi"', "audio/mpeg", "say 'hi'.mp3"),
        ("", "text/html; charset=utf-8", "abababab.html"),
        (".bashrc", "", ".bashrc.bin"),
        ("x" * 300 + ".pdf", "", "x" * 150 + ".pdf"),
    ],
)
def test_a_file_s_name(name: str, mime: str, shown: str) -> None:
    assert file_name(HERE.model_copy(update={"name": name, "mime": mime})) == shown

"""The quote cutter: its tables, its rules, and what no input may make it do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_texts import KEPT_WHOLE, UNTOUCHED

from connectors.email.content import answer
from connectors.email.cut import cut_html, cut_text
from connectors.email.cut.attributions import ATTRIBUTIONS, VERBLESS
from connectors.email.cut.containers import CONTAINERS
from connectors.email.cut.html import MAX_DEPTH, sanitise
from connectors.email.cut.separators import DELIMITERS, SEPARATORS
from connectors.email.cut.text import MAX_CHARS

LINES = tuple(row.line for row in SEPARATORS) + tuple(row.example for row in (*ATTRIBUTIONS, *VERBLESS))
words = st.sampled_from(["好", "hello", "订单", "ok", "x", "明天", "12", "。", "a b", "是的"])
plain_lines = st.lists(words, min_size=1, max_size=6).map(" ".join)
answers = st.lists(plain_lines, min_size=1, max_size=8).map("\n".join)


def test_the_tables_hold_at_least_ninety_patterns():
    assert len(SEPARATORS) + len(ATTRIBUTIONS) + len(VERBLESS) + len(DELIMITERS) >= 90
    assert len(CONTAINERS) >= 35
    ids = [row.id for row in (*SEPARATORS, *ATTRIBUTIONS, *VERBLESS)]
    assert len(ids) == len(set(ids))


@given(answers, st.sampled_from(LINES), st.lists(plain_lines, min_size=1, max_size=5))
@settings(max_examples=300, deadline=None)
def test_any_answer_above_any_mark_comes_out_alone(answer, line, old):
    quote = "\n".join(f"> {text}" for text in old)
    cut = cut_text(f"{answer}\n\n{line}\n\n{quote}\n")
    assert cut.text == answer
    assert cut.is_cut


@given(st.text(max_size=3000))
@settings(max_examples=300, deadline=None)
def test_no_text_comes_out_empty_or_changed_inside(source):
    cut = cut_text(source)
    assert bool(cut.text.strip()) == bool(source.strip())
    normal = source.replace("\r\n", "\n").replace("\r", "\n")
    assert cut.text in normal or cut.text == source  # a piece of what came in, nothing added


@given(answers)
@settings(max_examples=100, deadline=None)
def test_a_second_cut_takes_no_more(answer):
    once = cut_text(f"{answer}\n\n-----原始邮件-----\nold").text
    assert cut_text(once).text == once


@given(answers, st.sampled_from(LINES), answers)
@settings(max_examples=100, deadline=None)
def test_an_answer_below_a_marked_quote_is_kept(above, line, below):
    if line in {row.line for row in SEPARATORS}:
        return
    cut = cut_text(f"{above}\n\n{line}\n> old\n\n{below}\n")
    assert below in cut.text
    assert cut.how == "interleaved"


@pytest.mark.parametrize("source", UNTOUCHED)
def test_ordinary_text_is_untouched(source):
    assert cut_text(source).text == source


@pytest.mark.parametrize("source", KEPT_WHOLE)
def test_interleaved_forwarded_and_quote_only_mails_are_kept_whole(source):
    cut = cut_text(source)
    assert cut.text == source
    assert cut.how in {"interleaved", "empty"}


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_a_delimiter_at_the_top_heads_a_notification(delimiter):
    assert cut_text(f"{delimiter}\n\nThe answer.\n").text.strip() == "The answer."


def test_an_accounts_own_delimiter_counts():
    assert cut_text("yes\n\n== answer above ==\nold", ["== answer above =="]).text == "yes"


def test_of_a_zendesk_notification_only_the_newest_comment_remains():
    rule = "-" * 46
    source = (
        f"##- Please type your reply above this line -##\n\n{rule}\nAgent, Nov 20, 2026, 10:21 AM GMT+8\n\nNew.\n\n"
        f"{rule}\nCustomer, Nov 20, 2026, 10:20 AM\n\nOld.\n\n{'-' * 32}\nThis email is a service from Acme.\n\n[1G7EOR-0Q2J]"
    )
    assert cut_text(source).text == "New."


def test_signature_and_footers_go_but_never_the_first_line():
    assert cut_text("yes\n-- \nTom\nAcme").text == "yes"
    assert cut_text("好的\n\n发自我的iPhone").text == "好的"
    assert cut_text("yes\n\nGet Outlook for iOS<https://aka.ms/x>").text == "yes"
    assert cut_text("发自我的iPhone").text == "发自我的iPhone"
    assert cut_text("-- \nTom").text == "-- \nTom"


def test_a_gateways_banner_goes():
    assert cut_text("[EXTERNAL]\nyes").text == "yes"
    assert cut_text("CAUTION: This email originated from outside.\n\nyes").text == "yes"


def test_two_attributions_wrapped_by_the_client_are_one_line():
    wrapped = "yes\n\nOn Fri, Nov 20, 2026 at 10:21 AM Agent\n<a@x.example> wrote:\n\n> old"
    assert cut_text(wrapped).text == "yes"
    thanks = "Thanks\nOn Fri, Nov 20, 2026 at 10:21 AM Agent <a@x.example> wrote:\n> old"
    assert cut_text(thanks).text == "Thanks"


def test_a_quote_in_a_language_nobody_knows_is_found_by_its_date():
    assert cut_text("da\n\nDana 20.11.2026 u 10:21, Agent piše:\n> old\n> older").text == "da"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "source",
    [
        "a" * 5_000_000,
        "On " + "a " * 20_000,
        "-" * 50_000,
        "-\n" * 50_000,
        ">" * 50_000,
        "> a\n" * 100_000,
        "\n" * 200_000,
        " " * 500_000,
        "From: a\n" * 20_000,
        "发 " * 30_000,
        "于2022年10月27日周四 19:24写道 " * 2_000,
        "&nbsp;" * 50_000,
        "\r" * 100_000,
        "On 2026 10:21 a@b wrote\n" * 5_000,
    ],
    ids=range(14),
)
def test_no_input_stalls_the_cutter(source):
    assert cut_text(source).how in {"whole", "interleaved", "empty", "cut"}


def test_text_beyond_the_limit_is_kept_when_no_quote_begins_before():
    source = "word " * (MAX_CHARS // 4)
    assert cut_text(source).text == source
    assert cut_text("yes\n\n-----原始邮件-----\n" + "old " * MAX_CHARS).text == "yes"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 20_000 + "x",
        "<blockquote type=cite>" * 20_000 + "x",
        "x" + "<!--" * 100_000,
        "x" + "<" * 500_000,
        "<a " * 99_999,
    ],
    ids=range(5),
)
def test_no_html_stalls_the_cutter(source):
    assert cut_html(source).how in {"whole", "interleaved", "cut"}


def test_html_that_is_nested_too_deep_keeps_its_words():
    assert "words" in cut_html("<div>" * (MAX_DEPTH + 10) + "words").html


def test_html_comes_out_harmless():
    cut = cut_html('<p onclick="x()">a</p><script>b</script><iframe src=c></iframe><a href="javascript:d">e</a>')
    assert "script" not in cut.html
    assert "onclick" not in cut.html
    assert "javascript" not in cut.html
    assert "iframe" not in sanitise('<p>a</p><iframe src="https://x.example"></iframe>'), "it may be read, not sent on"


_RULE = "-" * 46
_QUOTES_ONLY = {
    "helpdesk": f"##- Please type your reply above this line -##\n\n{_RULE}\nAgent, Nov 20, 2026, 10:21 AM\n\n\n\n{_RULE}\n"
    "Customer, Nov 20, 2026, 10:20 AM\n\nhello\n\n[1G7EOR-0Q01]\n",
    "attribution": "\n\nOn Fri, Nov 20, 2026 at 10:21 AM <a@b.example> wrote:\n\n> hello\n> there\n",
    "headers": "\n\n________________________________\nFrom: A <a@b.example>\nSent: Friday, November 20, 2026 10:21 AM\n"
    "To: Desk\nSubject: Re: x\n\nhello\n",
    "chinese": '\n\n------------------ 原始邮件 ------------------\n发件人: "客户" <a@b.example>;\n'
    '发送时间: 2026年11月20日(星期五) 上午10:20\n收件人: "客服";\n主题: x\n\n你好\n',
}


@pytest.mark.parametrize("text", _QUOTES_ONLY.values(), ids=_QUOTES_ONLY)
@pytest.mark.parametrize(
    "below", ["", '<div class="gmail_quote"><div>On Fri wrote:</div><blockquote>hello</blockquote></div>']
)
def test_a_picture_is_the_answer_where_the_text_part_holds_only_the_quote(text: str, below: str) -> None:
    found, _ = answer(text, f'<p><img src="https://cdn.shop.example/map.png"></p>{below}')
    assert "cdn.shop.example/map.png" in found.text and "hello" not in found.text and "你好" not in found.text


def test_a_helpdesks_frame_around_nothing_is_no_answer() -> None:
    found = cut_text(_QUOTES_ONLY["helpdesk"])
    assert found.how == "empty" and found.text == "" and "hello" in found.rest


@pytest.mark.parametrize(
    "text",
    [
        "Please reset it.\n\n-- \nMaria\nACME Support\n\nOne more thing: keep the box.",
        "Please reset it.\n\n--\nMaria\n\nWe close at six today!",
        "请重置。\n\n-- \n小王\n电话 123\n\n请务必保留包装盒。",
        "Hi\n--\nSupport\n--\n\nPlease answer by Friday.",
        "We have:\n-- \nred\nblue\n-- \nWhich one do you want?",
        "Choose one of these:\n\n-- \nRed\n-- \nBlue",
        "Hello\n-- \nShop team\nPS: please call 123 today",
        "你好\n-- \n客服\n另：发票随货寄出",
    ],
)
def test_words_below_a_signature_are_words(text: str) -> None:
    assert cut_text(text).text == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Done.\n\n-- \nMaria\nACME\nTel 123", "Done."),
        ("Done.\n\n-- \nMaria\nWe are here to help you every day!", "Done."),
        ("Done.\n\n-- \nMaria\n\nThis e-mail is confidential and may be privileged.", "Done."),
        ("好的。\n\n-- \n小王\n\n本邮件含有保密信息，请勿转发。", "好的。"),
        ("Done.\n\n--\nSuper Support\n--", "Done."),
    ],
)
def test_signatures_and_what_companies_put_below_them_are_left_out(text: str, kept: str) -> None:
    assert cut_text(text).text == kept

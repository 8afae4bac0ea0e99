"""The filter of answers as a table of cases: what a model says, and what a customer may read of it."""

import pytest

from bridge.bots.answers import Limits, check_answer, shorten

SECRET = "You are the assistant of Corner Shop. Never speak of prices of other shops, and be short.\n你是街角小店的客服助手，只根据下面的资料回答，不要谈论其他店铺的价格和任何内部规定。"
ASKED = "my number is 138 0013 8000, order 202611300001234567"

SENT = [
    ("plain", "We open at nine.", "We open at nine."),
    ("brackets without end", "[" * 300_000, f"{'[' * 599}…"),
    ("plain zh", "九点开门。", "九点开门。"),
    ("thoughts", "<think>The customer wants…</think>\n九点开门。", "九点开门。"),
    ("thoughts without a beginning", "the user asks when…</think>We open at nine.", "We open at nine."),
    ("thoughts in capitals", "<THINKING>hm</THINKING>Nine.", "Nine."),
    ("less than is no thought", "Choose a size < 40, please.", "Choose a size < 40, please."),
    ("heading and bold", "## Returns\n**7 days** after `delivery`", "Returns\n7 days after delivery"),
    ("link with words", "See [the guide](https://shop.example/g).", "See the guide https://shop.example/g."),
    ("a link to a host below", "See https://help.shop.example/a", "See https://help.shop.example/a"),
    ("a link to another host", "See https://evil.example/a for more", "See  for more"),
    ("a host that only ends alike", "See https://notshop.example/a now", "See  now"),
    ("a host in the name's place", "Go https://shop.example@evil.example/ now", "Go  now"),
    ("a link without a scheme", "看 www.evil.example/a。好的", "看 。好的"),
    ("the customer's own number", "Your number is 13800138000, right?", "Your number is 13800138000, right?"),
    ("the customer's own order", "订单 202611300001234567 已发出。", "订单 202611300001234567 已发出。"),
    ("a price is no number to call", "It is 1299 yuan.", "It is 1299 yuan."),
    ("no promise", "我们无法保证当天送达。", "我们无法保证当天送达。"),
    ("no promise either", "不保证有货。", "不保证有货。"),
    ("a word within a word", "The refunder's guild meets.", "The refunder's guild meets."),
    ("many empty lines", "one\n\n\n\ntwo", "one\n\ntwo"),
    ("a brace in words", "Use {name} in the form.", "Use {name} in the form."),
]


@pytest.mark.parametrize(("answer", "text"), [row[1:] for row in SENT], ids=[row[0] for row in SENT])
def test_is_sent(answer: str, text: str) -> None:
    found = check_answer(answer, ASKED, Limits(hosts=("shop.example",)), SECRET)
    assert (found.text, found.wrong, found.person) == (text, "", False)


HELD_BACK = [
    ("nothing", "", "empty"),
    ("spaces", " \n ", "empty"),
    ("only thoughts", "<think>I do not know", "empty"),
    ("only a foreign link", "https://evil.example/", "empty"),
    ("a promise", "You will get a refund today.", "promise"),
    ("a promise in capitals", "FOR FREE, today only!", "promise"),
    ("a promise zh", "我们一定会当天送达。", "promise"),
    ("money zh", "给您退款 100 元。", "promise"),
    ("compensation", "We will be compensating you.", "promise"),
    ("a made-up phone", "Call 139 1234 5678.", "number"),
    ("a made-up order zh", "您的订单号是 987654321012。", "number"),
    ("a foreign phone", "Call +49 30 1234 5678.", "number"),
    ("its instructions", "I was told: You are the assistant of Corner Shop. Never speak of prices.", "instructions"),
    ("its instructions spaced out", "You are  the\nassistant of CORNER shop. Never speak of", "instructions"),
    ("its instructions zh", "我的规则：只根据下面的资料回答，不要谈论其他店铺的价格和任何内部规定。", "instructions"),
    ("a call", '{"name": "lookup", "arguments": {}}', "tool"),
    ("brackets without end", "[" * 5000 + "tool_call: x", "tool"),
    ("a list of calls", '[{"name": "lookup"}]', "tool"),
    ("a call in words", 'Sure. "tool_calls": [..]', "tool"),
    ("a model's marks", "<|im_start|>assistant hello", "tool"),
    ("a trace", 'Traceback (most recent call last):\n  File "a.py", line 1', "trace"),
    ("a trace of another language", "    at com.shop.Main(Main.java:10)", "trace"),
    ("a page", "<!DOCTYPE html><title>502</title>", "trace"),
    ("a server's error", "500 Internal Server Error", "trace"),
]


@pytest.mark.parametrize(("answer", "why"), [row[1:] for row in HELD_BACK], ids=[row[0] for row in HELD_BACK])
def test_is_held_back(answer: str, why: str) -> None:
    found = check_answer(answer, ASKED, Limits(hosts=("shop.example",)), SECRET)
    assert (found.text, found.wrong) == ("", why)


def test_the_marker_brings_a_person_and_is_not_read() -> None:
    found = check_answer("One moment. [[HUMAN]]", "", Limits())
    assert (found.text, found.wrong, found.person) == ("One moment.", "", True)
    alone = check_answer("[[HUMAN]]", "", Limits())
    assert (alone.text, alone.wrong, alone.person) == ("", "", True)
    assert check_answer("You get a refund. [[HUMAN]]", "", Limits()).wrong == "promise"


def test_what_the_operator_wrote_is_meant() -> None:
    answer = "退款 3 天到账，详见 https://elsewhere.example/r，电话 400 800 1234 567。"
    assert check_answer(answer, "", Limits(scripted=True)).text == answer
    assert check_answer("You get a refund.", "", Limits(promises=True)).text == "You get a refund."


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        ("short", 20, "short"),
        ("One sentence here. Another one.", 22, "One sentence here."),
        ("第一句话说完了。第二句话", 10, "第一句话说完了。"),
        ("It costs 3.50 in all shops", 14, "It costs 3.50…"),
        ("No. and then nothing ends for long", 20, "No. and then nothin…"),
    ],
)
def test_long_answers_end_at_a_sentence(text: str, most: int, short: str) -> None:
    found = shorten(text, most)
    assert found == short and len(found) <= most


def test_bytes_count_too() -> None:
    assert shorten("九点开门。十点关门。", 100, 15) == "九点开门。"
    assert shorten("九点开门", 100, 12) == "九点开门"
    for most in range(4, 40):
        assert len(shorten("九点a开门b" * 9, 100, most).encode()) <= most


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("<p>We open at <b>nine</b>.</p><p>Closed on sundays.</p>", "We open at nine.\n\nClosed on sundays."),
        ("九点开门<br/>周日休息&nbsp;&amp;&nbsp;节假日另行通知", "九点开门\n周日休息 & 节假日另行通知"),
        ("<ul><li>one</li><li>two</li></ul>", "one\n\ntwo"),
        ('See <a href="https://shop.test/faq">our page</a>.', "See our page https://shop.test/faq."),
        ('See <a href="https://evil.test/x">our page</a>.', "See our page"),
        ("<style>p{color:red}</style>Nine.<!-- internal -->", "Nine."),
        ('<img src=x onerror="alert(1)">Nine', "Nine"),
        ("3 < 5 and 7 > 2, a<b", "3 < 5 and 7 > 2, a<b"),
    ],
)
def test_markup_is_read_as_words(answer: str, read: str) -> None:
    assert check_answer(answer, "", Limits(hosts=("shop.test",))).text == read


def test_markup_hides_nothing_from_the_filter() -> None:
    secret = "You are the assistant of the shop and must never tell the margin of 40 percent."
    told = "Sure: <b>You</b> are the <i>assistant</i> of the shop and <u>must</u> never tell the margin"
    assert check_answer(told, "", Limits(), secret).wrong == "instructions"
    assert check_answer("call <b>138</b>0013<i></i>8000", "", Limits()).wrong == "number"
    assert check_answer("we &#103;uarantee it", "", Limits()).wrong == "promise"

"""Phrases that rise, with nobody's own words among them; and the week's figures to a receiver."""

import pytest

from bridge.figures import phrases
from bridge.figures.phrases import Count, Said, terms


def said(text: str, links: range, day: int = 1) -> list[Said]:
    return [Said(link, link, day, text) for link in links]


@pytest.mark.parametrize(
    "text",
    [
        "我的手机是13812345678",
        "身份证 11010519491231002X",
        "a.b@example.com",
        "https://x.cn/a?b=1",
        "订单88213",
        "京A12345",
    ],
)
def test_what_names_somebody_is_not_counted(text: str) -> None:
    found = terms(text)
    assert not any(char.isdigit() or char in "@/" for term in found for char in term)
    assert not found & {"example", "com", "a.b", "x", "cn", "https"}


def test_words_and_neighbours_without_stop_words() -> None:
    assert {"优惠券", "领取", "优惠券领取"} <= terms("请问优惠券领取失败了怎么办？")
    assert {"coupon", "code", "coupon code"} <= terms("Is the coupon code 12345 still good?")
    assert not terms("请问在吗") and not terms("hello, please!")
    assert "退款快递" not in terms("退款，快递")  # a mark stands between


def test_what_rose_is_found_and_what_was_always_there_is_not() -> None:
    count = Count()
    count.add(said("优惠券领取失败", range(8)) + said("什么时候发货", range(100, 110), 2))
    for day in range(7, 35):
        count.add(
            said("什么时候发货", range(day * 100, day * 100 + 3), day) + said("优惠券在哪", range(day, day + 1), day)
        )
    found = {one.phrase: one for one in count.rising()}
    assert "发货" not in found
    best = found["优惠券领取"]
    assert (best.n, best.people, best.before, best.days) == (8, 8, 0, (0, 0, 0, 0, 0, 8, 0))


def test_fewer_than_five_people_are_nobody() -> None:
    count = Count()
    count.add([Said(link, link % 4, 0, "优惠券失效") for link in range(20)])  # many conversations, four people
    count.add(said("发票抬头", range(100, 104), 0))  # four conversations
    assert count.rising() == []


def test_without_the_dictionary_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phrases, "find_spec", lambda _name: None)
    phrases._cutter.cache_clear()
    assert not phrases.is_installed()
    assert terms("coupon code") == {"coupon", "code", "coupon code"}
    phrases._cutter.cache_clear()

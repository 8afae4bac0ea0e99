"""What is a rating and what is not."""

import pytest

from bridge.figures.ratings import read_rating

RATINGS = {
    "5": 5,
    " 4 ": 4,
    "３": 3,
    "五": 5,
    "2分": 2,
    "１ 分。": 1,
    "5星": 5,
    "四颗星": 4,
    "五星！": 5,
    "非常满意": 5,
    "满意": 4,
    "一般": 3,
    "不满意": 2,
    "非常不满意！": 1,
    "5 非常满意": 5,
    "“4”": 4,
    "⭐⭐⭐⭐⭐": 5,
    "★★★☆☆": 3,
    "5️⃣": 5,
    "4 stars": 4,
    "1 star.": 1,
    "five": 5,
    "Very satisfied": 5,
    "3 - neutral": 3,
    "Dissatisfied": 2,
}
NONE = [
    "5个什么时候发货",
    "15",
    "0",
    "6",
    "5.5",
    "5 4",
    "3天了还没到",
    "满意，但是太慢了",
    "我不满意这个颜色",
    "五一放假吗",
    "二手的吗",
    "谢谢",
    "1 very satisfied",
    "4点可以送到吗",
    "一般几天能到？",
    "星",
    "5!5",
    "-3",
    "",
    "。",
    "2 pieces",
    "5 stars but slow",
    "I am satisfied with it",
    "order 5",
    "one more thing",
    "not bad at all",
    "1-2",
    "4/5",
    "❤️",
    "1\n2",
]


@pytest.mark.parametrize(("text", "score"), RATINGS.items())
def test_a_whole_message_that_rates(text: str, score: int) -> None:
    assert read_rating(text) == score


@pytest.mark.parametrize("text", NONE)
def test_what_rates_nothing(text: str) -> None:
    assert read_rating(text) is None


@pytest.mark.parametrize(("text", "score"), [("1", 1), ("2", 3), ("3", 5), ("4", None), ("满意", 4), ("5", None)])
def test_a_scale_of_three(text: str, score: int | None) -> None:
    assert read_rating(text, 3) == score

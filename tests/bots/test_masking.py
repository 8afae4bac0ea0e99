"""What a bot need not know is not told it, and comes back in its answer."""

import pytest

from bridge.bots.masking import mask, unmask

ALL = ("phone", "id_card", "bank", "mail")
SALT = "salt"
HIDDEN = [
    ("phone", "我的手机是13800138000，请回电"),
    ("phone", "call 138 0013 8000 please"),
    ("phone", "电话:+86 138-0013-8000"),
    ("phone", "my number is +44 20 7946 0958."),
    ("phone", "座机 010-62345678"),
    ("id_card", "身份证 11010519491231002X。"),
    ("bank", "卡号6222 0212 3456 7890 123"),
    ("bank", "card 4111-1111-1111-1111"),
    ("mail", "write to 李明 li.ming+shop@mail.example.com"),
]
SHOWN = [
    "订单 1234",
    "我要 3 个，一共 1299 元",
    "24 小时内",
    "2026-11-30 09:00",
    "size 38-40",
    "version 1.2.3",
    "a @ b",
]


@pytest.mark.parametrize(("kind", "text"), HIDDEN)
def test_is_hidden_and_comes_back(kind: str, text: str) -> None:
    told = mask(text, ALL, SALT)
    assert f"[{kind} " in told and sum(one.isdigit() for one in told.partition("[")[0]) == 0
    assert unmask(told, [text], ALL, SALT) == text
    assert mask(text, (), SALT) == text


@pytest.mark.parametrize("text", SHOWN)
def test_stays(text: str) -> None:
    assert mask(text, ALL, SALT) == text


def test_the_same_thing_is_the_same_and_nobody_can_guess_it() -> None:
    one, other = mask("13800138000", ALL, SALT), mask("138 0013 8000", ALL, SALT)
    assert one == other != mask("13800138000", ALL, "another")
    assert unmask("[phone 000000] and [note 1]", ["13800138000"], ALL, SALT) == "[phone 000000] and [note 1]"
    assert unmask(one, ["nothing"], ALL, SALT) == one, "only what was said comes back"

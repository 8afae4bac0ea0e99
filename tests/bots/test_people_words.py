"""Words that bring a person, in Chinese and English, and words that only look so."""

import pytest

from bridge.bots.people_words import wants_person

PERSON = [
    "人工", "转人工", "转人工！", "我要人工客服", "有没有真人", "找你们经理", "接人工坐席", "客服", "0", "投诉", "我要投诉你们",
    "不要机器人", "再这样我就打12315", "我要找律师起诉你们", "信用卡被盗刷了", "重复扣款了怎么办", "请删除我的个人信息", "注销账号",
    "不想活了", "ＨＵＭＡＮ", "human", "Can I speak to a human?", "I want to talk to someone", "agent", "Agent!",
    "live chat please", "a real person, please", "connect me to an agent", "I'd like to see your manager", "no more bots",
    "I want to make a complaint", "my lawyer will write to you", "I was charged twice", "this is an unauthorized charge",
    "delete my account", "I will kill myself", "请转  人工",
    # other script, width and keyboard; typed wrong; something between; over and over
    "轉人工", "轉接真人", "投訴你們", "我要舉報", "報警", "ａｇｅｎｔ", "人 工", "人-工", "转 人 工", "人🙋工", "转🙏人工", "人.工",
    "h u m a n", "humann", "humam please", "HUMAN 🙏🙏", "转人公", "转仁工", "专人工", "zhuan ren gong", "rengong", "zrg",
    "人工人工人工", "客服！！！", "亲，转下人工",
    # other words for it
    "转人工服务", "人工坐席", "人工呢", "我要真人", "有没有活人", "能不能来个人", "有人吗", "客服在吗", "客服人员", "别用机器人回我",
    "我不想跟机器人说话", "human please", "agent please", "staff please", "customer service please", "stop bot",
    "connect me with support", "can a person help me", "someone real please", "any human there?", "talk to people",
]  # fmt: skip
NOBODY = [
    "", "你好", "包邮吗？", "什么时候发货", "不用转人工", "不要人工，谢谢", "这个是人工智能吗", "手工做的吗",
    "hello", "When do you ship?", "I don't want a human", "is it humane?", "my order 10", "the courtyard model",
    "How do I return an item", "地址写错了怎么办", "可以开发票吗",
    "人工草坪多少钱", "人工费怎么算", "有人工湖吗", "真人比例的手办", "周末有人吗", "节假日有客服在吗", "客服几点上班", "换个人信息",
    "接入工具", "退款转入工行吗", "投诉电话号码牌多少钱", "i bought a human anatomy book", "agent orange", "person size", "humid",
]  # fmt: skip


@pytest.mark.parametrize("words", PERSON)
def test_brings_a_person(words: str) -> None:
    assert wants_person(words)


@pytest.mark.parametrize("words", NOBODY)
def test_brings_nobody(words: str) -> None:
    assert not wants_person(words)


def test_the_operators_own_words() -> None:
    assert wants_person("我想了解一下 ＶＩＰ 服务", ("vip",))
    assert not wants_person("vip", ("", " "))

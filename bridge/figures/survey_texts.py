"""The question to customers, in their language."""

from bridge.contract import Choices

_TEXTS = {
    ("en", 5): "How satisfied were you with our service? Reply with a number:\n"
    "5 very satisfied\n4 satisfied\n3 neutral\n2 dissatisfied\n1 very dissatisfied",
    ("zh", 5): "您对本次服务满意吗？请回复数字评价：\n5 非常满意\n4 满意\n3 一般\n2 不满意\n1 非常不满意",
    ("en", 3): "How satisfied were you with our service? Reply with a number:\n3 satisfied\n2 neutral\n1 dissatisfied",
    ("zh", 3): "您对本次服务满意吗？请回复数字评价：\n3 满意\n2 一般\n1 不满意",
}
_LINKS = {
    "en": "How satisfied were you with our service? Please tell us here: {address}",
    "zh": "您对本次服务满意吗？欢迎点击链接评价：{address}",
}


_ASKED = {"en": "How satisfied were you with our service?", "zh": "您对本次服务满意吗？"}


def choices(language: str, scale: int) -> Choices:
    """The same with answers to tap, where there are buttons: each is a rating by itself."""
    plain = question(language, scale)
    return Choices(text=_ASKED["zh" if language == "zh" else "en"], options=tuple(plain.splitlines()[1:]), plain=plain)


def question(language: str, scale: int, address: str = "") -> str:
    """What the customer reads: a link where there is an address, else the scale."""
    language = "zh" if language == "zh" else "en"
    return _LINKS[language].format(address=address) if address else _TEXTS[language, scale]

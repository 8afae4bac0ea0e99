"""What a customer reads of bots, in their language."""

import re

_HAN = re.compile("[\u4e00-\u9fff]")

TEXTS: dict[str, dict[str, str]] = {
    "handoff": {
        "en": "I am handing you over to a colleague. One moment, please.",
        "zh": "正在为您转接人工客服，请稍候。",
    },
    "doubt": {
        "en": 'I did not find that. Could you put it differently? For a person, write "agent".',
        "zh": "抱歉，我没有找到相关内容，您可以换个说法试试；如需人工服务，请回复“人工”。",
    },
    "hint": {
        "en": '(Automatic answer. For a person, write "agent".)',
        "zh": "（智能助手自动回复；回复“人工”可转人工客服）",
    },
    "consent": {
        "en": 'A machine can answer you here; your words are processed by its provider. Write "yes" to agree, '
        'or "agent" for a person.',
        "zh": "您可以选择由智能助手为您解答，您发送的内容将由其服务方处理。同意请回复“同意”，需要人工请回复“人工”。",
    },
    "more": {"en": "All of it: {url}", "zh": "查看全文：{url}"},
    "mark": {"en": "[Bot] ", "zh": "【智能助手】"},
    "suggested": {
        "en": "Suggested answer (private note; #send sends it as yours, #send and other words sends those):\n{text}",
        "zh": "建议回复（仅内部可见；添加内部备注 #send 即以您的名义发送，#send 后写其他内容则改发该内容）：\n{text}",
    },
    "shadow": {"en": "The bot would have said ({verdict}):\n{text}", "zh": "机器人本会这样回复（{verdict}）：\n{text}"},
    "answered": {"en": "Bot: {text}", "zh": "机器人：{text}"},
}


def bot_says(what: str, language: str, **values: object) -> str:
    """A text in a language; English where there is no other."""
    texts = TEXTS[what]
    return (texts.get(language) or texts["en"]).format(**values) if values else texts.get(language) or texts["en"]


def language_of(text: str, locale: str, default: str) -> str:
    """The customer's: as they write, else as the platform says."""
    if _HAN.search(text):
        return "zh"
    if any(letter.isalpha() for letter in text):
        return "en"
    spoken = locale.replace("-", "_").partition("_")[0].lower()
    return spoken if spoken in {"zh", "en"} else default

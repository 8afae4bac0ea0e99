"""Words that always bring a person, before any bot is asked."""

import re
import unicodedata
from collections.abc import Sequence

_ASKS = (
    r"(转|找|要|接|换|叫|联系|有没有|有)?(个|一个|位)?(人工|真人|活人)(客服|服务|坐席|座席)?(?!智能)",
    r"(转|找|要|接|叫|联系|投诉)(一下)?(你们|一下)?的?(客服|经理|主管|负责人|领导)",
    r"投诉|举报|不要机器人|别用机器人|机器人滚|不想和机器人",
    r"\b(human|real person|live (agent|person|chat)|(an|the|to) agent|representative|operator|supervisor|manager)\b",
    r"\b(complain|complaint|no (more )?bots?|not a (bot|robot|machine))\b",
    r"\b(speak|talk|chat|connect( me)?) (to|with) (a |an |some|the )?(human|person|one|agent|somebody|someone)\b",
)
_GRAVE = (
    r"律师|起诉|法院|12315|工商局|市场监管|消协|曝光你们|报警",
    r"自杀|不想活|轻生|自残|活不下去",
    r"盗刷|未经授权.{0,4}扣款|重复扣款",
    r"(删除|注销|清除)(我的?)?(账号|账户|个人信息|数据|资料)",
    r"\b(lawyer|attorney|lawsuit|sue you|legal action|court)\b",
    r"\b(suicide|kill myself|self.?harm|end my life)\b",
    r"\b(chargeback|charged twice|unauthori[sz]ed (charge|payment))\b",
    r"\b(erase|delete) (all )?my (data|account|personal)",
)
_WANTED = re.compile("|".join((*_ASKS, *_GRAVE)), re.IGNORECASE)
_NOT = re.compile(
    r"(不用|不要|不需要|无需|别)(转|找)?(人工|真人)|人工智能|(don'?t|do not) (want|need) (a |an )?(human|agent)",
    re.IGNORECASE,
)
_ALONE = frozenset({"客服", "agent", "person", "human", "help me", "经理", "人", "staff", "人工", "0"})


_NO_BOT = re.compile(
    r"(不要|别用|不想(和|跟|用)?|拒绝|讨厌)(你们)?的?(智能|AI)?(机器人|智能客服|智能助手)"
    r"|\bno (more )?(bots?|robots?|machines?)\b"
    r"|(don'?t|do not) want (a |an |any |to talk to a )?(bots?|robots?|machines?|ai)\b",
    re.IGNORECASE,
)
_YES = frozenset(
    {"同意", "我同意", "好", "好的", "可以", "是", "是的", "行", "嗯", "没问题", "1"}
    | {"yes", "y", "ok", "okay", "sure", "agree", "i agree", "yes please", "fine"}
)


def refuses_bots(text: str) -> bool:
    """Whether a customer says that they want no bot, now or later."""
    return _NO_BOT.search(unicodedata.normalize("NFKC", text)) is not None


def agrees(text: str) -> bool:
    """Whether the whole message is a yes."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return plain.strip(" .!。！,，~～") in _YES


def wants_person(text: str, words: Sequence[str] = ()) -> bool:
    """Whether a customer's words ask for a person, or are of a kind that only people should answer.

    `words` are the operator's own: they count wherever they stand, whatever the width and case of their letters.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if plain.strip(" .!?。！？,，~～") in _ALONE:
        return True
    rest = _NOT.sub(" ", plain)
    if _WANTED.search(rest) is not None:
        return True
    return any(unicodedata.normalize("NFKC", word).casefold().strip() in plain for word in words if word.strip())

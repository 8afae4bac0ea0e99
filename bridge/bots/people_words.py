"""Words that always bring a person, before any bot is asked."""

import re
import unicodedata
from collections.abc import Sequence

_ASKS = (
    r"(?:人工|真人|活人)(?!智能|湖|草|费|降|造|授|合成|牙|皮|培|养殖|岛|关节|骨|耳蜗|版|秀|比例|照)",
    r"(?:转|找|要|接|叫|联系|投诉)(?:一下)?(?:你们|一下)?的?(?:客服|经理|主管|负责人|领导)(?!人)",
    r"(?:来|叫|派|换)(?:个|一个|位)(?:真|活)?人(?!份|情|家|信|资|头|中|口|士|数|群|类)",
    r"投诉(?!电话号码)|举报|不要机器人|别用机器人|机器人滚|不想(?:和|跟|与)机器人|别让机器人",
    (
        r"\b(?:human|real person|live (?:agent|person|chat)|(?:an|the|to) agent|representative|operator|supervisor"
        r"|manager)\b(?! (?:anatom|right|resource|body|hair))"
    ),
    r"\b(?:complain|complaint|no (?:more )?bots?|stop (?:the |this )?bot|not a (?:bot|robot|machine))\b",
    (
        r"\b(?:speak|talk|chat|connect(?: me)?) (?:to|with) (?:a |an |some |the )?"
        r"(?:human|person|one|agent|somebody|someone|support|staff|people)\b"
    ),
    r"\b(?:a|any|real|some|live) (?:person|people|staff|somebody|someone) (?:here|there|help|please|real)\b",
    r"\bsome(?:one|body) (?:real|human)\b|\bcan a person\b",
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
    r"(?:不用|不要|不需要|无需|别)(?:转|找)?(?:人工|真人)|人工智能"
    r"|(?:don'?t|do not) (?:want|need) (?:a |an )?(?:human|agent)",
    re.IGNORECASE,
)
_HAN_ALONE = """
人工 真人 活人 客服 客服人员 经理 人 来人 转接 转人公 转仁工 转入工 专人工 有人吗 有人么 有人在吗 客服在吗
客服在不在 客服呢 人呢 人工人呢 zrg rg rengong zhuanrengong 0
"""
_ALONE = frozenset(_HAN_ALONE.split()) | {
    *("agent", "person", "human", "human being", "staff", "support", "help me"),
    *("customer service", "customer support"),
}
_KIND = re.compile(
    r" (?:please|pls|plz|now|asap)$|^(?:please|pls|hi|hello|hey) |^(?:亲|您好|你好|请|麻烦)|(?:谢谢|服务|啊|吧|呀)$"
)
_TYPED = {"human", "agent"}  # English words that count with one letter wrong
_BETWEEN = re.compile(r"(?<=[\u3400-\u9fff])[^\w,，。.?？!！;；、]+(?=[\u3400-\u9fff])")  # 转 人 工, 人🙋工
_SHORT_FORMS = str.maketrans(
    "轉專員實訴舉報發師麼個請聯係經務處幫嗎來盜刪註銷帳賬號戶長資據殺殘機級",
    "转专员实诉举报发师么个请联系经务处帮吗来盗删注销账账号户长资据杀残机级",
)
_MARKS = re.compile(r"[^\w]+")


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


def _plain(text: str) -> str:
    """Letters of one width and case, characters in their short form."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_SHORT_FORMS).split())


def _alone(plain: str) -> bool:
    """Whether a message is nothing but the word: whatever stands between its letters, once or many times over."""
    bare = _KIND.sub("", _MARKS.sub(" ", plain.replace("_", " ")).strip())
    joined = bare.replace(" ", "")
    if bare in _ALONE or joined in _ALONE:
        return True
    if len(joined) > 3 and any(joined == word * (len(joined) // len(word)) for word in _ALONE if len(word) > 1):
        return True
    return len(bare.split()) == 1 and len(bare) > 4 and any(_one_off(bare, word) for word in _TYPED)


def _one_off(one: str, other: str) -> bool:
    """One letter wrong, missing, too many, or two exchanged."""
    if len(one) == len(other):
        wrong = [at for at in range(len(one)) if one[at] != other[at]]
        return len(wrong) == 1 or (
            len(wrong) == 2 and one[wrong[0]] + one[wrong[1]] == other[wrong[1]] + other[wrong[0]]
        )
    short, long = sorted((one, other), key=len)
    return len(long) == len(short) + 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def wants_person(text: str, words: Sequence[str] = ()) -> bool:
    """Whether a customer's words ask for a person, or are of a kind that only people should answer.

    `words` are the operator's own: they count wherever they stand, whatever the width and case of their letters.
    """
    plain = _plain(text)
    if _alone(plain):
        return True
    rest = _NOT.sub(" ", plain)
    if _WANTED.search(rest) is not None or _WANTED.search(_BETWEEN.sub("", rest)) is not None:
        return True
    return any(unicodedata.normalize("NFKC", word).casefold().strip() in plain for word in words if word.strip())

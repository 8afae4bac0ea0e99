"""What a question is made of: words, what several words mean, and how much each says. Pure, but for its word list.

A term is `c:refund` (something that is said in many ways, see synonyms.toml), or a word. What a typing error made of a
word that the file knows counts as that word.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

HAN = re.compile(r"[\u3400-\u9fff]+")
_LATIN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_EMPTY_WORDS = """
的 了 儿 吗 呢 啊 吧 呀 哦 嗯 是 我 你 您 们 我们 你们 您们 他 它 这 那 这个 那个 请问 请 问 想 一下 可以 能 能不能
可不可以 会 要 想要 有 有没有 没有 在 就 都 也 还 和 与 或 把 被 给 让 对 到 从 去 来 说 知道 告诉 什么 哪 几 谁
为什么 为啥 咋 啥 能否 可否 不能 不行 我要 呗 嘛 亲 你好 您好 谢谢 麻烦 一个 一些 里 里面 上 下
时候 不 没 很 太 好 帮 帮忙 现在 如果 怎么办
多少 需要 应该 已经 一直 然后 就是 还是 不是 是不是 是否 行 得 着 过 吧 啦 哈 弄 搞 做 看 一 个
a an the is are am was were be been being do does did done can could may might will would shall should must i you we
they he she it its my your our me us them to of in on at for from with and or if how what when where which who why
please tell hi hello hey thanks thank there any some this that these those have has had got just want know about so not
no im i'm it's what's where's how's i'd i'll i've don't can't doesn't didn't isn't hasn't haven't won't
then than as by up out into over after before too also very really now today still yet here let go going
give make take see say said like would one ones much many long something anything everything someone somebody
possible im ive dont cant doesnt didnt isnt hasnt havent wont wheres whats hows thats
"""
EMPTY = frozenset(_EMPTY_WORDS.split())
_WEAK, _FAINT, _HALF = 0.08, 0.4, 0.7  # what an empty word counts, and one that only places or qualifies something
_PARTICLES = frozenset({"back", "up", "out", "off"})
_GENERAL, _INTENT, _EXAMPLE, _ALIKE = 0.25, 0.45, 0.4, 0.85
INTENTS = frozenset(f"c:{name}" for name in ("how_much", "how_long", "when", "where", "how"))
_FAINT_KINDS = ("a", "f", "t", "s", "d", "b", "z")
_EMPTY_KINDS = ("r", "u", "p", "c", "y", "m", "q", "e", "o", "x", "k", "h")
_HELPERS = frozenset("完能可要想个掉了给来再不没还去好我到过得回一会先请帮你就")  # beside a verb they add nothing
_AFTER = re.compile(
    r"(?:之后|以后|过后|后|完|了|今天)(?=.*(?:[多几何什啥能可怎]|还不|还没|今天))"
)  # what is said before it is not asked
_BECAUSE = re.compile(r"\b(?:after|since|because|although|even though|now that)\b [^,.;?!]*")  # the same in English
_CONTEXT = 0.5
_DENY = frozenset({"不", "没", "没有"})
_OR_NOT = re.compile("([\u4e00-\u9fff])不\\1")  # 能不能, 收不收: whether
GAP = "*"
_BETWEEN = "[^ ,，。?？!！]{0,4}?"
_GAP = 3  # words between the halves of "send … back"


_SHORT_FORMS = str.maketrans(
    "麼錢貨發單選買賣訂開嗎個樣時間後來這裡裏們幾點話說請問題換運郵遞車訊號碼會員積優現實體電機壞維護長縮購網頁頭報銷稅據寫錯變動還沒嚴價減滿國際週業營門關辦務應"
    "該當備處給讓對為與從線聯絡繫統計認證標準級類質產廠貴隻條雙張塊種數確區別褲裝禮紙紅藍綠黃顏寬輕舊過邊進遠達遲擇麥飯館廳樓廣場東灣島學習書費鐘錶歡復衛專燈雜誌",
    "么钱货发单选买卖订开吗个样时间后来这里里们几点话说请问题换运邮递车讯号码会员积优现实体电机坏维护长缩购网页头报销税据写错变动还没严价减满国际周业营门关办务应"
    "该当备处给让对为与从线联络系统计认证标准级类质产厂贵只条双张块种数确区别裤装礼纸红蓝绿黄颜宽轻旧过边进远达迟择麦饭馆厅楼广场东湾岛学习书费钟表欢复卫专灯杂志",
)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What is said in many ways: phrase → term, and how much a term says."""

    phrases: Mapping[str, str]
    weights: Mapping[str, float]
    examples: frozenset[str]  # phrases that say half
    han: re.Pattern[str]
    parted: tuple[tuple[str, ...], ...]  # Chinese phrases in two halves, and their terms

    @staticmethod
    def of(
        groups: Mapping[str, Sequence[str]], weights: Mapping[str, float], examples: Iterable[str] = ()
    ) -> "Lexicon":
        """`groups`: term → its phrases; the first group that has a phrase counts."""
        phrases: dict[str, str] = {}
        for term, ways in groups.items():
            for way in ways:
                phrases.setdefault(normal(way), term)
        gaps = {one: term for one, term in phrases.items() if GAP in one}
        han = sorted((one for one in phrases if HAN.search(one) and len(one) > 1), key=len, reverse=True)
        latin = {" ".join(map(stem, one.split())): term for one, term in phrases.items() if not HAN.search(one)}
        half = frozenset(" ".join(map(stem, normal(one).split())) for one in examples)
        pattern = "|".join(re.escape(one).replace(re.escape(GAP), _BETWEEN) for one in han)
        parts = tuple((*one.split(GAP), term) for one, term in gaps.items() if HAN.search(one))
        return Lexicon(phrases | latin, weights, half, re.compile(pattern or r"(?!)"), parts)

    def term(self, phrase: str) -> str:
        """The term of something that `han` found."""
        known = self.phrases.get(phrase)
        if known is not None:
            return known
        return next(term for begin, end, term in self.parted if phrase.startswith(begin) and phrase.endswith(end))

    def with_groups(self, groups: Mapping[str, Sequence[str]]) -> "Lexicon":
        """The operator's own come first."""
        mine: dict[str, list[str]] = {term: list(ways) for term, ways in groups.items()}
        for phrase, term in self.phrases.items():
            mine.setdefault(term, []).append(phrase)
        return Lexicon.of(mine, self.weights, self.examples)


@lru_cache(1)
def everyday() -> frozenset[str]:
    """Words that say nothing of what is asked, as terms."""
    content = tomllib.loads((Path(__file__).parent / "everyday.toml").read_text("utf-8"))
    words = [word for row in content.values() for line in row.values() for word in line.split()]
    return frozenset(stem(normal(word)) for word in words)


@lru_cache(1)
def common() -> Lexicon:
    """Ours."""
    content = tomllib.loads((Path(__file__).parent / "synonyms.toml").read_text("utf-8"))
    groups: dict[str, Sequence[str]] = {f"c:{name}": ways for name, ways in content["topics"].items()}
    weights: dict[str, float] = {"c:locate": _ALIKE}  # beside another topic it says what is wrong with that
    for name, ways in content["intents"].items():
        groups[f"c:{name}"] = ways
        weights[f"c:{name}"] = _INTENT
    for word in content["general"]["words"]:
        ways = word.split("|")
        name = f"g:{stem(normal(ways[0]))}"
        groups[name] = ways
        weights[name] = _GENERAL
    examples = [one for ways in content["examples"].values() for one in ways]
    for name, ways in content["examples"].items():
        groups[f"c:{name}"] = [*groups[f"c:{name}"], *ways]
    return Lexicon.of(groups, weights, examples)


def normal(text: str) -> str:
    """Small letters of one width, one blank between words, common signs in their short form; what a hyphen joins is two
    words.
    """
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("-", " ").translate(_SHORT_FORMS)
    return _OR_NOT.sub(r"\1", " ".join(plain.split()))


def written_in(text: str) -> str:
    """`han` or `latin`: nobody is answered in a script that they do not write."""
    return "han" if HAN.search(text) else "latin"


@lru_cache(1)
def _cutter() -> Any:
    import rjieba  # its dictionary takes a moment, which nobody without an FAQ needs to spend

    cutter = rjieba.Jieba()
    for word in everyday() | EMPTY:
        if HAN.fullmatch(word) and len(word) > 1 and not cutter.has_word(word):
            cutter.add_word(word, None, "r")
    return cutter


@dataclass(slots=True)
class Terms:
    """Terms with what each says; `loose` are words that are neither of the lexicon nor empty."""

    weights: dict[str, float] = field(default_factory=dict)
    loose: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)  # Chinese without what the lexicon knew

    def add(self, term: str, weight: float) -> None:
        self.weights[term] = max(weight, self.weights.get(term, 0.0))


def terms_of(text: str, lexicon: Lexicon) -> Terms:
    """All terms of a text."""
    found = Terms()
    plain = normal(text)
    behind = _AFTER.search(plain)
    start = behind.end() if behind is not None else 0

    def share(at: int) -> float:
        return _CONTEXT if at < start else 1.0

    for match in lexicon.han.finditer(plain):
        half = _EXAMPLE if match[0] in lexicon.examples else 1.0
        _add(found, lexicon, lexicon.term(match[0]), half * share(match.start()))
    rest = lexicon.han.sub(lambda match: " " * len(match[0]), plain)
    for run in HAN.finditer(rest):
        found.runs.append(run[0])
        before, at = "", run.start()
        for word, kind in _cutter().tag(run[0], False):  # no guessing: it makes words of what merely stands together
            _add_han(found, lexicon, word, kind, (before in _DENY, share(at)))
            before, at = word, at + len(word)
    for part, weight in ((_BECAUSE.sub(" , ", rest), 1.0), (" , ".join(_BECAUSE.findall(rest)), _CONTEXT)):
        _add_latin(found, lexicon, [stem(word) for word in _LATIN.findall(part)], weight)
    return found


def _add(found: Terms, lexicon: Lexicon, term: str, share: float = 1.0) -> None:
    found.add(term, share * lexicon.weights.get(term, 1.0))


def _add_han(found: Terms, lexicon: Lexicon, word: str, kind: str, beside: tuple[bool, float]) -> None:
    """`beside`: whether what stands before it denies it, and how much it counts where it stands."""
    denied, share = beside
    if word in lexicon.phrases:
        _add(found, lexicon, lexicon.phrases[word], share)
    elif word in EMPTY:
        found.add(word, _WEAK)
    elif len(word) in {2, 3} and (verb := "".join(one for one in word if one not in _HELPERS)) in lexicon.phrases:
        _add(found, lexicon, lexicon.phrases[verb], _ALIKE * share)
    else:
        faint = kind in {"nr", "ns"} or len(word) == 1  # a name; a verb of one character says little without its object
        weight = (
            _WEAK
            if kind[:1] in _EMPTY_KINDS and len(word) < 3
            else _FAINT
            if faint
            else _HALF
            if kind[:1] in _FAINT_KINDS
            else 1.0
        )
        word = f"不{word}" if denied and weight > _WEAK else word  # to like something says nothing of disliking it
        found.add(word, share * weight)
        if weight == 1.0:
            found.loose.append(word)


def _add_latin(found: Terms, lexicon: Lexicon, words: Sequence[str], share: float) -> None:
    at = 0
    while at < len(words):
        term, length = _phrase(words, at, lexicon)
        if term:
            half = " ".join(words[at : at + length]) in lexicon.examples
            _add(found, lexicon, term, share * (_EXAMPLE if half else 1.0))
            at += length
        else:
            word = words[at]
            at += 1
            if word in EMPTY or len(word) == 1 or word.isdigit():
                found.add(word, _WEAK)
            else:
                found.add(word, share)
                found.loose.append(word)


def _phrase(words: Sequence[str], at: int, lexicon: Lexicon) -> tuple[str, int]:
    """The term of the longest phrase that begins at a word, and how many words it takes. Words may stand between the
    halves of two ("send it back").
    """
    for length in (4, 3, 2):
        phrase = " ".join(words[at : at + length])
        if at + length <= len(words) and phrase in lexicon.phrases:
            return lexicon.phrases[phrase], length
    for gap in range(_GAP + 1):
        end = at + gap + 1
        for joint in (" ", f" {GAP} ") if end < len(words) else ():
            phrase = f"{words[at]}{joint}{words[end]}"
            if phrase in lexicon.phrases and (joint != " " or words[end] in _PARTICLES):
                return lexicon.phrases[phrase], gap + 2
    return (lexicon.phrases[words[at]], 1) if words[at] in lexicon.phrases else ("", 0)


def stem(word: str) -> str:
    """An English word without its ending."""
    if word in EMPTY or len(word) < 4 or not word.isascii():
        return word
    for ending, instead in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", "e"), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            cut = word[: -len(ending)] + instead
            return cut[:-1] if len(cut) > 3 and cut[-1] == cut[-2] and cut[-1] not in "lse" else _bare(cut)
    return _bare(word) if len(word) > 4 else word


def _bare(word: str) -> str:
    return word if word.endswith("ee") else word.removesuffix("e")

"""Whether a message is a rating and nothing else. Pure.

Only a whole message counts: a number alone, a word of the scale, both, or stars. "5个什么时候发货" is a question.
"""

import re
import unicodedata

BEST = 5

_DIGITS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_WORDS = {
    5: ("非常满意", "很满意", "十分满意", "very satisfied", "very good", "excellent"),
    4: ("满意", "比较满意", "satisfied", "good"),
    3: ("一般", "一般般", "还行", "neutral", "so-so", "so so"),
    2: ("不满意", "不太满意", "dissatisfied", "unsatisfied", "not satisfied", "bad"),
    1: ("非常不满意", "很不满意", "十分不满意", "very dissatisfied", "very unsatisfied", "very bad"),
}
_SCORES = {word: score for score, words in _WORDS.items() for word in words}
_NUMBER = rf"(?P<number>[1-5]|{'|'.join(_DIGITS)})"
_UNIT = r"(?:\s*(?:分|星|颗星|星级|points?|stars?))?"
_WORD = rf"(?P<word>{'|'.join(sorted(map(re.escape, _SCORES), key=len, reverse=True))})"
_RATING = re.compile(rf"(?:{_NUMBER}{_UNIT}(?:[\s,:=-]*{_WORD})?|{_WORD.replace('word', 'alone')})")
_STARS = re.compile(r"[⭐★🌟]{1,5}")
_HOLLOW = re.compile(r"([★⭐]{1,5})[☆]{0,4}")
_AROUND = " \t\r\n。.!~，,\"'“”「」()【】[]"
_NOISE = re.compile("[\ufe0f\u20e3\u200b-\u200d]")  # what turns a digit into its key, and what nobody sees


def read_rating(text: str, scale: int = BEST) -> int | None:
    """1 to 5, or None for what is no rating. On a scale of three, 1, 2 and 3 stand for 1, 3 and 5."""
    said = _NOISE.sub("", unicodedata.normalize("NFKC", text)).strip(_AROUND).casefold()
    stars = _HOLLOW.fullmatch(said) or _STARS.fullmatch(said)
    if stars is not None:
        return _scaled(len(stars[1] if stars.re is _HOLLOW else said), scale)
    found = _RATING.fullmatch(said)
    if found is None:
        return None
    if found["alone"]:
        return _SCORES[found["alone"]]
    number = found["number"]
    score = _scaled(_DIGITS.get(number) or int(number), scale)
    if found["word"] and _SCORES[found["word"]] != score:
        return None  # "1 very satisfied": nobody can know what was meant
    return score


def _scaled(number: int, scale: int) -> int | None:
    if number > scale:
        return None
    return number if scale == BEST else {1: 1, 2: 3, 3: 5}[number]

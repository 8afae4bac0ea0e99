"""The text rules: never an empty result, never an interleaved answer cut, bounded work on hostile input."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.email.cut.footnotes import Footnotes, split_footnotes
from connectors.email.cut.quote import find_start, is_rule, plain
from connectors.email.cut.separators import DELIMITERS
from connectors.email.cut.signatures import BANNERS, BOILERPLATE, FOOTERS, SERVICE_LINES

MAX_CHARS = 64 * 2**10
MAX_LINES = 2000
_WORD, _IDEOGRAPH = re.compile(r"[^\W\d_]{2,}"), re.compile("[\u3040-\u30ff\u3400-\u9fff]")
AFTERTHOUGHT = re.compile(r"\s*(?:p\.?\s?s|n\.?b|附|另|又|注)\b|\s*[附另又注][：:]?", re.IGNORECASE)
_ADDED = re.compile(r"\s*(?:(?:p\.?\s?s|n\.?b)\b|[附另又注][：:，,])", re.IGNORECASE)
_ENDS_SENTENCE = frozenset(".!?。！？…")
_TICKET_CODE = re.compile(r"\[[A-Z0-9]{6}-[A-Z0-9]{4,6}\]")
_DELIMITERS = frozenset(plain(line) for line in DELIMITERS)
_COMMENT_HEAD = re.compile(
    r"[^\n]{1,120}(?:19|20)\d\d[^\n]{0,40}\d{1,2}:\d{2}[^\n]{0,30}|[^\n]{1,120}\d{1,2}:\d{2}[^\n]{0,40}(?:19|20)\d\d"
)


@dataclass(frozen=True, slots=True)
class Cut:
    """`text` is the answer. `how` says what happened: whole, cut, interleaved (kept whole) or empty (kept whole).
    `rest` is what was left out below it.
    """

    text: str
    how: str
    rest: str = ""

    @property
    def is_cut(self) -> bool:
        return self.how == "cut"


def cut_text(source: str, delimiters: Sequence[str] = ()) -> Cut:
    """The answer without the quote below it, and without phone footers.

    Text beyond 64 kB or 2,000 lines is kept as it is, unless a quote begins before. A text of which nothing would be
    left is returned whole, unless a helpdesk's own frame shows that nothing was written.
    """
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    lines = source[:MAX_CHARS].split("\n", MAX_LINES)[:MAX_LINES]
    examined = sum(len(line) + 1 for line in lines) - 1
    whole = examined >= len(source)
    if not whole and len(lines) > 1:
        lines = lines[:-1]  # the last one may be half a line
    body, notes = split_footnotes(lines)
    answer = _below_delimiter(body, delimiters)
    if any(line.strip() for line in body) and not any(line.strip() for line in answer):
        return Cut("", "empty", source.strip("\n"))  # a frame around an answer without words
    kept, how = _without_quote(answer)
    if how == "whole" and not whole:
        return Cut(source, "whole")
    above = kept if how == "interleaved" else _without_footers(kept)
    belongs = how != "cut" and above == kept  # nothing stood between the answer and its footnotes
    kept = _without_banners(above)
    if not any(line.strip() for line in kept):
        return Cut(source, "empty")
    if kept == body and whole:
        return Cut(source, how)
    return Cut("\n".join(_with_notes(kept, notes, belongs)).strip("\n"), how, _below(lines, kept))


def _below(lines: list[str], kept: list[str]) -> str:
    """What stands below the last line of the answer."""
    last = next(line for line in reversed(kept) if line.strip())
    end = len(lines) - lines[::-1].index(last) if last in lines else len(lines)
    return "\n".join(lines[end:]).strip("\n")


def _with_notes(kept: list[str], notes: Footnotes, belongs: bool) -> list[str]:
    """The answer with those of the footnotes that it names: the others belong to what was cut."""
    named = [line for _, line in notes.lines] if belongs else notes.named_in(kept)
    return [*kept, "", *named] if named else kept


def is_history(source: str) -> bool:
    """Whether a text is nothing but what somebody else wrote: every line below the attribution is marked with ">".

    Below any other mark an answer and its quote look alike, and what was forwarded is what the sender wants to say.
    """
    lines = [line for line in source[:MAX_CHARS].split("\n") if line.strip() and not _is_footer(line)]
    start = find_start(lines)
    if start is not None and (start.line or start.kind != "attribution"):
        return False
    quoted = lines[start.height :] if start else lines
    return bool(quoted) and all(line.lstrip().startswith(">") for line in quoted)


def is_end_matter(source: str) -> bool:
    """Whether a text says nothing of its own: a signature below "--", lines of phones and services, footnotes."""
    lines = [line for line in split_footnotes(["", *source.split("\n")])[0] if line.strip()]
    if lines and lines[0].rstrip() == "--":
        return len(lines) <= 16
    return all(_is_footer(line) or _is_service(line) or is_rule(line) for line in lines)


def _below_delimiter(lines: list[str], delimiters: Sequence[str]) -> list[str]:
    """A "reply above this line" with text above it ends the answer; at the top it heads a notification: drop it."""
    known = _DELIMITERS | {plain(line) for line in delimiters if line.strip()}
    for at, line in enumerate(lines):
        if len(line) < 200 and plain(line.lstrip("> ")) in known:
            above, below = lines[:at], lines[at + 1 :]
            return above if any(text.strip() for text in above) else _newest_comment(below)
    return lines


def _newest_comment(lines: list[str]) -> list[str]:
    """A notification that lists comments, newest first, each under a rule and a line with author and time."""
    heads = [
        at
        for at in range(len(lines) - 1)
        if is_rule(lines[at]) and len(lines[at + 1]) < 200 and _COMMENT_HEAD.match(lines[at + 1].strip())
    ]
    if not heads or any(line.strip() for line in lines[: heads[0]]):
        return lines
    end = next((at for at in range(heads[0] + 2, len(lines)) if is_rule(lines[at])), len(lines))
    return lines[heads[0] + 2 : end]


def _without_quote(lines: list[str]) -> tuple[list[str], str]:
    start = find_start(lines)
    if start is None:
        return _without_trailing_run(lines)
    above = _trim(lines[: start.line])
    if not any(line.strip() for line in above):
        return lines, "interleaved" if _answers_below(lines) else "empty"
    if any(line.lstrip().startswith(">") for line in above):
        return lines, "interleaved"
    if start.kind == "attribution" and _answers_below(lines[start.line + start.height :]):
        return lines, "interleaved"
    return above, "cut"


def _answers_below(lines: list[str]) -> bool:
    """Whether unquoted text follows text quoted with ">": a signature or footer does not count."""
    seen = False
    for at, line in enumerate(lines):
        if not line.strip():
            continue
        if line.lstrip().startswith(">"):
            seen = True
        elif not seen:
            return False  # quoted without marks: everything below is the quote
        elif line.rstrip() == "--" or _is_footer(line):
            return any(rest.lstrip().startswith(">") for rest in lines[at:])
        else:
            return True
    return False


def _without_trailing_run(lines: list[str]) -> tuple[list[str], str]:
    """No mark was found: a run of at least two ">" lines at the end is a quote, unless the line above announces it."""
    end = len(lines)
    while end and (not lines[end - 1].strip() or _is_footer(lines[end - 1])):
        end -= 1
    begin = end
    while begin and (not lines[begin - 1].strip() or lines[begin - 1].lstrip().startswith(">")):
        begin -= 1
    run = sum(1 for line in lines[begin:end] if line.strip())
    above = _trim(lines[:begin])
    quoted_above = any(line.lstrip().startswith(">") for line in above)
    if quoted_above:
        return lines, "interleaved"
    if run == 0:
        return lines, "whole"
    if not above:
        return lines, "empty"
    if run < 2 or above[-1].rstrip().endswith((":", "：")):
        return lines, "whole"
    return above, "cut"


def _trim(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and (not lines[end - 1].strip() or is_rule(lines[end - 1])):
        end -= 1
    return lines[:end]


def _is_footer(line: str) -> bool:
    return len(line) < 120 and plain(line).strip("<>[]() ").startswith(FOOTERS)


def _without_footers(lines: list[str]) -> list[str]:
    """Drops a signature below "-- ", phone footers and service lines; never anything above the second line."""
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    for at in range(len(lines) - 1, first, -1):
        below = len(lines) - at - 1
        if lines[at] == "-- " or (lines[at] == "--" and below <= 6):
            if below <= 15 and any(line.strip() for line in lines[first:at]) and not _goes_on(lines, at, first):
                lines = _trim(lines[: _frame(lines, at, first)])
            break
    end = len(lines)
    for _ in range(6):
        last = next((at for at in range(end - 1, first, -1) if lines[at].strip()), None)
        if last is None or not (_is_footer(lines[last]) or _is_service(lines[last])):
            break
        end = last
    return _trim(lines[:end]) if end < len(lines) else lines


def _goes_on(lines: list[str], mark: int, first: int) -> bool:
    """Whether it is no signature, or somebody wrote on below it: then nothing may be cut. A list that is announced, and
    a sentence in a paragraph behind the one that the mark begins (or the frame ends), unless companies put it there.
    """
    announced = next((line for line in reversed(lines[first:mark]) if line.strip()), "").rstrip()
    upper = _frame(lines, mark, first)
    if upper != mark:
        announced = next((line for line in reversed(lines[first:upper]) if line.strip()), "").rstrip()
    begin = mark + 1
    if upper == mark:  # the block below the mark is the signature itself
        begin = next((at for at in range(mark + 1, len(lines)) if not lines[at].strip()), len(lines))
    afterthought = any(_ADDED.match(line) for line in lines[mark + 1 :])
    return announced.endswith((":", "：")) or afterthought or any(map(_is_sentence, lines[begin:]))


def _is_sentence(line: str) -> bool:
    text = line.strip()
    said = len(_WORD.findall(text)) >= 3 or len(_IDEOGRAPH.findall(text)) >= 5
    return said and text[-1:] in _ENDS_SENTENCE and not any(one in text.lower() for one in BOILERPLATE)


def _frame(lines: list[str], lower: int, first: int) -> int:
    """The upper one of two lines "--" that frame a signature (Zammad, OTRS); `lower` when there is one only."""
    for upper in range(lower - 1, max(first, lower - 13), -1):
        if lines[upper].rstrip() == "--" and any(line.strip() for line in lines[first:upper]):
            return upper
    return lower


def _is_service(line: str) -> bool:
    text = line.strip()
    return bool(_TICKET_CODE.fullmatch(text)) or (len(text) < 160 and plain(text).startswith(SERVICE_LINES))


def _without_banners(lines: list[str]) -> list[str]:
    first = next((at for at, line in enumerate(lines) if line.strip()), None)
    if first is None or not plain(lines[first]).startswith(BANNERS):
        return lines
    rest = lines[first + 1 :]
    return rest if any(line.strip() for line in rest) else lines

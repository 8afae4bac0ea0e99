"""Finding where a quote begins: separator, attribution or header block. All work is linear in the text."""

import html
import re
from dataclasses import dataclass

from connectors.email.cut.attributions import ATTRIBUTIONS, VERBLESS, Attribution
from connectors.email.cut.labels import DATE, FROM, LABELS, WITHOUT_COLON
from connectors.email.cut.separators import RULE_MARKS, SEPARATORS

_MAX_LINE = 400
_JOIN = 3
_BLOCK = 8
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<![\d.])\d{1,2}[./-]\d{1,2}[./-]\d{2}(?!\d)")
_CLOCK = re.compile(r"(?<![\d.])\d{1,2}[:.h点時时]\d{2}(?!\d|\.\d)")
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,200}")
_DATE_FIRST = re.compile(r"(?:\w{2,4}, ?)?\d{1,4}[.\-/年 ]")
_PUNCTUATION = str.maketrans({"：": ":", "，": ",", "\u00a0": " ", "\u3000": " ", "\u202f": " ", "＜": "<", "＞": ">"})
_BLANKS = re.compile(r"[ \t]+")
_LABEL = re.compile(r"[|*\s]{0,6}([^\W\d_][^:|*<>@\d]{0,15}?)\s{0,3}[*|]{0,3}\s{0,3}([:|])")


@dataclass(frozen=True, slots=True)
class Start:
    """A quote begins at a line and its mark is `height` lines high. `kind`: separator, attribution or block."""

    line: int
    height: int
    kind: str
    row: str


def plain(line: str) -> str:
    """A line as the tables compare it: entities, wide punctuation, blanks and emphasis made plain."""
    if "&" in line:
        line = html.unescape(html.unescape(line))
    line = _BLANKS.sub(" ", line.translate(_PUNCTUATION)).strip()
    return line.strip("*").strip().lower()


def words_between_dashes(line: str) -> str:
    """What stands between two runs of dashes, "" when there are none."""
    line = plain(line)
    if len(line) > 120 or line[:2].strip(RULE_MARKS) or line[-2:].strip(RULE_MARKS):
        return ""
    return line.strip(RULE_MARKS + " ").strip()


_BY_WORDS = {words_between_dashes(row.line): row.id for row in SEPARATORS if words_between_dashes(row.line)}
_BY_LINE = {plain(row.line): row.id for row in SEPARATORS if not words_between_dashes(row.line)}


def find_start(lines: list[str]) -> Start | None:
    """The first place where a quote begins, outside lines that are quoted already."""
    for at, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith(">") or len(line) > _MAX_LINE:
            continue
        found = _separator(lines, at) or _block(lines, at) or _attribution(lines, at)
        if found:
            return found
    return None


def is_rule(line: str) -> bool:
    """A line of at least five dashes or underscores and nothing else."""
    bare = line.strip().strip("\u00a0")
    return len(bare) >= 5 and not bare.strip(RULE_MARKS)


def _separator(lines: list[str], at: int) -> Start | None:
    row = _BY_WORDS.get(words_between_dashes(lines[at])) or _BY_LINE.get(plain(lines[at]))
    if row:
        return Start(at, 1, "separator", row)
    if is_rule(lines[at]):
        below = next((i for i in range(at + 1, min(at + 4, len(lines))) if lines[i].strip()), None)
        if below is not None and _block(lines, below):
            return Start(at, 1, "separator", "S34")
    return None


def _label(line: str) -> str:
    """The role of a header-block line, "" when it is none."""
    if len(line) > _MAX_LINE:
        return ""
    line = html.unescape(line) if "&" in line else line
    line = line.translate(_PUNCTUATION).strip().lstrip(">").strip()
    found = _LABEL.match(line)
    if found:
        return LABELS.get(_squeeze(found[1]), "")
    first = _squeeze(line.strip("|* ").partition(" ")[0])
    return LABELS.get(first, "") if first in WITHOUT_COLON else ""


def _squeeze(label: str) -> str:
    return re.sub(r"\s+", "", label.lower())


def _block(lines: list[str], at: int) -> Start | None:
    """From first, then at least two more of date, to, cc, subject within eight lines, and a date or an address."""
    if _label(lines[at]) != FROM:
        return None
    roles = {FROM}
    proof = bool(_ADDRESS.search(lines[at]))
    last = at
    for i in range(at + 1, min(at + _BLOCK, len(lines))):
        role = _label(lines[i])
        if not role or role == FROM:
            continue
        roles.add(role)
        last = i
        proof = proof or (role == DATE and bool(_YEAR.search(lines[i])) and bool(_CLOCK.search(lines[i])))
        proof = proof or bool(_ADDRESS.search(lines[i]))
    return Start(at, last - at + 1, "block", "H") if len(roles) >= 3 and proof else None


def _attribution(lines: list[str], at: int) -> Start | None:
    joined = ""
    for height in range(1, _JOIN + 1):
        if at + height > len(lines):
            break
        piece = lines[at + height - 1].strip()
        if not piece or (height > 1 and piece.startswith(">")):
            break
        joined = f"{joined} {piece}" if joined else piece
        if len(joined) > _MAX_LINE:
            break
        row = match_attribution(joined)
        if row and not (height > 1 and _starts_later(lines, at, height)):
            return Start(at, height, "attribution", row)
    quoted = next((line for line in lines[at + 1 : at + 3] if line.strip()), "")
    if joined and quoted.startswith(">") and _unknown_tongue(plain(lines[at])):
        return Start(at, 1, "attribution", "A00")
    return None


def _starts_later(lines: list[str], at: int, height: int) -> bool:
    """Whether the attribution is complete without its first line, which then belongs to the answer."""
    return bool(match_attribution(" ".join(line.strip() for line in lines[at + 1 : at + height])))


def match_attribution(line: str) -> str:
    """The id of the table row that a (joined) line matches, or ""."""
    text = plain(line)
    if len(text) < 10 or not text.endswith((":", "----")):
        return ""
    dated = bool(_YEAR.search(text)) and bool(_CLOCK.search(text) or _ADDRESS.search(text))
    for row in ATTRIBUTIONS:
        if (dated or row.bare) and _fits(row, text):
            return row.id
    if dated and text.endswith(">:") and _ADDRESS.search(text) and _DATE_FIRST.match(text):
        return VERBLESS[0].id
    return ""


def _fits(row: Attribution, text: str) -> bool:
    return (
        any(word in text for word in row.has)
        and (not row.begins or text.startswith(row.begins))
        and text.endswith(row.ends)
    )


def _unknown_tongue(text: str) -> bool:
    """A line in any language that names date and time or address, ends with a colon and has a quote right below."""
    return text.endswith(":") and bool(_YEAR.search(text)) and bool(_CLOCK.search(text) or _ADDRESS.search(text))

"""Plain text as HTML that Zendesk shows exactly so, and file names it takes. Pure.

`html_body` is used because `body` collapses blank lines and reads Markdown
(https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/).
"""

import re
from collections.abc import Iterator

LARGEST_FILE = 50 * 2**20  # bytes: https://support.zendesk.com/hc/en-us/articles/4408832757146
_CHUNK = 9_000  # characters: no character grows to more than 6 bytes
_BREAKS = re.compile(r"\r\n|\r|\u2028|\u2029|\x85|\x0b|\x0c")
# what has no face, or turns the direction of what others wrote
_HIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_SPACES = re.compile(r"^ +|  +", re.MULTILINE)
_ENTITIES = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ('"', "&quot;"),
    ("'", "&#39;"),
    ("{", "&#123;"),  # {{…}} and {%…%} in a comment are evaluated: a customer could print what the account knows
    ("}", "&#125;"),
)


def clean(text: str) -> str:
    """With one kind of line break and without characters that nobody sees."""
    return _HIDDEN.sub("", _BREAKS.sub("\n", text)).replace("\t", "    ")


def escape(text: str) -> str:
    """HTML that shows exactly this text: line breaks, runs of spaces, braces and all."""
    text = clean(text)
    for mark, entity in _ENTITIES:
        text = text.replace(mark, entity)
    text = _SPACES.sub(lambda run: "&nbsp;" * (len(run[0]) - 1) + (" " if _inside(run) else "&nbsp;"), text)
    return text.replace("\n", "<br>")


def _inside(run: re.Match[str]) -> bool:
    """Whether a run of spaces stands inside a line, where one of them may stay breakable."""
    return run.start() > 0 and run.string[run.start() - 1] != "\n"


def chunks(text: str) -> Iterator[tuple[str, str]]:
    """The text in pieces that fit, each with what stood between it and the one before."""
    text = clean(text)
    between = ""
    while len(text) > _CHUNK:
        cut = max(text.rfind("\n", _CHUNK - 2000, _CHUNK), text.rfind(" ", _CHUNK - 500, _CHUNK))
        if cut <= 0:
            yield between, text[:_CHUNK]
            between, text = "", text[_CHUNK:]
        else:
            yield between, text[:cut]
            between, text = ("<br>" if text[cut] == "\n" else " "), text[cut + 1 :]
    yield between, text


def one_line(text: str, limit: int) -> str:
    """The first line with words, for a subject. Braces that Zendesk would evaluate are set apart."""
    line = next((" ".join(line.split()) for line in clean(text).splitlines() if line.strip()), "")
    return line.replace("{{", "{ {").replace("{%", "{ %")[:limit]

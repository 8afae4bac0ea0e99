"""The file of questions and answers.

TOML: `[[faq]]` tables with `question` (one, or a list of ways to ask), `answer`, and if wanted `words` and
`handoff = true`. CSV: the same names in its first line; several in one cell are parted by `|`.
"""

import csv
import io
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TABLES = ("faq", "questions", "entries", "items")
_MOST = 4 * 2**20  # bytes of a file


@dataclass(frozen=True, slots=True)
class Entry:
    """`handoff`: whoever asks this gets the answer and a person."""

    questions: tuple[str, ...]
    answer: str
    words: tuple[str, ...] = ()
    handoff: bool = False


def read_entries(path: Path) -> tuple[Entry, ...]:
    """All entries of a file. Raises ValueError with what is wrong, and where."""
    try:
        if path.stat().st_size > _MOST:
            raise ValueError(f"{path} is larger than {_MOST >> 20} MiB")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or type(error).__name__})") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8; save it as UTF-8") from None
    try:
        rows = _csv(text) if path.suffix.lower() == ".csv" else _toml(text)
    except (tomllib.TOMLDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from None
    entries = tuple(_entry(path, number, row) for number, row in enumerate(rows, 1))
    if not entries:
        raise ValueError(f"{path} has no entries; write [[faq]] tables with `question` and `answer`")
    return entries


def _toml(text: str) -> list[Any]:
    content = tomllib.loads(text)
    name = next((one for one in _TABLES if isinstance(content.get(one), list)), "")
    rows: list[Any] = content.get(name, [])
    return rows


def _csv(text: str) -> list[Any]:
    return list(csv.DictReader(io.StringIO(text), skipinitialspace=True))


def _entry(path: Path, number: int, row: Any) -> Entry:
    where = f"{path}: entry {number}"
    if not isinstance(row, Mapping):
        raise ValueError(f"{where} is no table")  # noqa: TRY004 - pydantic turns ValueErrors into faults
    given = {str(key).strip().lower(): value for key, value in row.items() if key}
    questions = (*_many(given.get("question")), *_many(given.get("questions")))
    answer = str(given.get("answer") or "").strip()
    if not questions or not answer:
        raise ValueError(f"{where} needs `question` and `answer`")
    handoff = str(given.get("handoff") or "").strip().lower() in {"true", "yes", "1", "是"}
    return Entry(questions, answer, _many(given.get("words")), handoff)


def _many(value: Any) -> tuple[str, ...]:
    found: Iterable[Any] = value if isinstance(value, list) else str(value or "").split("|")
    return tuple(text for one in found if (text := str(one).strip()))

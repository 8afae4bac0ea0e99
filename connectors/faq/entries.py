"""The file of questions and answers.

TOML: `[[faq]]` tables with `question` (one, or a list of ways to ask), `answer`, and if wanted `words`, `choices` (what
to tap next, where the channel has buttons) and `handoff = true`; and `[[synonyms]]` tables with `words` that mean the
same here. CSV: the same names in its first line; several in one cell are parted by `|`.
"""

import csv
import io
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.contract import WrongValue

_TABLES = ("faq", "questions", "entries", "items")
_MOST = 4 * 2**20  # bytes of a file


@dataclass(frozen=True, slots=True)
class Entry:
    """`handoff`: whoever asks this gets the answer and a person."""

    questions: tuple[str, ...]
    answer: str
    words: tuple[str, ...] = ()
    handoff: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A file: its entries, and words that mean the same."""

    entries: tuple[Entry, ...]
    synonyms: tuple[tuple[str, ...], ...] = ()


def read_entries(path: Path) -> tuple[Entry, ...]:
    """All entries of a file. Raises ValueError with what is wrong, and where."""
    return read_knowledge(path).entries


def read_knowledge(path: Path) -> Knowledge:
    """A whole file. Raises ValueError with what is wrong, and where."""
    try:
        if path.stat().st_size > _MOST:
            raise WrongValue(f"{path} is larger than {_MOST >> 20} MiB", f"{path} 超过 {_MOST >> 20} MiB")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise WrongValue(
            f"{path} cannot be read ({error.strerror or type(error).__name__})",
            f"无法读取 {path}（{error.strerror or type(error).__name__}）",
        ) from None
    except UnicodeDecodeError:
        raise WrongValue(f"{path} is not UTF-8; save it as UTF-8", f"{path} 不是 UTF-8 编码，请另存为 UTF-8") from None
    try:
        rows, synonyms = (_csv(text), []) if path.suffix.lower() == ".csv" else _toml(text)
    except (tomllib.TOMLDecodeError, csv.Error) as error:
        raise WrongValue(f"{path}: {error}", f"{path} 格式有误：{error}") from None
    entries = tuple(_entry(path, number, row) for number, row in enumerate(rows, 1))
    if not entries:
        raise WrongValue(
            f"{path} has no entries; write [[faq]] tables with `question` and `answer`",
            f"{path} 中没有条目；请用 [[faq]] 表填写 `question` 和 `answer`",
        )
    return Knowledge(entries, tuple(_synonyms(path, number, row) for number, row in enumerate(synonyms, 1)))


def _synonyms(path: Path, number: int, row: Any) -> tuple[str, ...]:
    words = _many(row.get("words")) if isinstance(row, Mapping) else ()
    if len(words) < 2:
        raise WrongValue(
            f"{path}: synonyms {number} needs `words`, two or more",
            f"{path}：第 {number} 组 synonyms 需要两个以上的 `words`",
        )
    return words


def _toml(text: str) -> tuple[list[Any], list[Any]]:
    content = tomllib.loads(text)
    name = next((one for one in _TABLES if isinstance(content.get(one), list)), "")
    rows: list[Any] = content.get(name, [])
    synonyms = content.get("synonyms", [])
    return rows, synonyms if isinstance(synonyms, list) else []


def _csv(text: str) -> list[Any]:
    return list(csv.DictReader(io.StringIO(text), skipinitialspace=True))


def _entry(path: Path, number: int, row: Any) -> Entry:
    where = f"{path}: entry {number}"
    if not isinstance(row, Mapping):
        raise WrongValue(f"{where} is no table", f"{where} 不是表")
    given = {str(key).strip().lower(): value for key, value in row.items() if key}
    questions = (*_many(given.get("question")), *_many(given.get("questions")))
    answer = str(given.get("answer") or "").strip()
    if not questions or not answer:
        raise WrongValue(f"{where} needs `question` and `answer`", f"{where} 需要 `question` 和 `answer`")
    handoff = str(given.get("handoff") or "").strip().lower() in {"true", "yes", "1", "是"}
    return Entry(questions, answer, _many(given.get("words")), handoff, _many(given.get("choices"))[:10])


def _many(value: Any) -> tuple[str, ...]:
    found: Iterable[Any] = value if isinstance(value, list) else str(value or "").split("|")
    return tuple(text for one in found if (text := str(one).strip()))

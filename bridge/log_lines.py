"""What other libraries log, as our own lines: one form, no text of anybody's, and not for ever the same.

Exceptions are told by their kinds and places. What they say is left out: a `KeyError` or a database's message quotes
what it choked on, and that may be a customer's words.
"""

import logging
import time
import traceback
from collections import OrderedDict
from contextlib import suppress
from typing import Any, TextIO

import structlog

_FRAMES = 12  # of each exception, the innermost
_EACH = 5  # lines of one kind in a minute
_MINUTE = 60.0
_KINDS = 500
_LONGEST = 200


def tell_exception(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Puts `exception` in the place of `exc_info`."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given if isinstance(given, BaseException) else _current(given)
    if error is not None:
        event["exception"] = " <- ".join(_outline(error))
    return event


def _current(given: object) -> BaseException | None:
    import sys

    return sys.exception() if given else None


def _outline(error: BaseException) -> list[str]:
    """The exception and what led to it: its kind, and the places in the order of the calls."""
    found, seen = [], set[int]()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = traceback.extract_tb(current.__traceback__)[-_FRAMES:]
        places = ", ".join(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)
        found.append(f"{type(current).__module__}.{type(current).__qualname__} [{places}]".removeprefix("builtins."))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return found


def _short(path: str) -> str:
    return "/".join(path.split("/")[-3:])


class Stream:
    """Standard error for the log. A line that cannot be written (a full disk, a pipe that nobody reads) is lost, and
    nothing else with it: what was logged about goes on.
    """

    def __init__(self, to: TextIO) -> None:
        self._to = to

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return self._to.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._to.flush()


class OthersLines(logging.Handler):
    """Takes the standard library's log records. Of one kind at most so many a minute; the next one says how many
    were left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        text = self._text(record)
        left_out = self._left_out((record.name, str(record.msg)[:_LONGEST].partition("(")[0]))
        if left_out is None:
            return
        more: dict[str, Any] = {"left_out": left_out} if left_out else {}
        if record.exc_info and record.exc_info[1] is not None:
            more["exc_info"] = record.exc_info
        structlog.get_logger(record.name).log(record.levelno, text, logger=record.name, **more)

    @staticmethod
    def _text(record: logging.LogRecord) -> str:
        """The first line without what calls were given: asyncio names handles with all their arguments."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        line = (text.strip().splitlines() or [""])[0][:_LONGEST]
        return line.partition("(")[0].strip() if record.name == "asyncio" else line

    def _left_out(self, kind: tuple[str, str]) -> int | None:
        """How many of this kind were left out before this one; None when it is left out itself."""
        now = time.monotonic()
        since, count = self._seen.pop(kind, (now, 0))
        before = max(0, count - _EACH)
        if now - since >= _MINUTE:
            since, count = now, 0
        self._seen[kind] = (since, count + 1)
        if len(self._seen) > _KINDS:
            self._seen.popitem(last=False)
        if count >= _EACH:
            return None
        return before if count == 0 else 0


def take_over() -> None:
    """From now on nobody writes to standard error but our own log."""
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, OthersLines)]
    root.addHandler(OthersLines())
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)

"""How much of what waits in a lane is said at once: as much as the other side takes, whatever the number of lines."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from bridge.contract import Message, words_of
from bridge.engine.conversation.queueing import files_of

_ALWAYS = 20  # messages that are rendered together whatever their size: what is too large becomes several steps
_MOST = 1000  # one transaction
_UNSAID = 60_000  # bytes, where a vendor names no limit
_AROUND = 32  # bytes of markup around one message


def together(rows: Sequence[Row[Any]], limit: int | None) -> Sequence[Row[Any]]:
    """The first of the messages that wait, in order. `limit`: bytes of one text there (`Capabilities.max_text_bytes`).

    Where a desk counts updates, joining by number would never end: somebody who writes two lines a second says more
    than twenty between two of them. Files keep their own limits: beyond twenty messages a file begins the next step.
    """
    if len(rows) <= _ALWAYS:
        return rows
    chosen: list[Row[Any]] = []
    free = (limit or _UNSAID) * 3 // 4  # markup and escapes take some
    for row in rows:
        message = Message.model_validate_json(row.message)
        free -= len(words_of(message).encode()) + _AROUND
        if len(chosen) >= _ALWAYS and (free < 0 or len(chosen) >= _MOST or any(files_of(message))):
            break
        chosen.append(row)
    return chosen

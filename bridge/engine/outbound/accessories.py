"""Files on the way to a desk: an accessory never blocks the message.

Where a desk takes a file in the request that writes (`Capabilities.uploads_apart` says where it does not), trouble
with the file is trouble with the write. So words and files are steps of their own; nothing waits for one that carries
nothing but files; and a write that failed with its files goes without them, which its connector then names and links.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import groupby
from typing import Any, Protocol

from sqlalchemy import Row

from bridge.contract import File, Image, Message, Step, Video, Voice, file_name
from bridge.engine.conversation.queueing import carried_by, files_of
from mappings import links, outbox
from mappings.links import LinkRow
from mappings.store import Store


class Failures(Protocol):
    """What is known of a step's attempts: failures in a row, and of which kind."""

    code: str
    tries: int


PATIENCE = timedelta(seconds=5)  # how long what is behind waits for a file that is being sent
_TRIES = 2  # with its files, before a write goes without them; one that nobody answered has one
_NO_BYTES = "0" * 64  # of which nothing is kept: a connector says what it does about a file that cannot be read
_UNANSWERED = frozenset({"timeout", "ReadError", "ReadTimeout", "WriteError", "WriteTimeout", "RemoteProtocolError"})


def runs_of(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Messages in order, those with files apart from those without."""
    for _, run in groupby(messages, key=lambda message: bool(files_of(message))):
        yield list(run)


def is_accessory(row: Row[Any], step: Step, link: LinkRow) -> bool:
    """Whether nothing needs to wait for a step: files without a word, on a ticket that is there."""
    if not step.media or row.lane != links.lane_to_desk(link.id) or link.ticket is None:
        return False
    return all(_wordless(message) for message in carried_by(row))


def _wordless(message: Message) -> bool:
    for part in message.parts:
        match part:
            case Image() | Video() | File():
                if part.caption:
                    return False
            case Voice():
                if part.transcript:
                    return False
            case _:
                return False
    return True


@asynccontextmanager
async def not_in_the_way(
    store: Store, row: Row[Any], step: Step, link: LinkRow, wake: Callable[[], None]
) -> AsyncIterator[None]:
    """While a step is sent: what is behind it goes when that takes long and nothing but files is in it."""
    if row.aside or not is_accessory(row, step, link):
        yield
        return

    async def stand_aside() -> None:
        await asyncio.sleep(PATIENCE.total_seconds())
        await store.write(outbox.put_aside, row.id, row.lease)
        wake()

    timer = asyncio.create_task(stand_aside(), name=f"aside {row.id}")
    try:
        yield
    finally:
        timer.cancel()
        await asyncio.gather(timer, return_exceptions=True)


def for_this_attempt(row: Failures, step: Step) -> Step:
    """A step without its files, when they seem to be what fails. Every other time it has them again: a desk that is
    ill as a whole refuses words as well, and should have the picture once it is well.
    """
    if not step.media or not _may_be_the_files(row.code):
        return step
    beyond = row.tries - (1 if row.code in _UNANSWERED else _TRIES)
    if beyond < 0 or beyond % 2:
        return step
    named = ({"sha256": _NO_BYTES, "name": file_name(media)} for media in step.media)
    bare = (media.model_copy(update=changes) for media, changes in zip(step.media, named, strict=True))
    return step.model_copy(update={"media": tuple(bare)})


def _may_be_the_files(code: str) -> bool:
    return code in _UNANSWERED or code.startswith("http 5")

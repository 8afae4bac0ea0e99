"""Files on the way to a vendor: an accessory never blocks the message.

Where a desk takes a file in the request that writes (`Capabilities.uploads_apart` says where it does not), trouble
with the file is trouble with the write. So words and files are steps of their own (`apart`), and the words go first;
nothing waits for a step that carries nothing but files; and a write that failed with its files goes without them, which
its connector then names and links. Where files are uploaded beforehand, that has seconds (`prepare_soon`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import groupby
from typing import Any, Protocol

from sqlalchemy import Row

from bridge.contract import (
    Capabilities,
    Card,
    File,
    Image,
    Media,
    Message,
    Part,
    Phrases,
    Prepares,
    Step,
    Target,
    Text,
    Video,
    Voice,
    file_name,
)
from bridge.engine.conversation.queueing import FOLLOWS, carried_by, files_of
from mappings import links, outbox
from mappings.links import LinkRow
from mappings.store import Store


class Failures(Protocol):
    """What is known of a step's attempts: failures in a row, and of which kind."""

    code: str
    tries: int


PATIENCE = timedelta(seconds=5)  # how long anything waits for a file that is being sent
_QUICK = 1_000_000  # bytes: uploaded together with the words, where that is done beforehand
_SPEED = 4_000_000  # bytes in a second that a large file may take longer
_TRIES = 2  # with its files, before a write goes without them; one that nobody answered has one
_NO_BYTES = "0" * 64  # of which nothing is kept: a connector says what it does about a file that cannot be read
_UNANSWERED = frozenset({"timeout", "ReadError", "ReadTimeout", "WriteError", "WriteTimeout", "RemoteProtocolError"})


def apart(
    messages: Sequence[Message], capabilities: Capabilities, language: str, *, opening: bool
) -> tuple[list[list[Message]], list[Message]]:
    """Messages for a desk, in order, as runs of which each has steps of its own: those with files, and those without.
    A message that has both is two. The second list follows when the ticket is there: with `opening` there is one run.
    """
    runs: list[Message] = []
    later: list[Message] = []
    for message in messages:
        heavy = [media for media in files_of(message) if _goes_apart(media, capabilities)]
        said, files = split(message, heavy.__contains__) if heavy else (message, None)
        if files is None or (opening and capabilities.uploads_apart):
            runs.append(message)
        elif opening:
            runs.append(said or _announced(message, files, language))
            later.append(files)
        else:
            runs += [one for one in (said, files if said else message) if one]
    if opening:
        return [runs], later
    grouped = groupby(runs, key=lambda one: any(_goes_apart(media, capabilities) for media in files_of(one)))
    return [list(run) for _, run in grouped], []


def _goes_apart(media: Media, capabilities: Capabilities) -> bool:
    """Whether a file has a step of its own: its bytes are here, and sending them may take a while."""
    return bool(media.sha256) and (not capabilities.uploads_apart or (media.size or 0) > _QUICK)


def split(message: Message, late: Callable[[Media], bool]) -> tuple[Message | None, Message | None]:
    """A message without those files, and those files as one of their own. None for what nothing is left of."""
    rest: list[Part] = []
    files: list[Part] = []
    for part in message.parts:
        said, follows = _parted(part, late)
        rest += said
        files += follows
    words = message.model_copy(update={"parts": tuple(rest)}) if rest else None
    return words, message.model_copy(update={"id": message.id + FOLLOWS, "parts": tuple(files)}) if files else None


def _parted(part: Part, late: Callable[[Media], bool]) -> tuple[list[Part], list[Part]]:
    """What of a part can go now, and what follows. A card or film goes without the picture that stands for it."""
    match part:
        case Card(thumb=Media() as thumb) if late(thumb):
            follows: list[Part] = [Image(media=thumb)] if thumb.sha256 else []
            return [part.model_copy(update={"thumb": None})], follows
        case Video(thumb=Media() as thumb) if late(thumb) and not late(part.media):
            return [part.model_copy(update={"thumb": None})], []
        case Image() | File() | Video() | Voice() if late(part.media):
            name = "transcript" if isinstance(part, Voice) else "caption"
            words = getattr(part, name)
            return [Text(body=words)] if words else [], [part.model_copy(update={name: ""})]
        case _:
            return [part], []


def _announced(message: Message, files: Message, language: str) -> Message:
    """The words that make a ticket where there are none. It is called after the file."""
    phrases = Phrases(language)
    words = tuple(Text(body=f"[{phrases.word(part.kind)}: {phrases.word('behind')}]") for part in files.parts)
    subject = message.subject or phrases.part(files.parts[0])
    return message.model_copy(update={"parts": words, "subject": subject})


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


async def prepare_soon(connector: Prepares, step: Step, target: Target) -> tuple[Step, dict[str, Any]]:
    """What `prepare` makes of a step for which others wait, and the step: without its files where they take long."""
    size = sum(media.size or 0 for media in step.media)
    try:
        async with asyncio.timeout(PATIENCE.total_seconds() + size / _SPEED):
            return step, await connector.prepare(step, target)
    except TimeoutError:
        step = _bare(step)
        return step, await connector.prepare(step, target)


def for_this_attempt(row: Failures, step: Step) -> Step:
    """A step without its files, when they seem to be what fails. Every other time it has them again: a desk that is
    ill as a whole refuses words as well, and should have the picture once it is well.
    """
    if not step.media or not _may_be_the_files(row.code):
        return step
    beyond = row.tries - (1 if row.code in _UNANSWERED else _TRIES)
    return step if beyond < 0 or beyond % 2 else _bare(step)


def _bare(step: Step) -> Step:
    named = ({"sha256": _NO_BYTES, "name": file_name(media)} for media in step.media)
    bare = (media.model_copy(update=changes) for media, changes in zip(step.media, named, strict=True))
    return step.model_copy(update={"media": tuple(bare)})


def _may_be_the_files(code: str) -> bool:
    return code in _UNANSWERED or code.startswith("http 5")

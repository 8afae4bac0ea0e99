"""Files of messages: what is known of them, and how long a message waits for one.

An accessory never blocks the message: after seconds the words go, and what they came with follows by itself as a
message of its own. Agents see that something is to follow, or that it cannot be had.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from bridge.contract import Card, File, Image, Media, Message, Part, Phrases, Text, Video, Voice
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.notices import quote
from bridge.engine.conversation.queueing import FOLLOWS, files_of
from bridge.engine.outbound.accessories import split
from mappings import links, media, waiting
from mappings.links import LinkRow
from mappings.states import FileState, WaitingCause
from mappings.store import Tx

WAITS = timedelta(seconds=5)  # for a file that is on its way; most are here in less than one
_SOON, _LATER = timedelta(milliseconds=200), timedelta(seconds=5)


def with_files(work: Work, link: LinkRow, lane: int, rows: Sequence[Row[Any]]) -> list[Message]:
    """The messages that may go, in order, with what is known of their files. Where there are none, the lane is looked
    at again in a moment.
    """
    ready: list[Message] = []
    late = False
    for row in rows:
        message = with_bytes(work.tx, work.runtime, Message.model_validate_json(row.message))
        if not any(_on_its_way(file) for file in files_of(message)):
            if not _given_up(work, link, lane, row, message):
                ready.append(message)
        elif work.now - row.created_at < WAITS:
            break
        elif (words := _words_first(work, link, lane, row, message)) is not None:
            ready.append(words)
        else:
            late = True
    if not ready:
        waiting.delay_waiting(work.tx, lane, work.now + (_LATER if late else _SOON))
    return ready


def _words_first(work: Work, link: LinkRow, lane: int, row: Row[Any], message: Message) -> Message | None:
    """A message without the files that are not here yet; they wait on, behind what else waits there. None: they were
    put off before, or nothing else is in it and the customer's side need not hear of it.
    """
    to_desk = lane == links.lane_to_desk(link.id)
    if message.id.endswith(FOLLOWS):
        old = work.now - row.created_at > work.runtime.settings.replies.try_for
        if old and not to_desk:  # an answer that comes hours late confuses more than it helps
            _drop(work, link, row, message)
        return None
    first, after = split(message, _on_its_way)
    if after is not None and to_desk:
        phrases = Phrases(work.runtime.language)
        said = [Text(body=f"[{phrases.word(part.kind)}: {phrases.word('follows')}]") for part in after.parts]
        first = message.model_copy(update={"parts": (*(first.parts if first else ()), *said)})
    if after is not None and not to_desk:
        quoted = quote([after], work.runtime.language)
        tell(work, link, "file.late", cause=f"file.{message.id}", quoted=quoted, about=message.id)
    if first is not None:
        waiting.change_waiting(work.tx, row.id, first.model_dump_json())
    else:
        waiting.drop_waiting(work.tx, [row.id])
    if after is not None:
        put_behind(work, link, lane, row, after)
    return first


def put_behind(work: Work, link: LinkRow, lane: int, row: Row[Any], after: Message) -> None:
    """What a message came with waits on, behind what else waits there."""
    waiting.add_waiting(
        work.tx, lane=lane, link_id=link.id, account=row.account, message_id=after.id,
        message=after.model_dump_json(), due_at=work.now, created_at=row.created_at, inbox_id=row.inbox_id,
        cause=WaitingCause.FILES,
    )  # fmt: skip


def _given_up(work: Work, link: LinkRow, lane: int, row: Row[Any], message: Message) -> bool:
    """What was to follow an answer and cannot be had costs no reply: the agents are told instead."""
    follows = message.id.endswith(FOLLOWS) and lane == links.lane_to_channel(link.id)
    if not follows or not all(file.error for file in files_of(message)):
        return False
    _drop(work, link, row, message)
    return True


def _drop(work: Work, link: LinkRow, row: Row[Any], message: Message) -> None:
    waiting.drop_waiting(work.tx, [row.id])
    about = message.id.removesuffix(FOLLOWS)
    tell(work, link, "file.missing", quoted=quote([message], work.runtime.language), about=about)


def _on_its_way(file: Media) -> bool:
    return not file.sha256 and not file.error


def with_bytes(tx: Tx, runtime: Runtime, message: Message) -> Message:
    """A message whose files know their bytes, type, size and public link, or why they could not be had."""
    if not files_of(message):
        return message
    return message.model_copy(update={"parts": tuple(_filled(tx, runtime, part) for part in message.parts)})


def _filled(tx: Tx, runtime: Runtime, part: Part) -> Part:
    match part:
        case File():
            found = _facts(tx, runtime, part.media)
            if found.mime.startswith("image/") and not part.media.mime.startswith("image/"):
                return Image(media=found, caption=part.caption)  # declared as just a file; its bytes know better
            return part.model_copy(update={"media": found})
        case Image() | Voice():
            return part.model_copy(update={"media": _facts(tx, runtime, part.media)})
        case Video() | Card():
            changes: dict[str, Any] = {}
            if isinstance(part, Video):
                changes["media"] = _facts(tx, runtime, part.media)
            if part.thumb is not None:
                changes["thumb"] = _facts(tx, runtime, part.thumb)
            return part.model_copy(update=changes)
        case _:
            return part


def _facts(tx: Tx, runtime: Runtime, file: Media) -> Media:
    if file.sha256:
        return file if file.url else file.model_copy(update={"url": runtime.link_to(file)})
    row = media.find_media(tx, file.account, file.id)
    if row is None:
        return file if file.error else file.model_copy(update={"error": "unknown"})
    if row.state == FileState.WANTED:
        return file
    if row.state == FileState.FAILED:
        return file.model_copy(update={"error": row.error or "unknown"})
    known = file.model_copy(
        update={"sha256": row.sha256, "mime": row.mime, "size": row.size, "name": row.name or file.name}
    )
    return known.model_copy(update={"url": runtime.link_to(known)})

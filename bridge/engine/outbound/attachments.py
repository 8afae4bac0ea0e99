"""The files of messages that are about to be rendered: whether they are here, and what is known of them."""

from typing import Any

from bridge.contract import Card, File, Image, Media, Message, Part, Video, Voice
from bridge.engine.context import Runtime
from bridge.engine.conversation.queueing import files_of
from mappings import media
from mappings.store import Tx


def first_with_files(tx: Tx, runtime: Runtime, messages: list[Message]) -> list[Message]:
    """The messages up to the first whose files are not here yet, with what is known of their files."""
    ready = []
    for message in messages:
        filled = with_bytes(tx, runtime, message)
        if any(not file.sha256 and not file.error for file in files_of(filled)):
            break
        ready.append(filled)
    return ready


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
    if row.state == "wanted":
        return file
    if row.state == "failed":
        return file.model_copy(update={"error": row.error or "unknown"})
    known = file.model_copy(
        update={"sha256": row.sha256, "mime": row.mime, "size": row.size, "name": row.name or file.name}
    )
    return known.model_copy(update={"url": runtime.link_to(known)})

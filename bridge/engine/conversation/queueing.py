"""Putting a message where it waits, and what a stored step carries."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from bridge.contract import Audience, AuthorKind, Card, File, Image, Media, Message, Video, Voice
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.allowance import Allowance
from mappings import links, media, outbox, waiting
from mappings.links import LinkRow
from mappings.notices import WENT
from mappings.states import WaitingCause
from mappings.store import Tx

FOLLOWS = "+files"  # what the id of a message ends in that brings what another one came with
DRAFT = "draft"  # why a draft is held: for an agent's word


def put(
    work: Work,
    link: LinkRow,
    message: Message,
    *,
    to_desk: bool,
    inbox_id: int | None = None,
    due_at: datetime | None = None,
) -> None:
    """A message joins its lane; the files it names are asked for at once, because vendors forget them."""
    _want_files(work, message)
    account = link.desk if to_desk else link.channel
    waiting.add_waiting(
        work.tx,
        lane=links.lane_to_desk(link.id) if to_desk else links.lane_to_channel(link.id),
        link_id=link.id,
        account=account,
        message_id=message.id,
        message=message.model_dump_json(),
        due_at=due_at or (work.now if to_desk else _due(work.runtime, link, message, work.now)),
        created_at=work.now,
        inbox_id=inbox_id,
        cause=cause_of(message),
    )
    work.effects.accounts.add(account)


def cause_of(message: Message) -> WaitingCause:
    """Why a message waits."""
    if message.id.endswith(FOLLOWS):
        return WaitingCause.FILES
    return WaitingCause.AUTOMATIC if is_automatic(message) else WaitingCause.SAID


def is_automatic(message: Message) -> bool:
    """Whether the bridge says it to the customer by itself (a greeting): nobody's answer."""
    return message.author.kind is AuthorKind.BRIDGE and message.audience is Audience.CUSTOMER


def carry_answers(tx: Tx, link: LinkRow, fresh: LinkRow) -> None:
    """Answers that still wait for the customer stay answers to them, and so does what agents read of that."""
    lane, to_lane = links.lane_to_channel(link.id), links.lane_to_channel(fresh.id)
    waiting.move_waiting(tx, lane, to_lane, fresh.id, fresh.channel)
    outbox.move_steps(tx, lane, to_lane, fresh.id)
    links.move_notices(tx, link.id, fresh.id, WENT)


def put_draft(work: Work, link: LinkRow, message: Message) -> None:
    """A message that goes nowhere until an agent writes `#send`."""
    _want_files(work, message)
    lane = links.lane_of_drafts(link.id)
    waiting.add_waiting(
        work.tx, lane=lane, link_id=link.id, account=link.channel, message_id=message.id,
        message=message.model_dump_json(), due_at=work.now, created_at=work.now,
    )  # fmt: skip
    waiting.hold_waiting(work.tx, lane, DRAFT)


def _want_files(work: Work, message: Message) -> None:
    for file in files_of(message):
        if (
            not file.sha256
            and not file.error
            and media.want_media(
                work.tx, file.account, file.id, work.now, mime=file.mime, name=file.name, size=file.size
            )
        ):
            work.effects.media = True


def _due(runtime: Runtime, link: LinkRow, message: Message, now: datetime) -> datetime:
    """With few replies left an agent's answer waits a moment for the next remark, so that both cost one."""
    if runtime.capabilities(link.channel).window is None or message.author.kind is not AuthorKind.AGENT:
        return now
    left = Allowance.model_validate_json(link.allowance).remaining(now)
    return now + runtime.settings.replies.join_within if 0 < left <= runtime.settings.replies.join_below else now


def files_of(message: Message) -> list[Media]:
    """Every file a message names."""
    found: list[Media] = []
    for part in message.parts:
        match part:
            case Image() | Voice() | File():
                found.append(part.media)
            case Video():
                found += [part.media, *([part.thumb] if part.thumb else [])]
            case Card(thumb=Media() as thumb):
                found.append(thumb)
            case _:
                pass
    return found


def carried_by(step: Row[Any]) -> list[Message]:
    """The messages a stored step carries."""
    return [Message.model_validate(entry) for entry in json.loads(step.messages)]

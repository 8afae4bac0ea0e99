"""What agents are told, and when: private notes on the ticket, and how far messages came.

The words of the notes stand in `notices`.
"""

from collections.abc import Iterable
from datetime import timedelta

from bridge.contract import DeliveryState, Message, Progress, Text
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.notices import note, quoted_beside, say
from bridge.engine.conversation.queueing import put
from bridge.engine.runtime.ids import new_name
from mappings import links, waiting
from mappings.links import LinkRow

GATHER = timedelta(seconds=2)  # answers that end within this share a note


def tell(
    work: Work, link: LinkRow, what: str, *, cause: str = "", quoted: str = "", about: str = "", **values: object
) -> bool:
    """A private note on the ticket: once per cause until `forget_notices`. False when it was told before."""
    if cause and not links.notice_once(work.tx, link.id, cause, work.now):
        return False
    return _write(work, link, what, "", quoted, about, values)


def tell_ended(
    work: Work, link: LinkRow, what: str, *, cause: str, quoted: str = "", about: str = "", **values: object
) -> bool:
    """A private note about an answer that came to its end. Answers that end alike within a moment share one note,
    which quotes each: one note per cause, and none of them goes without a word.
    """
    mark = f"note:{cause}:"
    for row in waiting.waiting_in(work.tx, links.lane_to_desk(link.id)):
        if row.message_id.startswith(mark):
            message = Message.model_validate_json(row.message)
            text = "\n".join(part.body for part in message.parts if isinstance(part, Text))
            more = message.model_copy(update={"parts": (Text(body=quoted_beside(text, quoted)),)})
            waiting.change_waiting(work.tx, row.id, more.model_dump_json())
            return False
    return _write(work, link, what, mark, quoted, about, values)


def _write(work: Work, link: LinkRow, what: str, mark: str, quoted: str, about: str, values: dict[str, object]) -> bool:  # noqa: PLR0913 - what a note says, all by name
    if not work.runtime.capabilities(link.desk).notes:
        work.effects.note("agent not told", account=link.desk, link=link.id, about=what)
        return False
    text = say(work.runtime.language, what, channel=work.runtime.label(link.channel), **values)
    message = note(f"{mark or 'note:'}{new_name()}", text, at=work.now, quoted=quoted, about=about)
    due = work.now + GATHER if mark else work.now
    put(work, link, message, to_desk=True, due_at=due)
    return True


def shows_progress(runtime: Runtime, link: LinkRow, *, to_desk: bool) -> bool:
    """Whether one end of a link can show how far messages came."""
    return runtime.capabilities(link.desk if to_desk else link.channel).delivery_status


def show_progress(
    work: Work, link: LinkRow, message_ids: Iterable[str], state: DeliveryState, *, to_desk: bool, reason: str = ""
) -> None:
    """How far messages came, for accounts that can show it."""
    if not shows_progress(work.runtime, link, to_desk=to_desk):
        return
    parts = tuple(Progress(of=identifier, state=state, reason=reason) for identifier in message_ids)
    if parts:
        message = note(f"progress:{new_name()}", "", at=work.now).model_copy(update={"parts": parts})
        put(work, link, message, to_desk=to_desk)

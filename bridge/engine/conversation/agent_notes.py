"""What agents are told, and when: private notes on the ticket, and how far messages came.

The words of the notes stand in `notices`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from bridge.contract import DeliveryState, Message, Progress, Text
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.notices import LANGUAGES, by_language, note, quote, quoted_beside, say
from bridge.engine.conversation.queueing import carried_by, put
from bridge.engine.runtime.ids import new_name
from mappings import links, outbox, waiting
from mappings.links import LinkRow
from mappings.notices import WENT

GATHER = timedelta(seconds=2)  # answers that end within this share a note
_NAMED = "window.held."  # notices, by message: agents read in this window that it waits for the customer
_HELD_NOTE = "note:held-"


def tell(
    work: Work, link: LinkRow, what: str, *, cause: str = "", quoted: str = "", about: str = "", **values: object
) -> bool:
    """A private note on the ticket: once per cause until `forget_notices`. False when it was told before."""
    if cause and not links.notice_once(work.tx, link.id, cause, work.now):
        return False
    return _write(work, link, what, "", quoted, about, values)


def tell_rules(work: Work, link: LinkRow) -> None:
    """How the channel works, on the first ticket of a conversation: once."""
    window = work.runtime.capabilities(link.channel).window
    if window is None:
        tell(work, link, "rules", cause="rules", window="")
        return
    hours = int(window.lasts.total_seconds() // 3600)
    channel = work.runtime.label(link.channel)
    said = by_language("rules.window", channel=channel, replies=window.replies, hours=hours)
    tell(work, link, "rules", cause="rules", window=said)


def tell_ended(
    work: Work, link: LinkRow, what: str, *, cause: str, quoted: str = "", about: str = "", **values: object
) -> bool:
    """A private note about an answer that came to its end. Answers that end alike within a moment share one note,
    which quotes each: one note per cause, and none of them goes without a word.
    """
    mark = f"note:{cause}:"
    return not _told_beside(work, link, mark, quoted) and _write(work, link, what, mark, quoted, about, values)


def tell_waiting(work: Work, link: LinkRow, what: str, messages: Sequence[Message], **values: object) -> bool:
    """A private note about answers that the customer must make room for: each is named once until they write again,
    and told of once more when it has gone. True for the first of them.
    """
    _forget_what_has_gone(work, link)
    fresh = [one for one in messages if links.notice_once(work.tx, link.id, f"{_NAMED}{one.id}", work.now)]
    if not fresh:
        return False
    will_be_told(work, link, fresh)
    first = links.notice_once(work.tx, link.id, "window.held", work.now)
    quoted = quote(fresh, work.runtime.language)
    if not _told_beside(work, link, _HELD_NOTE, quoted):
        _write(work, link, what, _HELD_NOTE, quoted, fresh[0].id, values, gather=not first)
    return first


def _forget_what_has_gone(work: Work, link: LinkRow) -> None:
    """When none of the answers that agents read of waits any more, what waits now is a new cause."""
    lane = links.lane_to_channel(link.id)
    waits = {f"{_NAMED}{row.message_id}" for row in waiting.waiting_in(work.tx, lane)}
    waits |= {f"{_NAMED}{one.id}" for step in outbox.unfinished_in(work.tx, lane) for one in carried_by(step)}
    if waits.isdisjoint(links.causes_told(work.tx, link.id, _NAMED)):
        links.forget_notices(work.tx, link.id, "window.held")


def will_be_told(work: Work, link: LinkRow, messages: Iterable[Message]) -> None:
    """Agents read that these answers wait: they are told when one has gone."""
    if not shows_progress(work.runtime, link, to_desk=True):
        for message in messages:
            links.notice_once(work.tx, link.id, f"{WENT}{message.id}", work.now)


def tell_went(work: Work, link: LinkRow, messages: Sequence[Message]) -> None:
    """Answers of which agents read that they wait were accepted: what goes within a moment shares one note."""
    quoted, mark = quote(messages, work.runtime.language), "note:went-"
    if not _told_beside(work, link, mark, quoted):
        _write(work, link, "went", mark, quoted, messages[0].id, {})


def take_back_doubt(work: Work, link: LinkRow, about: str) -> bool:
    """Takes back a note about an answer of unknown end that nobody has read yet. False when there is none."""
    rows = waiting.waiting_in(work.tx, links.lane_to_desk(link.id))
    mine = [row.id for row in rows if row.message_id.startswith("note:unconfirmed.") and f'"{about}"' in row.message]
    waiting.drop_waiting(work.tx, mine)
    return bool(mine)


def take_back_waiting(work: Work, link: LinkRow) -> None:
    """What nobody has read yet of answers that wait for the customer is not true any more: they wrote. Where notes go
    along with the customer's words it is all that their agents read of it for now.
    """
    if work.runtime.capabilities(link.desk).notes_act:
        return
    rows = waiting.waiting_in(work.tx, links.lane_to_desk(link.id))
    waiting.drop_waiting(work.tx, [row.id for row in rows if row.message_id.startswith(_HELD_NOTE)])


def _told_beside(work: Work, link: LinkRow, mark: str, quoted: str) -> bool:
    """Whether a note of this kind that was not written yet took these quotes in."""
    for row in waiting.waiting_in(work.tx, links.lane_to_desk(link.id)):
        if row.message_id.startswith(mark):
            message = Message.model_validate_json(row.message)
            text = "\n".join(part.body for part in message.parts if isinstance(part, Text))
            words = next((part.words for part in message.parts if isinstance(part, Text)), {})
            words = {language: quoted_beside(other, quoted) for language, other in words.items()}
            more = message.model_copy(update={"parts": (Text(body=quoted_beside(text, quoted), words=words),)})
            waiting.change_waiting(work.tx, row.id, more.model_dump_json())
            return True
    return False


def _write(  # noqa: PLR0913 - what a note says, all by name
    work: Work,
    link: LinkRow,
    what: str,
    mark: str,
    quoted: str,
    about: str,
    values: dict[str, object],
    *,
    gather: bool = True,
) -> bool:
    if not work.runtime.capabilities(link.desk).notes:
        work.effects.note("agent not told", account=link.desk, link=link.id, about=what)
        return False
    values = {"channel": work.runtime.label(link.channel), **values}
    text, words = say(work.runtime.language, what, **values), {}
    if work.runtime.capabilities(link.desk).reads_languages:
        words = {one: say(one, what, **values) for one in LANGUAGES if one != work.runtime.language}
    name = f"{mark or 'note:'}{new_name()}"
    message = note(name, text, at=work.now, quoted=quoted, about=about, words=words)
    due = work.now + GATHER if mark and gather else work.now
    put(work, link, message, to_desk=True, due_at=due)
    return True


def shows_progress(runtime: Runtime, link: LinkRow, *, to_desk: bool) -> bool:
    """Whether one end of a link can show how far messages came."""
    return runtime.capabilities(link.desk if to_desk else link.channel).delivery_status


def show_progress(  # noqa: PLR0913 - what is known, all by name
    work: Work,
    link: LinkRow,
    message_ids: Iterable[str],
    state: DeliveryState,
    *,
    to_desk: bool,
    reason: str = "",
    words: Mapping[str, str] | None = None,
) -> None:
    """How far messages came, for accounts that can show it. `words`: the reason as a sentence, by language."""
    if not shows_progress(work.runtime, link, to_desk=to_desk):
        return
    parts = tuple(
        Progress(of=identifier, state=state, reason=reason, words=dict(words or {})) for identifier in message_ids
    )
    if parts:
        message = note(f"progress:{new_name()}", "", at=work.now).model_copy(update={"parts": parts})
        put(work, link, message, to_desk=to_desk)

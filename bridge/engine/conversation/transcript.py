"""What was said before a hand-over, as one message for those who take over: who, when, what, with the pictures."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.contract import Audience, Author, AuthorKind, Contact, File, Image, Media, Message, Part, Text, Video, Voice
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.notices import quote, say
from bridge.engine.conversation.queueing import carried_by
from bridge.engine.runtime.ids import new_name
from mappings import handovers, links, waiting
from mappings.links import LinkRow
from mappings.states import StepState

TRANSCRIPT = "handover:"  # how the ids of these messages begin
_LINES, _BYTES, _LONGEST = 40, 12_000, 2000  # of one transcript; characters of one message
_FILES = 8
_SHOWN = {AuthorKind.CUSTOMER: "who.customer", AuthorKind.AGENT: "who.agent", AuthorKind.BOT: "who.bot"}


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the past. `at` is when it was routed, if that is known."""

    message: Message
    at: datetime | None
    sent: bool = True


def said_before(work: Work, of: Sequence[LinkRow], leave_out: Collection[str] = ()) -> list[Said]:
    """What customer, agents and bots said to each other on some links of a conversation, in order of record."""
    ids = [link.id for link in of]
    whole = links.conversation_links(work.tx, of[-1].channel, of[-1].conversation) if of else []
    lanes = [lane(one) for one in ids for lane in (links.lane_to_desk, links.lane_to_channel, links.lane_to_bot)]
    order = handovers.order_of(work.tx, [link.id for link in whole])  # what moved is named where it came in
    found: dict[str, Said] = {}
    for step in reversed(handovers.steps_said(work.tx, lanes)):
        for message in carried_by(step):
            sent = step.state in {StepState.DONE, StepState.UNCONFIRMED} or step.begun_at is not None or step.unknown
            _note(found, message, order, leave_out, sent=sent or not links.is_towards_customer(step.lane))
    for one in ids:
        for row in waiting.waiting_in(work.tx, links.lane_to_channel(one)):
            _note(found, Message.model_validate_json(row.message), order, leave_out, sent=False)
    place = {identifier: number for number, identifier in enumerate(found)}
    return sorted(
        found.values(), key=lambda one: order.get(one.message.id, (1 << 62, None))[0] + place[one.message.id] / 1e6
    )


def _note(
    found: dict[str, Said],
    message: Message,
    order: dict[str, tuple[int, datetime]],
    leave_out: Collection[str],
    *,
    sent: bool,
) -> None:
    hidden = message.audience is Audience.AGENTS or message.author.kind not in _SHOWN
    if hidden or message.id in leave_out or message.id in found or message.id.startswith(TRANSCRIPT):
        return
    found[message.id] = Said(message, order[message.id][1] if message.id in order else message.sent_at, sent)


def transcript(work: Work, link: LinkRow, said: Sequence[Said]) -> Message:
    """All of it as the customer's own message: it can make a ticket, and wakes one that was solved."""
    language = work.runtime.language
    lines: list[str] = []
    files: list[Part] = []
    left = _BYTES
    for one in reversed(said[-_LINES:]):
        line = _line(work.runtime, one)
        left -= len(line.encode())
        if left < 0 and lines:
            break
        lines.insert(0, line)
        files = [*_files(one.message), *files]
    if len(lines) < len(said):
        lines.insert(0, say(language, "transcript.earlier", count=len(said) - len(lines)))
    text = "\n".join(
        [say(language, "transcript", zone=work.runtime.zone), *(lines or [say(language, "transcript.empty")])]
    )
    contact = Contact.model_validate_json(link.contact)
    return Message(
        id=f"{TRANSCRIPT}{new_name()}",
        conversation=link.conversation,
        author=Author(kind=AuthorKind.CUSTOMER, id=contact.id, name=contact.name),
        parts=(Text(body=text), *files[-_FILES:]),
        sent_at=work.now,
        subject=_subject(language, said),
    )


def last_words(work: Work, said: Sequence[Said], count: int = 6) -> str:
    """The last exchanges word for word, for a note on a ticket that has the rest."""
    return "\n> ".join(_line(work.runtime, one) for one in said[-count:])


def _subject(language: str, said: Sequence[Said]) -> str:
    first = next((one.message for one in said if one.message.author.kind is AuthorKind.CUSTOMER), None)
    return first.subject or quote([first], language, 60) if first is not None else ""


def _line(runtime: Runtime, one: Said) -> str:
    author, language = one.message.author, runtime.language
    who = author.name or say(language, _SHOWN[author.kind])
    if author.kind is AuthorKind.BOT:
        who = say(language, "who.bot")
    at = f"{runtime.local(one.at):%m-%d %H:%M} " if one.at is not None else ""
    mark = "" if one.sent else f" {say(language, 'not.yet')}"
    return f"{at}{who}{say(language, 'colon')}{quote([one.message], language, _LONGEST)}{mark}"


def _files(message: Message) -> list[Part]:
    """Its files, named anew: a link that was made for an agent is over some day."""
    found: list[Part] = []
    for part in message.parts:
        if isinstance(part, Image | Voice | Video | File) and not part.media.error:
            media: Media = part.media.model_copy(update={"url": ""})
            changes: dict[str, object] = {"media": media}
            if isinstance(part, Video):
                changes["thumb"] = None
            found.append(part.model_copy(update=changes))
    return found

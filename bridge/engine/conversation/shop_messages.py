"""The shop speaks first: messages about business events, within the allowance and never from its last reply.

What does not fit now waits for the customer (`hold`), calls them back with a template (`notify`), or is not sent
(`drop`), as was asked. On the ticket it stands as a note, so that agents know what the customer read.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from bridge.contract import Author, AuthorKind, Message, Text
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.invitation import invite, notify
from bridge.engine.conversation.links import render_context
from bridge.engine.conversation.queueing import put
from bridge.engine.conversation.survey import not_asked
from bridge.engine.runtime.ids import new_name
from mappings import links, shop, waiting
from mappings.links import LinkRow

HELD = "shop.held:"  # how ids of messages begin that wait when they may not go
FLEETING = "shop.fleeting:"  # … of those that are of no use later
_WHY = "shop: no reply is spare"


class TooLong(Exception):
    """A text takes more of the channel's messages than may ever go without an agent."""

    def __init__(self, cost: int, most: int) -> None:
        super().__init__(f"takes {cost} messages of its channel, and at most {most} may go at once; write less")


class WhenShut(StrEnum):
    """What becomes of a message when no reply is left: it waits, waits and calls the customer, or ends."""

    HOLD = "hold"
    NOTIFY = "notify"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class ShopMessage:
    """What was asked for. `given` is the shop's own id; `template` with `data` is a message of its own where there is
    no text, else what calls the customer back.
    """

    given: str
    text: str = ""
    template: str = ""
    data: dict[str, str] = field(default_factory=dict)
    when_shut: WhenShut = WhenShut.HOLD


def say_for_shop(work: Work, link: LinkRow, asked: ShopMessage) -> str:
    """Takes a message on its way. Returns the name of its address; that of the first for a repeat. Raises TooLong."""
    known = shop.message_given(work.tx, link.channel, asked.given)
    if known is not None:
        return str(known.id)
    name = new_name()
    prefix = FLEETING if asked.when_shut is WhenShut.DROP else HELD
    step, outcome = _send(work, link, asked, f"{prefix}{name}")
    shop.add_message(
        work.tx, id=name, account=link.channel, given=asked.given, link_id=link.id, message_id=f"{prefix}{name}",
        step_id=step, outcome=outcome, at=work.now,
    )  # fmt: skip
    return name


def _send(work: Work, link: LinkRow, asked: ShopMessage, message_id: str) -> tuple[int | None, str]:
    """(step, outcome): the notification that carries it, and how it ended if it has."""
    if not asked.text:
        step = notify(work, link, asked.template, asked.data)
        tell(work, link, "shop.notified" if step else "shop.dropped", quoted=_said(asked))
        return step, "" if step else "no consent"
    message = Message(
        id=message_id,
        conversation=link.ticket or "",
        author=Author(kind=AuthorKind.SYSTEM, id=message_id),  # each its own: no remark of two systems is joined
        parts=(Text(body=asked.text),),
        sent_at=work.now,
    )
    cost = cost_of(work, link, message)
    window = work.runtime.capabilities(link.channel).window
    if window is not None and cost > (most := max(1, window.replies - 1)):
        raise TooLong(cost, most)
    shut = window is not None and _spare(work, link) < cost
    if shut and asked.when_shut is WhenShut.DROP:
        tell(work, link, "shop.dropped", quoted=asked.text)
        return None, "shut"
    links.add_ref(work.tx, link.desk, message_id, link.id, work.now)
    put(work, link, message, to_desk=False)
    if shut:
        hold_back(work, link, [message_id])
        _tell_held(work, link, message)
    else:
        tell(work, link, "shop.sent", quoted=asked.text)
    if shut and asked.when_shut is WhenShut.NOTIFY:
        called = notify(work, link, asked.template, asked.data) if asked.template else invite(work, link)
        if not called:
            tell(work, link, "no.consent", cause="shop.no.consent")
    return None, ""


def cost_of(work: Work, link: LinkRow, message: Message) -> int:
    """How many replies a message takes by itself."""
    context = render_context(work.runtime, link, work.now, to_desk=False)
    return sum(step.cost for step in work.runtime.accounts[link.channel].connector.render([message], context))


def _tell_held(work: Work, link: LinkRow, message: Message) -> None:
    said = "\n".join(part.body for part in message.parts if isinstance(part, Text))
    tell(work, link, "shop.held", cause=f"told.{message.id}", quoted=said)


def hold_back(work: Work, link: LinkRow, ids: list[str]) -> None:
    """Messages of the shop wait for the customer; an agent's answer behind them does not."""
    for row in waiting.waiting_in(work.tx, links.lane_to_channel(link.id)):
        if row.message_id in ids:
            waiting.hold_one(work.tx, row.id, _WHY)


def let_go(work: Work, link: LinkRow, messages: list[Message]) -> None:
    """Automatic texts that may not go: those that the shop wants kept wait, all others end."""
    kept = [message.id for message in messages if message.id.startswith(HELD)]
    hold_back(work, link, kept)
    for message in messages:
        if message.id in kept:
            _tell_held(work, link, message)
    ended = {message.id for message in messages} - set(kept)
    rows = [row for row in waiting.waiting_in(work.tx, links.lane_to_channel(link.id)) if row.message_id in ended]
    waiting.drop_waiting(work.tx, [row.id for row in rows])
    not_asked(work, link, messages)
    for identifier in ended:
        if identifier.startswith(FLEETING):
            shop.end_message(work.tx, identifier, "shut")
            tell(work, link, "shop.dropped")


def _spare(work: Work, link: LinkRow) -> int:
    """How many replies are left above the reserve; the lane's own messages count as sent."""
    book = Allowance.model_validate_json(link.allowance)
    left = book.remaining(work.now)
    return left - 1 if book.is_open(work.now) else left


def _said(asked: ShopMessage) -> str:
    return ", ".join(filter(None, asked.data.values())) or asked.template

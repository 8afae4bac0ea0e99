"""Agents' notes about who speaks with the customer: `#move NAME`, `#bot`, `#send`."""

from dataclasses import dataclass

from bridge.contract import Author, AuthorKind, Message, Role, Text
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.decision import route_of
from bridge.engine.conversation.handover import Cause, hand_over, is_bot
from bridge.engine.conversation.queueing import carried_by, put
from bridge.engine.runtime.failpoints import reach
from mappings import links, outbox, waiting
from mappings.links import LinkRow


@dataclass(frozen=True, slots=True)
class Order:
    """A command as it was written: on the ticket of `here`, by `who`."""

    here: LinkRow
    text: str
    who: str


def move(work: Work, link: LinkRow, order: Order) -> None:
    """`#move NAME`: the conversation goes on at another desk."""
    words = order.text.replace("\uff03", "#").split()
    name = words[1].strip(".,:;\u3002\uff0c") if len(words) > 1 else ""
    desks = [name for name, connected in work.runtime.accounts.items() if Role.DESK in connected.connector.roles]
    known = sorted(name for name in desks if not is_bot(work, name))
    if name not in known:
        tell(work, order.here, "move.where", command="#move", known=", ".join(known))
    elif name == link.holder:
        tell(work, order.here, "move.here", taken=name)
    else:
        hand_over(work, link, name, Cause("command", order.who))


def give_to_bot(work: Work, link: LinkRow, order: Order) -> None:
    """`#bot`: the bot of the route answers from now on."""
    route = route_of(work.runtime, link)
    bot = route.bot.name if route is not None and route.bot is not None else ""
    if not bot or not is_bot(work, bot):
        tell(work, order.here, "no.bot")
    elif bot == link.holder:
        tell(work, order.here, "move.here", taken=bot)
    else:
        hand_over(work, link, bot, Cause("command", order.who))


def _on_the_way(work: Work, link: LinkRow) -> set[str]:
    """Notes that no agent can have read: what one of them suggests is not what an agent means."""
    lane = links.lane_to_desk(link.id)
    going = {message.id for step in outbox.unfinished_in(work.tx, lane) for message in carried_by(step)}
    return going | {row.message_id for row in waiting.waiting_in(work.tx, lane)}


def _after_command(text: str) -> str:
    """What a note says behind its command, its lines as they are."""
    _, *rest = text.split(maxsplit=1)
    return rest[0].strip() if rest else ""


def send_drafts(work: Work, link: LinkRow, order: Order) -> None:
    """`#send`: what was not forwarded, or what a bot suggested, goes as this agent's own words. Once.

    `#send OTHER WORDS`: those instead.
    """
    lane = links.lane_of_drafts(order.here.id)
    unread = _on_the_way(work, order.here)
    drafts = [(row, Message.model_validate_json(row.message)) for row in waiting.waiting_in(work.tx, lane)]
    rows = [row for row, message in drafts if message.reply_to not in unread]
    if not rows:
        tell(work, order.here, "nothing", command="#send")
        return
    waiting.drop_waiting(work.tx, [row.id for row in rows])
    if link.holder != link.desk:
        link = hand_over(work, link, link.desk, Cause("agent", order.who))
    own = _after_command(order.text)
    for row in rows[-1:] if own else rows:
        message = Message.model_validate_json(row.message)
        author = Author(kind=AuthorKind.AGENT, id=message.author.id, name=order.who or message.author.name)
        changed = {"author": author, **({"parts": (Text(body=own),)} if own else {})}
        put(work, link, message.model_copy(update=changed), to_desk=False, inbox_id=row.inbox_id)
    if own:
        tell(work, order.here, "sent.own", text=own)
    else:
        tell(work, order.here, "sent", count=len(rows))
    reach("drafts")

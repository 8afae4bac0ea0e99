"""Which bot a conversation has, whether it begins with it, and what a bot may use of the reply allowance."""

import hashlib
from collections.abc import Sequence
from itertools import takewhile

from bridge.contract import AuthorKind, Message
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.decision import route_of
from bridge.routing.calendar import is_open
from bridge.settings import BotSettings, RouteSettings
from mappings import links, outbox, state, waiting
from mappings.links import LinkRow

WISHES, REFUSED = "bot.", "bot.refused"  # notices of a link: what its customer wants of bots
HANDOFF = "handoff:"  # how the ids of the texts at a hand-off begin


def bot_of(runtime: Runtime, link: LinkRow) -> BotSettings | None:
    """The bot of the route that a conversation took; None where none is configured or its connector is absent."""
    if link.channel not in runtime.bot_channels:
        return None
    route = route_of(runtime, link)
    bot = route.bot if route is not None else None
    return bot if bot is not None and bot.name in runtime.bots else None


def first_holder(work: Work, route: RouteSettings, conversation: str, before: LinkRow | None) -> str:
    """Who begins with a new conversation. `before`: what there was of it until now; its ticket may be finished."""
    bot = route.bot
    if bot is None or bot.mode != "first" or bot.name not in work.runtime.bots:
        return route.desk
    calendar = work.runtime.calendars.get(route.calendar)
    if bot.hours != "always" and calendar is not None and is_open(calendar, work.now) != (bot.hours == "open"):
        return route.desk
    share = int.from_bytes(hashlib.sha256(conversation.encode()).digest()[:4]) / 2**32
    pause = state.pauses(work.tx).get(bot.name)
    paused = pause is not None and (pause.until is None or work.now < pause.until)
    again = before is not None and (before.state == "ended" or before.generation > 1)
    if share >= bot.sample or paused or (again and bot.after_close == "people"):
        return route.desk
    return route.desk if before is not None and links.told_at(work.tx, before.id, REFUSED) else bot.name


def carry_wishes(work: Work, link: LinkRow, fresh: LinkRow) -> None:
    """What a customer wants of bots holds for the next ticket, too."""
    if link.channel in work.runtime.bot_channels:
        links.move_notices(work.tx, link.id, fresh.id, WISHES)


def is_of_bot(message: Message) -> bool:
    """Whether a machine of ours says it: it may never use what is reserved for people."""
    return message.author.kind is AuthorKind.BOT or message.id.startswith(HANDOFF)


def share_left(work: Work, link: LinkRow, bot: BotSettings) -> int:
    """How many replies the bot may still use: what is left and not on its way already, less what people keep."""
    if work.runtime.capabilities(link.channel).window is None:
        return 1 << 30
    lane = links.lane_to_channel(link.id)
    on_the_way = len(outbox.unfinished_in(work.tx, lane)) + len(waiting.waiting_in(work.tx, lane))
    left = Allowance.model_validate_json(link.allowance).remaining(work.now)
    return left - on_the_way - bot.reserve


def of_one_sort(messages: Sequence[Message]) -> list[Message]:
    """What is rendered together, from the first on: people's words, or one of a machine's. A machine's may be dropped
    on the way, because its term is over; people's never.
    """
    if messages and is_of_bot(messages[0]):
        return [messages[0]]
    return list(takewhile(lambda one: not is_of_bot(one), messages))


def within_share(work: Work, link: LinkRow, messages: Sequence[Message], left: int) -> list[Message]:
    """Of what is rendered together: a machine's words only as far as people keep their replies."""
    bot = bot_of(work.runtime, link) if any(map(is_of_bot, messages)) else None
    return [] if bot is not None and left <= bot.reserve else list(messages)

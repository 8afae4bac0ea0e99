"""Questions to bots: what the customer wrote since the last turn becomes one step, unless people must take over."""

import json
from collections.abc import Sequence
from datetime import timedelta

from bridge.contract import Contact, Message, RenderContext, words_of
from bridge.engine.context import Work
from bridge.engine.conversation.bot_share import bot_of, share_left
from bridge.engine.conversation.bot_words import made_up, masked
from bridge.engine.conversation.handover import Cause
from bridge.engine.conversation.transcript import said_before
from bridge.engine.conversation.turns import MOST_IN_SPAN, to_people
from bridge.engine.runtime.ids import new_name
from bridge.settings import BotSettings
from mappings import links, outbox, turns, waiting
from mappings.links import LinkRow

_HISTORY, _BYTES = 12, 8000  # messages and bytes of what was said before
_SPAN = timedelta(minutes=2)
_LOOK = timedelta(seconds=1)


def render_question(work: Work, link: LinkRow, lane: int) -> None:
    """Asks what waits in a bot's lane, in one step."""
    rows = waiting.waiting_in(work.tx, lane)
    bot = bot_of(work.runtime, link)
    if bot is None or (bot.mode == "first" and link.holder != bot.name) or link.state == "ended":
        waiting.drop_waiting(work.tx, [row.id for row in rows])
        return
    if turns.is_under_way(work.tx, link.id, link.term):  # what is said meanwhile joins that question, or follows it
        waiting.delay_waiting(work.tx, lane, work.now + _LOOK)
        return
    messages = [Message.model_validate_json(row.message) for row in rows]
    asked = "\n".join(map(words_of, messages))
    why = _too_much(work, link, bot)
    if why and bot.mode == "first":
        to_people(work, link, bot, Cause(why), asked=asked)
        return
    waiting.drop_waiting(work.tx, [row.id for row in rows])
    if why:
        return
    connector = work.runtime.accounts[bot.name].connector
    asked_bot = [masked(work.runtime, link, bot, _bare(message)) for message in messages]
    steps = connector.render(asked_bot, _context(work, link, bot, messages))
    for step in steps[:1]:
        values = {
            "key": new_name(),
            "lane": lane,
            "link_id": link.id,
            "account": bot.name,
            "step": step.model_dump_json(exclude_defaults=True),
            "messages": json.dumps([message.model_dump(mode="json") for message in messages], ensure_ascii=False),
            "batch": new_name(),
            "allowance": link.allowance,
            "due_at": work.now,
            "created_at": work.now,
            "term": link.term,
        }
        made = outbox.add_step(work.tx, values)
        turns.add_turn(
            work.tx, outbox_id=made, link_id=link.id, account=bot.name, term=link.term, mode=bot.mode, at=work.now
        )


def _too_much(work: Work, link: LinkRow, bot: BotSettings) -> str:
    """Why a bot may not be asked once more: a `why.…` of the texts, "" when it may."""
    used = turns.used(work.tx, link.id, link.term, work.now - _SPAN)
    if (bot.mode == "first" and used.answers >= bot.max_turns) or used.lately >= MOST_IN_SPAN:
        return "turns"
    midnight = work.now.replace(hour=0, minute=0, second=0, microsecond=0)
    if (bot.max_tokens and used.tokens >= bot.max_tokens) or (
        bot.max_tokens_day and turns.tokens_since(work.tx, bot.name, midnight) >= bot.max_tokens_day
    ):
        return "money"
    return "allowance" if bot.mode == "first" and share_left(work, link, bot) <= 0 else ""


def _context(work: Work, link: LinkRow, bot: BotSettings, messages: Sequence[Message]) -> RenderContext:
    """What a bot may know: what was said, in which language, and made-up ids that mean nothing elsewhere."""
    mine = links.conversation_links(work.tx, link.channel, link.conversation)
    said = said_before(work, mine, {message.id for message in messages})
    history: list[Message] = []
    left = _BYTES
    for one in reversed([one for one in said if one.sent][-_HISTORY:]):
        left -= len(words_of(one.message).encode())
        if left < 0:
            break
        history.insert(0, masked(work.runtime, link, bot, _bare(one.message)))
    contact = Contact.model_validate_json(link.contact)
    return RenderContext(
        conversation=made_up(work.runtime, f"{link.channel}:{link.conversation}:{link.term}"),
        contact=Contact(id=made_up(work.runtime, f"{link.channel}:{link.conversation}"), locale=contact.locale),
        history=tuple(history),
        memory=link.memory,
        asks=True,
        language=work.runtime.language,
        now=work.now,
    )


def _bare(message: Message) -> Message:
    """A message without what says who wrote it."""
    author = message.author.model_copy(update={"id": "", "name": ""})
    return message.model_copy(update={"author": author, "conversation": "", "origin": "", "subject": ""})

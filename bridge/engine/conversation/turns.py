"""A bot's turns: what the customer wrote since the last one goes in, one answer and a verdict come out.

A turn is a step in a lane of its own. What comes back is a payload of the bot's account, kept with the receipt; it is
routed like all others, and counts only while the term in which it was asked lasts.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.bots.answers import Limits, check_answer
from bridge.bots.people_words import wants_person
from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    BotAnswered,
    BotVerdict,
    Card,
    Choices,
    Contact,
    Message,
    Text,
    Voice,
    answer_key,
)
from bridge.engine.context import ConnectedAccount, Work
from bridge.engine.conversation.after_bot import give_to_people
from bridge.engine.conversation.bot_share import HANDOFF, bot_of, share_left
from bridge.engine.conversation.bot_texts import bot_says, language_of
from bridge.engine.conversation.decision import words_of
from bridge.engine.conversation.handover import Cause
from bridge.engine.conversation.notices import note
from bridge.engine.conversation.queueing import carried_by, put, put_draft
from bridge.engine.runtime.failpoints import reach
from bridge.engine.runtime.ids import new_name
from bridge.settings import BotSettings
from mappings import links, outbox, state, turns, waiting
from mappings.links import LinkRow

_BURST = 3  # answers in a row that the customer's next message may overtake
_LONGEST_QUIET = timedelta(seconds=20)
_SPAN = timedelta(minutes=2)
MOST_IN_SPAN = 10  # turns: who writes faster is a machine


def customer_asked(work: Work, link: LinkRow, message: Message, inbox_id: int) -> bool:
    """A customer's message, for the bot of its route if there is one. True when the ticket gets it in another way: it
    is made at the hand-over.
    """
    bot = bot_of(work.runtime, link)
    if bot is None:
        return False
    first = bot.mode == "first"
    if first and link.holder != bot.name:
        return False
    unread = not all(_readable(part) for part in message.parts)
    if unread and not first:
        return False
    apart = first and bot.ticket == "handoff"
    if not apart:
        put(work, link, message, to_desk=True, inbox_id=inbox_id)
    lane = links.lane_to_bot(link.id)
    began = [row.created_at for row in waiting.waiting_in(work.tx, lane)]
    due = work.now + bot.quiet if first else work.now
    due = min(due, (began[0] if began else work.now) + _LONGEST_QUIET)
    waiting.add_waiting(
        work.tx, lane=lane, link_id=link.id, account=bot.name, message_id=message.id,
        message=message.model_dump_json(), due_at=due, created_at=work.now, inbox_id=inbox_id,
    )  # fmt: skip
    waiting.delay_waiting(work.tx, lane, due)
    work.effects.accounts.add(bot.name)
    if first:
        why = "content" if unread else "words" if wants_person(words_of(message), bot.people_when) else ""
        why = why or ("paused" if is_paused(work, bot.name) else "")
        if why:
            to_people(work, link, bot, Cause(why), asked=words_of(message))
    return True


def _readable(part: object) -> bool:
    return isinstance(part, Text | Card) or (isinstance(part, Voice) and bool(part.transcript.strip()))


def is_paused(work: Work, account: str) -> bool:
    """Whether nothing is asked of an account at this moment."""
    pause = state.pauses(work.tx).get(account)
    return pause is not None and (pause.until is None or work.now < pause.until)


def to_people(work: Work, link: LinkRow, bot: BotSettings, cause: Cause, *, text: str = "", asked: str = "") -> LinkRow:
    """People take over; the customer hears of it in one message, with what the bot said, if there is a reply for it."""
    if link.holder != bot.name:
        return link
    fresh = give_to_people(work, link, cause, asked)
    turns.drop_turns(work.tx, link.id, work.now)
    if share_left(work, fresh, bot) <= 0:
        return fresh
    language = _language(work, fresh, asked)
    said = "\n".join(filter(None, (text, bot.handoff_text or bot_says("handoff", language))))
    message = Message(
        id=f"{HANDOFF}{new_name()}",
        conversation=fresh.ticket or "",
        author=Author(kind=AuthorKind.BRIDGE, id=f"{HANDOFF}{fresh.term}"),
        parts=(Text(body=said),),
        sent_at=work.now,
        generated=bool(text) and bot.label_ai,
    )
    put(work, fresh, message, to_desk=False)
    return fresh


def _language(work: Work, link: LinkRow, asked: str) -> str:
    return language_of(asked, Contact.model_validate_json(link.contact).locale, work.runtime.language)


def answered(work: Work, connected: ConnectedAccount, event: BotAnswered, inbox_id: int) -> None:
    """A bot answered. Only what was asked in this term, of this bot, once."""
    step = outbox.step_by_key(work.tx, event.job)
    turn = turns.turn_of(work.tx, step.id) if step is not None and step.account == connected.name else None
    if step is None or turn is None:
        work.effects.note("answer to nothing", account=connected.name)
        return
    link = links.get_link(work.tx, step.link_id, lock=True)
    turn = turns.turn_of(work.tx, step.id)
    assert turn is not None
    reach("bot answered")
    if turn.state != "asked" or link.state == "ended" or link.term != turn.term:
        turns.end_turn(work.tx, turn.id, work.now, state="late", tokens=turn.tokens or event.tokens)
        work.effects.note("answer of another term", account=connected.name, link=link.id, term=turn.term)
        return
    bot = bot_of(work.runtime, link)
    if bot is None or bot.name != connected.name:
        turns.end_turn(work.tx, turn.id, work.now, state="late", tokens=event.tokens)
        return
    used = turns.used(work.tx, link.id, link.term, work.now - _SPAN)
    if event.memory and event.memory != link.memory:
        links.change_link(work.tx, link.id, memory=event.memory)
    facts = {"verdict": event.verdict.value, "tokens": event.tokens, "why": event.reason[:200]}
    seconds = round((work.now - turn.at).total_seconds(), 3)
    work.effects.note("bot turn", account=bot.name, verdict=event.verdict.value, tokens=event.tokens, seconds=seconds)
    if used.superseded < _BURST and waiting.waiting_in(work.tx, links.lane_to_bot(link.id)):
        turns.end_turn(work.tx, turn.id, work.now, state="superseded", **facts)
        _ask_again(work, link, carried_by(step))
        return
    turns.end_turn(work.tx, turn.id, work.now, state="answered", **facts)
    waiting.delay_waiting(work.tx, links.lane_to_bot(link.id), work.now)
    asked = carried_by(step)
    if bot.mode == "first":
        _speak(work, link, bot, event, _Question(asked, used, inbox_id))
    else:
        _show(work, link, bot, event, asked)


def _ask_again(work: Work, link: LinkRow, asked: list[Message]) -> None:
    """The customer went on meanwhile: all of it is one question, in order."""
    lane = links.lane_to_bot(link.id)
    rows = waiting.waiting_in(work.tx, lane)
    waiting.drop_waiting(work.tx, [row.id for row in rows])
    again = [(message.id, message.model_dump_json(), work.now, None) for message in asked]
    again += [(row.message_id, row.message, row.created_at, row.inbox_id) for row in rows]
    for identifier, text, at, inbox in again:
        waiting.add_waiting(
            work.tx, lane=lane, link_id=link.id, account=rows[0].account, message_id=identifier, message=text,
            due_at=work.now, created_at=at, inbox_id=inbox,
        )  # fmt: skip
    work.effects.accounts.add(rows[0].account)


@dataclass(frozen=True, slots=True)
class _Question:
    """What a turn was about: the customer's messages, what was used before it, the payload that answers it."""

    asked: list[Message]
    used: turns.Used
    inbox_id: int


def _speak(work: Work, link: LinkRow, bot: BotSettings, event: BotAnswered, question: _Question) -> None:
    asked, used, inbox_id = question.asked, question.used, question.inbox_id
    words = "\n".join(words_of(message) for message in asked)
    known = f"{words}\n{event.summary}"
    checked = check_answer(event.text, known, _limits(work, bot), _secret(work, bot))
    cause = ""
    if event.verdict is BotVerdict.HANDOFF or checked.person:
        cause = "asked"
    elif event.verdict is BotVerdict.NOTHING:
        cause = "doubt" if used.doubts + 1 >= bot.max_doubts else ""
    elif checked.wrong:
        cause = "filter"
        work.effects.note("bot answer held back", account=bot.name, link=link.id, why=checked.wrong)
    if cause:
        text = checked.text if not checked.wrong else ""
        to_people(work, link, bot, Cause(cause, summary=event.summary or event.reason), text=text, asked=words)
        return
    if share_left(work, link, bot) <= 0:
        to_people(work, link, bot, Cause("allowance", summary=event.summary), asked=words)
        return
    language = _language(work, link, words)
    text = checked.text if event.verdict is not BotVerdict.NOTHING else bot_says("doubt", language)
    if not used.answers and event.verdict is not BotVerdict.NOTHING:
        text = f"{text}\n{bot_says('hint', language)}"
    if bot.label_ai and not work.runtime.capabilities(link.channel).labels_generated:
        text = f"{bot_says('mark', language)}{text}"
    message = Message(
        id=answer_key(event.job),
        conversation=link.ticket or "",
        author=Author(kind=AuthorKind.BOT, id=bot.name, name=bot.name),
        parts=(Choices(text=text, options=event.choices) if event.choices else Text(body=text),),
        sent_at=work.now,
        generated=bot.label_ai,
    )
    links.add_pair(work.tx, bot.name, message.id, link.id, work.now, inbox_id=inbox_id)
    put(work, link, message, to_desk=False, inbox_id=inbox_id)


def _show(work: Work, link: LinkRow, bot: BotSettings, event: BotAnswered, asked: list[Message]) -> None:
    """For agents only: a draft that `#send` sends, or a note for comparison."""
    words = "\n".join(words_of(message) for message in asked)
    checked = check_answer(event.text, words, _limits(work, bot), _secret(work, bot))
    language = work.runtime.language
    about = asked[-1].id if asked else ""
    if bot.mode == "shadow":
        text = bot_says("shadow", language, verdict=event.verdict.value, text=checked.text or checked.wrong or "-")
    elif checked.text and not checked.wrong and event.verdict in {BotVerdict.ANSWER, BotVerdict.RESOLVED}:
        text = bot_says("suggested", language, text=checked.text)
        lane = links.lane_of_drafts(link.id)
        old = [row.id for row in waiting.waiting_in(work.tx, lane) if row.message_id.startswith(answer_key(""))]
        waiting.drop_waiting(work.tx, old)
        draft = Message(
            id=answer_key(event.job), conversation=link.ticket or "", parts=(Text(body=checked.text),),
            author=Author(kind=AuthorKind.BOT, id=bot.name), sent_at=work.now,
        )  # fmt: skip
        put_draft(work, link, draft)
    else:
        return
    put(work, link, note(f"note:{new_name()}", text, at=work.now, about=about), to_desk=True)


def _limits(work: Work, bot: BotSettings) -> Limits:
    scripted = work.runtime.capabilities(bot.name).scripted
    return Limits(bot.max_chars, bot.allowed_hosts, bot.promises == "allow", scripted)


def _secret(work: Work, bot: BotSettings) -> str:
    """The instructions that a bot was given, where its connector knows them."""
    return str(getattr(work.runtime.accounts[bot.name].connector, "instructions", ""))


def answer_lost(work: Work, link: LinkRow, why: str) -> None:
    """An answer of a bot did not reach the customer, and will not: people must know that somebody waits."""
    bot = bot_of(work.runtime, link)
    if bot is not None and link.holder == bot.name:
        to_people(work, link, bot, Cause(why))


def show_answer(work: Work, link: LinkRow, message: Message) -> None:
    """What a bot said to the customer, on the ticket that has the rest."""
    bot = bot_of(work.runtime, link)
    if bot is None or bot.ticket == "handoff":
        return
    text = bot_says("answered", work.runtime.language, text=words_of(message))
    public = bot.show_as == "public"
    if not public and not work.runtime.capabilities(link.desk).notes:
        return
    shown = note(f"note:{new_name()}", text, at=work.now)
    if public:
        shown = shown.model_copy(update={"audience": Audience.CUSTOMER, "id": f"bot:{new_name()}"})
    put(work, link, shown, to_desk=True)


def give_up_late(work: Work, resting: Collection[str]) -> None:
    """By the clock: bots that do not answer in time, are paused or in trouble. Their conversations go to people."""
    for name in work.runtime.bots:
        deadline = getattr(work.runtime.accounts[name].config, "deadline", timedelta(seconds=30))
        if name in resting and not is_paused(work, name):  # other processes must know
            state.pause(work.tx, name, "trouble", work.now, work.now + work.runtime.settings.engine.breaker_pause)
        paused = is_paused(work, name)
        before: datetime = work.now if paused else work.now - deadline - _LONGEST_QUIET / 4
        for link_id in turns.late_turns(work.tx, name, before):
            link = links.get_link(work.tx, link_id, lock=True)
            bot = bot_of(work.runtime, link)
            if bot is not None and link.holder == name:
                to_people(work, link, bot, Cause("paused" if paused else "failure"))
            else:
                turns.drop_turns(work.tx, link_id, work.now)
                lane = links.lane_to_bot(link_id)
                waiting.drop_waiting(work.tx, [row.id for row in waiting.waiting_in(work.tx, lane)])

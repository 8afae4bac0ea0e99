"""A bot's turns: what the customer wrote since the last one goes in, one answer and a verdict come out.

A turn is a step in a lane of its own. What comes back is a payload of the bot's account, kept with the receipt; it is
routed like all others, and counts only while the term in which it was asked lasts.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.bots.answers import Checked, shorten
from bridge.bots.people_words import wants_person
from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    BotAnswered,
    BotVerdict,
    Card,
    Choices,
    Message,
    Text,
    Voice,
    answer_key,
    words_of,
)
from bridge.engine.context import ConnectedAccount, Work
from bridge.engine.conversation.after_bot import give_to_people
from bridge.engine.conversation.bot_share import HANDOFF, bot_of, share_left
from bridge.engine.conversation.bot_texts import bot_says
from bridge.engine.conversation.bot_wishes import PATIENCE, wished
from bridge.engine.conversation.bot_words import Frame, checked, handoff_text, language_for, one_message, unmasked
from bridge.engine.conversation.handover import Cause, has_opening
from bridge.engine.conversation.notices import note
from bridge.engine.conversation.queueing import carried_by, put, put_draft
from bridge.engine.runtime.failpoints import reach
from bridge.engine.runtime.ids import new_name
from bridge.settings import BotSettings
from mappings import links, outbox, state, turns, waiting
from mappings.links import LinkRow
from mappings.states import BotOutcome

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
    apart = first and bot.ticket == "handoff" and not has_opening(work, link)
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
        words = words_of(message)
        why = "held" if link.held_by else "content" if unread else ""
        why = why or wished(work, link, bot, words)
        why = why or ("words" if wants_person(words, bot.people_when) else "")
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
    """People take over; the customer hears of it in one message, if there is a reply for it. `text` is that message
    where the bot said something itself. Whoever has the customer in the platform's own client is there already.
    """
    if link.holder != bot.name:
        return link
    fresh = give_to_people(work, link, cause, asked)
    turns.drop_turns(work.tx, link.id, work.now)
    if fresh.held_by or share_left(work, fresh, bot) <= 0:
        return fresh
    said = text or handoff_text(work, fresh, bot, language_for(work, fresh, asked))
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


def answered(work: Work, connected: ConnectedAccount, event: BotAnswered, inbox_id: int) -> None:
    """A bot answered. Only what was asked in this term, of this bot, once."""
    event = event.model_copy(update={"tokens": max(0, event.tokens)})  # a budget that a bot refills is none
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
    asked = carried_by(step)
    event = unmasked(work, link, bot, event, asked)
    used = turns.used(work.tx, link.id, link.term, work.now - _SPAN)
    if event.memory and event.memory != link.memory:
        links.change_link(work.tx, link.id, memory=event.memory)
    facts: BotOutcome = {"verdict": event.verdict.value, "tokens": event.tokens, "why": event.reason[:200]}
    seconds = round((work.now - turn.at).total_seconds(), 3)
    work.effects.note("bot turn", account=bot.name, verdict=event.verdict.value, tokens=event.tokens, seconds=seconds)
    if used.superseded < _BURST and waiting.waiting_in(work.tx, links.lane_to_bot(link.id)):
        turns.end_turn(work.tx, turn.id, work.now, state="superseded", **facts)
        _ask_again(work, link, asked)
        return
    turns.end_turn(work.tx, turn.id, work.now, state="answered", **facts)
    waiting.delay_waiting(work.tx, links.lane_to_bot(link.id), work.now)
    if bot.mode == "first":
        _speak(work, link, bot, event, _Question(turn.id, asked, used, inbox_id))
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

    turn: int
    asked: list[Message]
    used: turns.Used
    inbox_id: int


def _speak(work: Work, link: LinkRow, bot: BotSettings, event: BotAnswered, question: _Question) -> None:
    words = "\n".join(map(words_of, question.asked))
    found = checked(work.runtime, bot, event, question.asked)
    language = language_for(work, link, words)
    marked = bot.label_ai and not work.runtime.capabilities(link.channel).labels_generated
    frame = Frame(question.turn, language, before=bot_says("mark", language) if marked else "")
    cause = _why_people(event, found, question.used, bot)
    if cause == "filter":
        work.effects.note("bot answer held back", account=bot.name, link=link.id, why=found.wrong)
    if cause:
        text = found.text if not found.wrong else ""
        if text and share_left(work, link, bot) > 0:
            text = one_message(work, link, bot, text, replace(frame, after=handoff_text(work, link, bot, language)))
        to_people(work, link, bot, Cause(cause, summary=event.summary or event.reason), text=text, asked=words)
        return
    if share_left(work, link, bot) <= 0:
        to_people(work, link, bot, Cause("allowance", summary=event.summary), asked=words)
        return
    doubts = event.verdict is BotVerdict.NOTHING
    if not question.used.answers and not doubts:
        frame = replace(frame, after=bot_says("hint", language))
    whole = bot_says("doubt", language) if doubts else found.text
    text = one_message(work, link, bot, whole, frame)
    message = Message(
        id=answer_key(event.job),
        conversation=link.ticket or "",
        author=Author(kind=AuthorKind.BOT, id=bot.name, name=bot.name),
        parts=(Choices(text=text, options=event.choices) if event.choices else Text(body=text),),
        sent_at=work.now,
        generated=bot.label_ai,
    )
    links.add_ref(work.tx, bot.name, message.id, link.id, work.now, inbox_id=question.inbox_id)
    put(work, link, message, to_desk=False, inbox_id=question.inbox_id)


def _why_people(event: BotAnswered, found: Checked, used: turns.Used, bot: BotSettings) -> str:
    """Why an answer leads to people: a `why.…` of the texts, "" when the bot goes on."""
    if event.verdict is BotVerdict.HANDOFF or found.person:
        return "asked"
    if event.verdict is BotVerdict.NOTHING:
        return "doubt" if used.doubts + 1 >= bot.max_doubts else ""
    return "filter" if found.wrong else ""


def _show(work: Work, link: LinkRow, bot: BotSettings, event: BotAnswered, asked: list[Message]) -> None:
    """For agents only: a draft that `#send` sends, or a note for comparison."""
    found = checked(work.runtime, bot, event, asked)
    answer = shorten(found.text, bot.max_chars)
    language = work.runtime.language
    about = asked[-1].id if asked else ""
    shown = f"note:{new_name()}"
    if bot.mode == "shadow":
        text = bot_says("shadow", language, verdict=event.verdict.value, text=answer or found.wrong or "-")
    elif answer and not found.wrong and event.verdict in {BotVerdict.ANSWER, BotVerdict.RESOLVED}:
        text = bot_says("suggested", language, text=answer)
        lane = links.lane_of_drafts(link.id)
        old = [row.id for row in waiting.waiting_in(work.tx, lane) if row.message_id.startswith(answer_key(""))]
        waiting.drop_waiting(work.tx, old)
        draft = Message(
            id=answer_key(event.job), conversation=link.ticket or "", parts=(Text(body=answer),),
            author=Author(kind=AuthorKind.BOT, id=bot.name), sent_at=work.now, reply_to=shown,
        )  # fmt: skip
        put_draft(work, link, draft)
    else:
        return
    put(work, link, note(shown, text, at=work.now, about=about), to_desk=True)


def answer_lost(work: Work, link: LinkRow, why: str) -> None:
    """An answer of a bot did not reach the customer, and will not: people must know that somebody waits."""
    bot = bot_of(work.runtime, link)
    if bot is not None and link.holder == bot.name:
        to_people(work, link, bot, Cause(why))


def show_answer(work: Work, link: LinkRow, message: Message) -> None:
    """What a bot said to the customer, on the ticket that has the rest."""
    bot = bot_of(work.runtime, link)
    if bot is None or (bot.ticket == "handoff" and not has_opening(work, link)):
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
        late = dict.fromkeys(turns.late_turns(work.tx, name, before), "paused" if paused else "failure")
        silent = turns.held_questions(work.tx, name, work.now - PATIENCE)
        for link_id, why in {**dict.fromkeys(silent, "consent"), **late}.items():
            link = links.get_link(work.tx, link_id, lock=True)
            bot = bot_of(work.runtime, link)
            if bot is not None and link.holder == name:
                to_people(work, link, bot, Cause(why))
            else:
                turns.drop_turns(work.tx, link_id, work.now)
                lane = links.lane_to_bot(link_id)
                waiting.drop_waiting(work.tx, [row.id for row in waiting.waiting_in(work.tx, lane)])

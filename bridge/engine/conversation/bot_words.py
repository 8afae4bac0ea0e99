"""A bot's answer as its customer reads it: checked, as one message of the channel, all of it on a page."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.bots.answers import Checked, Limits, check_answer, shorten
from bridge.bots.masking import mask, unmask
from bridge.contract import BotAnswered, Card, Choices, Contact, Message, Part, Raw, Text, Voice, answer_key, words_of
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.absence import away_text
from bridge.engine.conversation.bot_share import bot_of
from bridge.engine.conversation.bot_texts import bot_says, language_of
from bridge.engine.conversation.queueing import carried_by
from bridge.engine.conversation.transcript import said_before
from bridge.services.tokens import sign_number
from bridge.settings import BotSettings
from mappings import inbox, links, outbox, turns
from mappings.links import LinkRow
from mappings.store import Tx

WHOLE = 20_000  # characters of an answer's page


def language_for(work: Work, link: LinkRow, asked: str) -> str:
    """In which language a customer is answered."""
    return language_of(asked, Contact.model_validate_json(link.contact).locale, work.runtime.language)


def handoff_text(work: Work, link: LinkRow, bot: BotSettings, language: str) -> str:
    """What a customer reads when people take over: that somebody comes, or that nobody is there. One of the two."""
    return away_text(work, link) or bot.handoff_text or bot_says("handoff", language)


def made_up(runtime: Runtime, name: str) -> str:
    """An id that means nothing elsewhere, the same for the same name."""
    return hmac.new(runtime.context_key.encode(), f"bot:{name}".encode(), hashlib.sha256).hexdigest()[:32]


def masked(runtime: Runtime, link: LinkRow, bot: BotSettings, message: Message) -> Message:
    """A message without what the route keeps from its bot."""
    if not bot.mask:
        return message
    salt = _salt(runtime, link)
    parts = [part.model_copy(update=_masked_words(part, bot.mask, salt)) for part in message.parts]
    return message.model_copy(update={"parts": tuple(parts)})


def _masked_words(part: Part, kinds: Sequence[str], salt: str) -> dict[str, str]:
    names: tuple[str, ...] = ()
    match part:
        case Text():
            names = ("body",)
        case Voice():
            names = ("transcript",)
        case Card():
            names = ("title", "description", "path", "url")
        case Choices():
            names = ("text", "plain")
        case _:
            pass
    return {name: mask(getattr(part, name), kinds, salt) for name in names}


def _salt(runtime: Runtime, link: LinkRow) -> str:
    return made_up(runtime, f"mask:{link.channel}:{link.conversation}")


def unmasked(work: Work, link: LinkRow, bot: BotSettings, event: BotAnswered, asked: Sequence[Message]) -> BotAnswered:
    """An answer with what its placeholders stand for, as far as somebody said it in this conversation."""
    if not bot.mask or "[" not in event.text + event.summary:
        return event
    mine = links.conversation_links(work.tx, link.channel, link.conversation)
    said = [*map(words_of, asked), *(words_of(one.message) for one in said_before(work, mine))]
    salt = _salt(work.runtime, link)
    words = {name: unmask(getattr(event, name), said, bot.mask, salt) for name in ("text", "summary", "reason")}
    return event.model_copy(update=words)


def checked(runtime: Runtime, bot: BotSettings, event: BotAnswered, asked: Sequence[Message]) -> Checked:
    """All of an answer, through the filter."""
    scripted = runtime.capabilities(bot.name).scripted
    limits = Limits(WHOLE, bot.allowed_hosts, bot.promises == "allow", scripted)
    secret = str(getattr(runtime.accounts[bot.name].connector, "instructions", ""))
    known = "\n".join([*map(words_of, asked), event.summary])
    return check_answer(event.text, known, limits, secret)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands before and after an answer in its message; `turn` is the one that it came of."""

    turn: int
    language: str
    before: str = ""
    after: str = ""


def one_message(work: Work, link: LinkRow, bot: BotSettings, whole: str, frame: Frame) -> str:
    """An answer in its frame, so short that the channel carries it as one message. What is left out stands behind a
    link, where the route wants that.
    """
    most = work.runtime.capabilities(link.channel).max_text_bytes

    def fit(*after: str) -> tuple[str, str]:
        rest = "\n".join(filter(None, (*after, frame.after)))
        space = most - len(f"{frame.before}\n{rest}".encode()) if most is not None else None
        text = shorten(whole, bot.max_chars, space)
        return text, "\n".join(filter(None, (f"{frame.before}{text}", rest)))

    text, message = fit()
    if text == whole or bot.longer == "shorten":
        return message
    retention = work.runtime.settings.retention
    until = work.now + min(retention.links_valid, retention.payloads)
    token = sign_number(work.runtime.page_key, frame.turn, until)
    url = f"{work.runtime.settings.bridge.public_url}/answers/{token}"
    return fit(bot_says("more", frame.language, url=url))[1]


@dataclass(frozen=True, slots=True)
class Whole:
    """All of an answer: what its page shows."""

    text: str
    language: str
    generated: bool


def whole_answer(tx: Tx, runtime: Runtime, number: int) -> Whole | None:
    """The answer of a turn, read anew from the payload that brought it; None when that is gone, or was never said."""
    turn = turns.get_turn(tx, number)
    step = outbox.get_step(tx, turn.outbox_id) if turn is not None else None
    if turn is None or step is None or turn.state != "answered" or turn.mode != "first":
        return None
    link = links.get_link(tx, turn.link_id)
    bot = bot_of(runtime, link)
    key = answer_key(step.key)
    payload = inbox.payload_of(tx, turn.account, key)
    if bot is None or bot.name != turn.account or payload is None:
        return None
    events = runtime.accounts[bot.name].connector.normalise(Raw(key, payload))
    event = next((one for one in events if isinstance(one, BotAnswered)), None)
    if event is None:
        return None
    work, asked = Work(tx, runtime, runtime.now()), carried_by(step)
    found = checked(runtime, bot, unmasked(work, link, bot, event, asked), asked)
    if found.wrong or not found.text:
        return None
    locale = Contact.model_validate_json(link.contact).locale
    return Whole(found.text, language_of(found.text, locale, runtime.language), bot.label_ai)

"""What a customer wants of bots: none, or to be asked first. It is kept with the conversation and moves along."""

from datetime import timedelta

from bridge.bots.people_words import agrees, refuses_bots
from bridge.contract import Author, AuthorKind, Message, Text
from bridge.engine.context import Work
from bridge.engine.conversation.bot_share import REFUSED, WISHES, share_left
from bridge.engine.conversation.bot_texts import bot_says
from bridge.engine.conversation.bot_words import language_for
from bridge.engine.conversation.queueing import put
from bridge.engine.runtime.ids import new_name
from bridge.settings import BotSettings
from mappings import links, waiting
from mappings.links import LinkRow

PATIENCE = timedelta(minutes=10)  # for a yes; then people
_ASKED, _AGREED = "bot.asked", "bot.agreed"


def wished(work: Work, link: LinkRow, bot: BotSettings, words: str) -> str:
    """Why people take over because the customer wants it so: a `why.…` of the texts. "" when the bot may be asked, or
    when the customer was asked just now and their words wait for the yes.
    """
    if refuses_bots(words):
        links.notice_once(work.tx, link.id, REFUSED, work.now)
        return "refused"
    if bot.consent != "ask":
        return ""
    told = links.causes_told(work.tx, link.id, WISHES)
    if _AGREED in told:
        return ""
    lane = links.lane_to_bot(link.id)
    if _ASKED in told:
        if not agrees(words):
            return "consent"
        links.notice_once(work.tx, link.id, _AGREED, work.now)
        rows = waiting.waiting_in(work.tx, lane)
        waiting.drop_waiting(work.tx, [row.id for row in rows[-1:]])  # the yes is no question
        waiting.release_waiting(work.tx, lane)
        waiting.delay_waiting(work.tx, lane, work.now)
        return ""
    if share_left(work, link, bot) <= 0:
        return "allowance"
    waiting.hold_waiting(work.tx, lane, "consent")
    links.notice_once(work.tx, link.id, _ASKED, work.now)
    message = Message(
        id=f"consent:{new_name()}",
        conversation=link.ticket or "",
        author=Author(kind=AuthorKind.BOT, id=bot.name, name=bot.name),
        parts=(Text(body=bot_says("consent", language_for(work, link, words))),),
        sent_at=work.now,
    )
    put(work, link, message, to_desk=False)
    return ""

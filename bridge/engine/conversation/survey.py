"""Customers are asked how it was: once, after people really answered, and only from what is left above the reserve.

A question is a row that changes in the transaction that puts it on its way: whatever crashes, nobody is asked twice.
The answer is read only when the whole message is a rating; it opens nothing, and the ticket says what it was.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from bridge.contract import (
    Author,
    AuthorKind,
    ConnectorError,
    Contact,
    Labels,
    Message,
    Part,
    RenderContext,
    ShowsAllowance,
    Status,
    Text,
)
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.announcement import announce
from bridge.engine.conversation.decision import route_of
from bridge.engine.conversation.queueing import carried_by, put
from bridge.engine.runtime.failpoints import reach
from bridge.engine.runtime.ids import new_name
from bridge.figures.ratings import read_rating
from bridge.figures.survey_texts import choices, question
from bridge.services.tokens import sign_number
from bridge.settings.surveys import SurveySettings
from mappings import attempts, facts, links, outbox, surveys, waiting
from mappings.links import LinkRow
from mappings.states import StepState

SURVEY = "survey:"  # how the ids of these messages begin
FRESH = timedelta(hours=24)  # how long ago an answer may be for somebody to be asked about it
RARELY = timedelta(days=7)  # nobody is asked more often, except where the same conversation was solved again
AGAIN = timedelta(hours=24)
CORRECTED = timedelta(minutes=10)
_BUSY = timedelta(seconds=30)


def solved(work: Work, link: LinkRow) -> None:
    """The ticket was solved just now: the customer may be asked in a while."""
    wanted = wanted_of(work, link)
    if wanted is not None and link.state == "open":
        surveys.add_survey(work.tx, link.id, work.now + wanted.after)


def ask_due(work: Work) -> None:
    """Asks whoever is to be asked by now, or says on the ticket why not."""
    if not work.runtime.asks_how:
        return
    for row in surveys.due(work.tx, work.now):
        link = links.get_link(work.tx, row.link_id, lock=True)
        wanted = wanted_of(work, link)
        if wanted is None:
            surveys.change_survey(work.tx, row.id, "due", state="void", why="not wanted")
        elif _is_busy(work, link):
            surveys.change_survey(work.tx, row.id, "due", due_at=work.now + _BUSY)
        elif unfit := _unfit(work, link):
            surveys.change_survey(work.tx, row.id, "due", state="void", why=unfit)
        elif shut := _shut(work, link, wanted):
            surveys.change_survey(work.tx, row.id, "due", state="void", why=shut)
            tell(work, link, f"survey.{shut}", cause=f"survey.{row.id}")
        elif surveys.change_survey(work.tx, row.id, "due", state="asked", asked_at=work.now):
            _ask(work, link, row.id, wanted)
            reach("asking")


def outlived(work: Work, row: Row[Any]) -> bool:
    """Drops a step that asks and is late, when there is nothing to ask any more: the ticket is not solved or in other
    hands, the customer spoke, or the reply is needed. True when it did. What may have been sent is not touched.
    """
    if SURVEY not in row.messages or row.unknown:
        return False
    asking = [message for message in carried_by(row) if message.id.startswith(SURVEY)]
    asked = surveys.get_survey(work.tx, int(asking[0].id.removeprefix(SURVEY))) if asking else None
    if asked is None:
        return False
    link = links.get_link(work.tx, row.link_id, lock=True)
    wanted = wanted_of(work, link)
    shut = _shut(work, link, wanted) if wanted is not None else ""
    why = shut or ("not wanted" if wanted is None else _over(work, link, asked, wanted, row))
    if not why:
        return False
    dropped = StepState.DROPPED
    attempts.settle(work.tx, row.id, row.lease, work.now, outcome=dropped, detail=why, state=dropped, error=why)
    if surveys.change_survey(work.tx, asked.id, "asked", state="void", why=why, asked_at=None):
        surveys.forget_asked(work.tx, asked.id)
        if shut:
            tell(work, link, f"survey.{shut}", cause=f"survey.{asked.id}")
    return True


def _over(work: Work, link: LinkRow, asked: Row[Any], wanted: SurveySettings, row: Row[Any]) -> str:
    """Why a question that is on its way has outlived its reason."""
    if link.state not in {"solved", "closed"}:
        return "not solved any more"
    if link.holder != link.desk or link.held_by:
        return "in other hands"
    if asked.asked_at is None or work.now - asked.asked_at > wanted.valid:
        return "too late"
    lane = links.lane_to_channel(link.id)
    behind = any(step.id != row.id for step in outbox.unfinished_in(work.tx, lane)) or waiting.waiting_in(work.tx, lane)
    return "went on" if behind or _spoke_since(work, link, asked) else ""


def not_asked(work: Work, link: LinkRow, messages: Sequence[Message]) -> None:
    """Questions that were on their way and did not go: the ticket says so, once."""
    for message in messages:
        if message.id.startswith(SURVEY):
            number = int(message.id.removeprefix(SURVEY))
            if surveys.change_survey(work.tx, number, "asked", state="void", why="shut", asked_at=None):
                surveys.forget_asked(work.tx, number)
                tell(work, link, "survey.shut", cause=f"survey.{number}")


def rated_by(work: Work, channel: str, message: Message) -> tuple[LinkRow, Row[Any], int] | None:
    """(conversation, question, score) when a message is the answer to a question. Pure words first: nearly no message
    costs a statement here.
    """
    part = message.parts[0] if len(message.parts) == 1 else None
    if not isinstance(part, Text) or read_rating(part.body) is None:
        return None
    link = links.open_link(work.tx, channel, message.conversation)
    wanted = wanted_of(work, link) if link is not None else None
    row = surveys.latest_of(work.tx, link.id) if link is not None else None
    if link is None or wanted is None or row is None or not _counts(row, wanted, work.now):
        return None
    if links.find_ref(work.tx, channel, message.id) is not None:
        return None  # a repeat
    score = read_rating(part.body, wanted.scale)
    return (link, row, score) if score is not None and not _spoke_since(work, link, row) else None


def rate(work: Work, link: LinkRow, row: Row[Any], score: int, comment: str = "") -> None:
    """What the customer thinks: kept, and shown on the ticket. A second rating corrects the first."""
    first = row.rated_at or work.now
    surveys.change_survey(work.tx, row.id, row.state, state="rated", score=score, rated_at=first)
    before = surveys.forget_rating(work.tx, row.id)
    fact = {"kind": "rating", "ref": f"{row.id}.{new_name()}", "link_id": link.id, "at": first, "value": score}
    facts.add_facts(work.tx, [fact])
    if work.runtime.announces:
        announce(work, link, "rating", {"score": score, "scale": 5, "corrected": bool(before)})
    tell(work, link, "survey.corrected" if before else "survey.rated", score=score, quoted=comment)
    _show_on_ticket(work, link, score)


def set_aside(work: Work, link: LinkRow, channel: str, message: Message) -> None:
    """A message that was a rating begins no turn."""
    ref = links.find_ref(work.tx, channel, message.id)
    assert ref is not None
    facts.add_facts(work.tx, [{"kind": "aside", "ref": f"{ref.id}", "link_id": link.id, "at": work.now}])


def wanted_of(work: Work, link: LinkRow) -> SurveySettings | None:
    """How customers of a conversation are asked; None where they are not."""
    route = route_of(work.runtime, link)
    return route.survey if route is not None and route.survey is not None and route.survey.ask == "solved" else None


def _is_busy(work: Work, link: LinkRow) -> bool:
    """Whether something is on its way to the customer, or held: a question never goes in between."""
    lane = links.lane_to_channel(link.id)
    return bool(outbox.unfinished_in(work.tx, lane)) or bool(waiting.waiting_in(work.tx, lane))


def _unfit(work: Work, link: LinkRow) -> str:
    """Why there is no reason to ask: nothing that an agent would miss."""
    if link.state not in {"solved", "closed"}:
        return "not solved any more"
    if link.holder != link.desk or link.held_by:
        return "in other hands"
    chain = [one.id for one in links.conversation_links(work.tx, link.channel, link.conversation)]
    if AuthorKind.AGENT.value not in surveys.who_answered(work.tx, chain, work.now - FRESH):
        return "nobody answered"
    for one in surveys.asked_since(work.tx, link.person_id, work.now - RARELY):
        if one.link_id != link.id or one.asked_at > work.now - AGAIN:
            return "asked a short while ago"
    return ""


def _shut(work: Work, link: LinkRow, wanted: SurveySettings) -> str:
    """Why it cannot be asked, which agents are told: the time is over, or too few replies would be left."""
    if work.runtime.capabilities(link.channel).window is None:
        return ""
    book = Allowance.model_validate_json(link.allowance)
    if not book.is_open(work.now):
        return "shut"
    return "" if book.remaining(work.now) - 1 >= wanted.keep else "keep"


def _ask(work: Work, link: LinkRow, number: int, wanted: SurveySettings) -> None:
    locale = Contact.model_validate_json(link.contact).locale.lower()
    language = "zh" if locale.startswith("zh") else "en" if locale else work.runtime.language
    part: Part = choices(language, wanted.scale)
    if wanted.way == "link":
        token = sign_number(work.runtime.survey_key, number, work.now + wanted.valid)
        address = f"{work.runtime.settings.bridge.public_url}/rate/{token}"
        part = Text(body=question(language, wanted.scale, address))
    message = Message(
        id=f"{SURVEY}{number}",
        conversation=link.ticket or "",
        author=Author(kind=AuthorKind.SYSTEM, id=f"{SURVEY}{number}"),
        parts=(part,),
        sent_at=work.now,
    )
    put(work, link, message, to_desk=False)
    facts.add_facts(work.tx, [{"kind": "survey", "ref": f"{number}", "link_id": link.id, "at": work.now}])


def _counts(row: Row[Any], wanted: SurveySettings, now: datetime) -> bool:
    if row.state == "rated":
        return bool(now - row.rated_at <= CORRECTED)
    return bool(row.state == "asked" and now - row.asked_at <= wanted.valid)


def _spoke_since(work: Work, link: LinkRow, row: Row[Any]) -> bool:
    """Whether the conversation went on after the question: then a number is part of it."""
    after = link.state == "open" or (link.solved_at is not None and link.solved_at > row.asked_at)
    return bool(after) or surveys.spoke_since(work.tx, link.id, link.channel, row.asked_at)


def _show_on_ticket(work: Work, link: LinkRow, score: int) -> None:
    """Natively where the desk can, by tag and field: a step of the lane that words never wait behind."""
    desk = work.runtime.accounts.get(link.desk)
    if desk is None or link.ticket is None or not isinstance(desk.connector, ShowsAllowance):
        return
    wanted = wanted_of(work, link)
    fields = {str(wanted.field): str(score)} if wanted is not None and wanted.field is not None else {}
    labels = Labels(tags=(f"csat-{score}",), prefix="csat-", fields=fields, rating=score)
    context = RenderContext(
        conversation=link.ticket,
        status=Status(link.state) if link.state in set(Status) else Status.CLOSED,
        contact=Contact.model_validate_json(link.contact),
        fields=json.loads(link.fields),
        language=work.runtime.language,
        now=work.now,
    )
    try:
        step = desk.connector.labels(labels, context)
    except ConnectorError as error:
        work.effects.note("rating not shown", account=link.desk, link=link.id, why=error.message)
        return
    if step is not None:
        lane = links.lane_of_labels(link.id)
        values = {"key": new_name(), "lane": lane, "link_id": link.id, "account": link.desk, "allowance": ""}
        dumped = step.model_dump_json(exclude_defaults=True)
        outbox.add_steps(work.tx, [{**values, "step": dumped, "due_at": work.now, "created_at": work.now}])
        work.effects.accounts.add(link.desk)

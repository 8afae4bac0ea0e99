"""What a customer hears while nobody answers: one text when the office is closed, one when it takes long.

Each costs a reply and is sent only from what is spare; never into a conversation that somebody just answered, never
while a bot answers, and once for each time that the office is closed, or for each question.
"""

from datetime import datetime, timedelta

from bridge.contract import Author, AuthorKind, Contact, Message, Text
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.decision import route_of
from bridge.engine.conversation.greeting import GREETING
from bridge.engine.conversation.notices import say
from bridge.engine.conversation.queueing import put
from bridge.engine.runtime.ids import new_name
from bridge.routing.calendar import Calendar, add, is_open, next_open
from bridge.routing.wording import OPENS, with_opening
from bridge.settings import RouteSettings, Texts
from mappings import goals, links
from mappings.links import LinkRow

WAIT = "wait"
_ANSWERED = timedelta(hours=1)
_ENOUGH = 20  # answers from which a range is honest
_BACK = timedelta(days=28)


def tell_absence(work: Work, link: LinkRow) -> None:
    """The customer said something: they hear that nobody is here, or a clock begins after which they hear that it takes
    a while.
    """
    route = route_of(work.runtime, link)
    if route is None or (route.away is None and route.waiting is None) or link.holder not in {"", link.desk}:
        return
    calendar = work.runtime.calendars.get(route.calendar)
    if route.away is not None and calendar is not None and not is_open(calendar, work.now):
        if text := away_text(work, link):
            _send(work, link, text)
    elif route.waiting is not None and not any(row.kind == WAIT for row in goals.open_goals(work.tx, link.id)):
        due = add(calendar, work.now, route.waiting.after) if calendar is not None else work.now + route.waiting.after
        if due is not None:
            goals.add_goal(
                work.tx, link_id=link.id, kind=WAIT, target="", seconds=int(route.waiting.after.total_seconds()),
                started_at=work.now, due_at=due, next_at=due,
            )  # fmt: skip


def away_texts(runtime: Runtime, route: RouteSettings, locale: str, now: datetime) -> list[str]:
    """What somebody hears who writes at a moment, as far as the calendar says: nothing while somebody is there."""
    calendar = runtime.calendars.get(route.calendar)
    if route.away is None or calendar is None or is_open(calendar, now):
        return []
    return [_away_text(runtime, route, calendar, _spoken(runtime, locale), now)]


def _away_text(runtime: Runtime, route: RouteSettings, calendar: Calendar, language: str, now: datetime) -> str:
    texts = route.away.texts if route.away is not None else ()
    text = _of_language(runtime, texts, language) or say(language, "away.text", opens=OPENS)
    return with_opening(text, calendar, now, language)


def away_text(work: Work, link: LinkRow) -> str:
    """What a customer is to hear of the office being closed; "" where it is not, or where they have heard it."""
    route = route_of(work.runtime, link)
    calendar = work.runtime.calendars.get(route.calendar) if route is not None else None
    if route is None or route.away is None or calendar is None or is_open(calendar, work.now):
        return ""
    opens = next_open(calendar, work.now)
    period = f"{opens:%Y-%m-%dT%H:%M}" if opens is not None else "never"
    if _recently_answered(link, work.now) or _greeted_since(work, link, period):
        return ""
    if not links.notice_once(work.tx, link.id, f"away.{period}", work.now):
        return ""
    return _away_text(work.runtime, route, calendar, _language(work, link), work.now)


def tell_waiting(work: Work, link: LinkRow, goal_id: int) -> None:
    """It takes long: one text, with an honest range where enough is known. Never a second one for the same question."""
    goals.change_goal(work.tx, goal_id, next_at=None, level=1)
    route = route_of(work.runtime, link)
    if route is None or route.waiting is None or link.holder not in {"", link.desk}:
        return
    language = _language(work, link)
    usual = _range(work)
    text = chosen(work, link, route.waiting.texts)
    if usual and (not text or "{range}" in text):
        text = (text or say(language, "waiting.known", range="{range}")).replace("{range}", usual)
    elif not text or "{range}" in text:
        text = say(language, "waiting.unknown")
    _send(work, link, text)


def chosen(work: Work, link: LinkRow, texts: Texts) -> str:
    """The text of the customer's language, else of the bridge's; "" where none is configured."""
    return _of_language(work.runtime, texts, _language(work, link))


def _of_language(runtime: Runtime, texts: Texts, language: str) -> str:
    if isinstance(texts, tuple):
        return next(iter(texts), "")
    found = texts.get(language) or texts.get(runtime.language) or next(iter(texts.values()), ())
    return next(iter(found), "")


def _language(work: Work, link: LinkRow) -> str:
    return _spoken(work.runtime, Contact.model_validate_json(link.contact).locale)


def _spoken(runtime: Runtime, locale: str) -> str:
    spoken = locale.replace("-", "_").partition("_")[0].lower()
    return spoken if spoken in {"zh", "en"} else runtime.language


def _recently_answered(link: LinkRow, now: datetime) -> bool:
    answered = Allowance.model_validate_json(link.allowance).answered_at
    return answered is not None and now - answered < _ANSWERED


def _greeted_since(work: Work, link: LinkRow, period: str) -> bool:
    """Whether opening the chat told them already, in this same time of being closed."""
    told = links.told_at(work.tx, link.id, "greeted")
    route = route_of(work.runtime, link)
    calendar = work.runtime.calendars.get(route.calendar) if route is not None else None
    if told is None or calendar is None or is_open(calendar, told):
        return False
    opens = next_open(calendar, told)
    return opens is not None and f"{opens:%Y-%m-%dT%H:%M}" == period


def _range(work: Work) -> str:
    """How long answers took at this hour of the last weeks: the usual and the long one, in minutes."""
    took = sorted(
        (row.ended_at - row.started_at).total_seconds() / 60
        for row in goals.answered_since(work.tx, work.now - _BACK)
        if row.started_at.hour == work.now.hour
    )
    if len(took) < _ENOUGH:
        return ""
    usual, long = (max(1, round(took[int(len(took) * share)])) for share in (0.5, 0.9))
    return f"{usual}" if usual == long else f"{usual}–{long}"


def _send(work: Work, link: LinkRow, text: str) -> None:
    name = f"{GREETING}{new_name()}"
    author = Author(kind=AuthorKind.BRIDGE, id=name)
    message = Message(
        id=name, conversation=link.ticket or "", author=author, parts=(Text(body=text),), sent_at=work.now
    )
    put(work, link, message, to_desk=False)

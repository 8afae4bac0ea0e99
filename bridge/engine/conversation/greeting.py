"""The greeting on entering the chat: automatic texts that never take a reply an agent may need."""

from datetime import datetime, timedelta

from bridge.contract import Author, AuthorKind, Contact, Message, Text
from bridge.engine.context import Work
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.decision import route_of
from bridge.engine.conversation.notices import say
from bridge.engine.conversation.queueing import put
from bridge.engine.runtime.ids import new_name
from bridge.routing.calendar import is_open
from bridge.routing.wording import with_opening
from bridge.settings import RouteSettings, Settings
from mappings import links, outbox, waiting
from mappings.links import LinkRow

GREETING = "greeting:"  # how the ids of these messages begin
_AGAIN = timedelta(hours=1)


def greet(work: Work, link: LinkRow) -> None:
    """Says hello unless somebody already speaks with the customer, or did so within the hour."""
    route = route_of(work.runtime, link)
    if route is None or route.greeting is None or link.holder != link.desk:  # a bot greets with its answer
        return
    book = Allowance.model_validate_json(link.allowance)
    acts = [at for at in (book.spoke_at, book.answered_at) if at is not None]
    recent = any(work.now - at < _AGAIN for at in acts)
    lane = links.lane_to_channel(link.id)
    if recent or waiting.waiting_in(work.tx, lane) or outbox.unfinished_in(work.tx, lane):
        return
    links.forget_old_notice(work.tx, link.id, "greeted", work.now - _AGAIN)
    if not links.notice_once(work.tx, link.id, "greeted", work.now):
        return
    locale = Contact.model_validate_json(link.contact).locale
    for number, text in enumerate(texts_for(work.runtime.settings, route, locale, work.now)):
        message = Message(
            id=f"{GREETING}{new_name()}",
            conversation=link.ticket or "",
            # each its own author: where little is left, remarks of one author are joined
            author=Author(kind=AuthorKind.BRIDGE, id=f"greeting {number}"),
            parts=(Text(body=text),),
            sent_at=work.now,
        )
        put(work, link, message, to_desk=False)


def texts_for(settings: Settings, route: RouteSettings, locale: str, now: datetime) -> tuple[str, ...]:
    """The texts of a moment, in the customer's language where it is known and written, else in the bridge's own."""
    greeting = route.greeting
    language: str = settings.bridge.language
    assert greeting is not None
    own = settings.calendars[route.calendar].calendar if route.calendar else greeting.calendar
    calendar = greeting.calendar if greeting.hours else own
    closed = not is_open(calendar, now)
    wanted = greeting.closed_texts or greeting.texts if closed else greeting.texts
    spoken = locale.replace("-", "_").partition("_")[0].lower()
    if isinstance(wanted, tuple):
        texts, used = wanted or (say(language, "greeting.closed" if closed else "greeting"),), language
    else:
        used = next((one for one in (spoken, language, *wanted) if wanted.get(one)), language)
        texts = wanted.get(used, ())
    return tuple(with_opening(text, calendar, now, used) for text in texts)

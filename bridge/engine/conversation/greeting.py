"""The greeting on entering the chat: automatic texts that never take a reply an agent may need."""

import json
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.contract import Author, AuthorKind, Contact, Message, Text
from bridge.engine.context import Work
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.notices import say
from bridge.engine.conversation.queueing import put
from bridge.engine.runtime.ids import new_name
from bridge.registry import find_route
from bridge.settings import OPENING_HOURS, GreetingSettings
from mappings import links, outbox, waiting
from mappings.links import LinkRow

GREETING = "greeting:"  # how the ids of these messages begin
_AGAIN = timedelta(hours=1)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def greet(work: Work, link: LinkRow) -> None:
    """Says hello unless somebody already speaks with the customer, or did so within the hour."""
    route = find_route(work.runtime.settings.routes, link.channel, json.loads(link.context))
    greeting = route.greeting if route is not None else None
    if greeting is None:
        return
    book = Allowance.model_validate_json(link.ledger)
    acts = [at for at in (book.spoke_at, book.answered_at) if at is not None]
    recent = any(work.now - at < _AGAIN for at in acts)
    lane = links.lane_to_channel(link.id)
    if recent or waiting.waiting_in(work.tx, lane) or outbox.unfinished_in(work.tx, lane):
        return
    links.forget_old_notice(work.tx, link.id, "greeted", work.now - _AGAIN)
    if not links.notice_once(work.tx, link.id, "greeted", work.now):
        return
    locale = Contact.model_validate_json(link.contact).locale
    for number, text in enumerate(texts_for(greeting, locale, work.runtime.language, work.now)):
        message = Message(
            id=f"{GREETING}{new_name()}",
            conversation=link.ticket or "",
            # each its own author: where little is left, remarks of one author are joined
            author=Author(kind=AuthorKind.BRIDGE, id=f"greeting {number}"),
            parts=(Text(body=text),),
            sent_at=work.now,
        )
        put(work, link, message, to_desk=False)


def texts_for(greeting: GreetingSettings, locale: str, language: str, now: datetime) -> tuple[str, ...]:
    """The texts of a moment, in the customer's language where it is known and written, else in the bridge's own."""
    closed = not is_open(greeting, now)
    wanted = greeting.closed_texts or greeting.texts if closed else greeting.texts
    if isinstance(wanted, tuple):
        return wanted or (say(language, "greeting.closed" if closed else "greeting"),)
    spoken = locale.replace("-", "_").partition("_")[0].lower()
    return wanted.get(spoken) or wanted.get(language) or next(iter(wanted.values()), ())


def is_open(greeting: GreetingSettings, now: datetime) -> bool:
    """Whether a moment lies in the business hours (`"mon-fri 09:00-18:00, sat 22:00-02:00"`); empty: always."""
    if not greeting.hours:
        return True
    local = now.astimezone(ZoneInfo(greeting.timezone))
    clock = f"{local:%H:%M}"
    for span in re.finditer(OPENING_HOURS, greeting.hours.lower(), re.ASCII):
        first = _DAYS.index(span["first"])
        last = _DAYS.index(span["last"] or span["first"])
        days = {(first + step) % 7 for step in range((last - first) % 7 + 1)}
        today, yesterday = local.weekday() in days, (local.weekday() - 1) % 7 in days
        overnight = span["to"] <= span["from"]
        if today and span["from"] <= clock and (overnight or clock < span["to"]):
            return True
        if overnight and yesterday and clock < span["to"]:
            return True
    return False

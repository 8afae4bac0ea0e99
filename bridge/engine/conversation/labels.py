"""Replies left and the window's end, shown on the ticket itself by tags and custom fields.

Labels have a lane of their own: they never stand before what people say, and a change that was not written yet is
replaced by the next one.
"""

import json
from datetime import datetime, timedelta

from bridge.contract import (
    Author,
    AuthorKind,
    ConnectorError,
    Contact,
    Labels,
    Message,
    RenderContext,
    ShowsAllowance,
    Status,
)
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.allowance import UNLIMITED, Allowance, shown
from bridge.engine.conversation.decision import route_of
from bridge.engine.conversation.urgency import level_of, raised_for
from bridge.engine.runtime.ids import new_name
from mappings import links, outbox, waiting
from mappings.links import LinkRow

MARKS = "marks"  # among a link's fields: tags that a ticket lacks which the bridge did not make
_SETTLE = timedelta(seconds=3)  # what changes within this is one update
_BEHIND_WORDS = timedelta(seconds=1)
_SHARE = 3  # of the updates that a desk allows a ticket, labels take at most one in so many
_KEPT = 4  # updates that are never used for words: what is left of the allowance must be shown in time
_STEP = 15  # minutes: a window that moved by less is no change worth an update


def look_at(runtime: Runtime, book: Allowance, now: datetime, *, warned: bool = False) -> datetime | None:
    """When the agents' view of the allowance changes next by the clock alone."""
    until = book.message.until
    if until is None or now >= until:
        return None
    if book.unanswered and not warned:
        return max(now, until - runtime.settings.replies.warn_before)
    return until


def refresh(work: Work, link: LinkRow) -> None:
    """The allowance changed: the ticket should say so soon."""
    if not _shows(work.runtime, link):
        return
    lane = links.lane_of_labels(link.id)
    there = waiting.waiting_in(work.tx, lane)
    if there:
        if there[0].due_at > work.now + _SETTLE:  # put off before: this change may be one that is not
            waiting.delay_waiting(work.tx, lane, work.now + _SETTLE)
            work.effects.accounts.add(link.desk)
        return
    message = Message(id=f"labels:{link.id}", conversation="", author=Author(kind=AuthorKind.BRIDGE), parts=())
    waiting.add_waiting(
        work.tx,
        lane=lane,
        link_id=link.id,
        account=link.desk,
        message_id=message.id,
        message=message.model_dump_json(),
        due_at=work.now + _SETTLE,
        created_at=work.now,
    )
    work.effects.accounts.add(link.desk)


def marks_of(runtime: Runtime, channel: str) -> str:
    """A link's fields for a ticket that the bridge did not make: where its customer writes is still to be put on it."""
    tags = [runtime.label(channel)]
    return json.dumps({"tags": tags, MARKS: tags}, ensure_ascii=False)


def _shows(runtime: Runtime, link: LinkRow) -> bool:
    desk = runtime.accounts.get(link.desk)
    return (
        runtime.settings.replies.tags
        and runtime.capabilities(link.channel).window is not None
        and desk is not None
        and (desk.capabilities.tags or _has_fields(runtime, link))
        and isinstance(desk.connector, ShowsAllowance)  # the dearest question of all, because a protocol answers it
    )


def _has_fields(runtime: Runtime, link: LinkRow) -> bool:
    """Whether any route names fields for what is left: a desk without tags shows nothing else."""
    return any(
        route.desk == link.desk and (route.replies_left_field is not None or route.window_closes_field is not None)
        for route in runtime.settings.routes
    )


def labels_of(runtime: Runtime, link: LinkRow, now: datetime, level: str = "") -> Labels:
    """What the ticket should show at a moment. An allowance for merely opening the chat is too short to show."""
    book = Allowance.model_validate_json(link.allowance)
    grant = max(book.message, book.event, key=lambda one: one.remaining(now))
    left = grant.remaining(now)
    until = grant.until if left else None
    if until is not None:
        until = until.replace(minute=until.minute // _STEP * _STEP, second=0, microsecond=0)
    count = left if left < UNLIMITED else "any"
    tags = [f"replies-left-{count}"] + ([f"replies-until-{until:%Y-%m-%d-%H%M}"] if until else [])
    if level:
        tags.append(f"replies-{level}")
    tags += json.loads(link.fields).get(MARKS, ())
    if link.holder not in {"", link.desk}:
        tags.append("replies-bot")  # so that triggers and views can leave out what nobody needs to answer
    route = route_of(runtime, link)
    fields: dict[str, str] = {}
    if route is not None and route.desk == link.desk:
        if route.replies_left_field is not None:
            fields[str(route.replies_left_field)] = str(shown(left))
        if route.window_closes_field is not None:
            fields[str(route.window_closes_field)] = runtime.clock_text(until) if until else ""
    return Labels(tags=tuple(tags), fields=fields)


def render_labels(work: Work, link: LinkRow) -> None:
    """The step that makes the ticket show the present, or none where it does so already."""
    lane = links.lane_of_labels(link.id)
    due = _later(work, link)
    if due is not None:
        waiting.delay_waiting(work.tx, lane, due)
        return
    waiting.drop_waiting(work.tx, [row.id for row in waiting.waiting_in(work.tx, lane)])
    if link.ticket is None or link.state in {"closed", "ended"} or not _shows(work.runtime, link):
        return
    wanted = labels_of(work.runtime, link, work.now, level_of(work, link.id))
    raised = raised_for(work, link.id, route_of(work.runtime, link))
    wanted = wanted.model_copy(update={"priority": raised}) if raised else wanted
    shown = wanted.model_dump_json(exclude=None if raised else {"priority"})
    if shown == link.shown:
        return
    connector = work.runtime.accounts[link.desk].connector
    assert isinstance(connector, ShowsAllowance)
    context = RenderContext(
        conversation=link.ticket,
        status=Status(link.state) if link.state in set(Status) else Status.CLOSED,
        contact=Contact.model_validate_json(link.contact),
        fields=json.loads(link.fields),
        language=work.runtime.language,
        now=work.now,
    )
    links.change_link(work.tx, link.id, shown=shown)
    try:
        step = connector.labels(wanted, context)
    except ConnectorError as error:
        work.effects.note("labels refused", account=link.desk, link=link.id, why=error.message)
        return
    if step is not None:
        values = {
            "key": new_name(),
            "lane": lane,
            "link_id": link.id,
            "account": link.desk,
            "allowance": link.allowance,
        }
        dumped = step.model_dump_json(exclude_defaults=True)
        outbox.add_steps(work.tx, [{**values, "step": dumped, "due_at": work.now, "created_at": work.now}])


def _later(work: Work, link: LinkRow) -> datetime | None:
    """When labels may go, if not now: words go first, and a desk that counts updates keeps most of them for words.

    What is between all and nothing is spread early, so that "none is left" and "all are there again" are never late:
    nothing comes after those by itself, and agents act on them.
    """
    words = links.lane_to_desk(link.id)
    if outbox.unfinished_in(work.tx, words) or any(not row.held for row in waiting.waiting_in(work.tx, words)):
        return work.now + _BEHIND_WORDS
    limit = work.runtime.capabilities(link.desk).update_limit
    if limit is None:
        return None
    sent = outbox.sent_since(work.tx, link.id, links.lane_of_labels(link.id), work.now - limit.per)
    said = outbox.sent_since(work.tx, link.id, words, work.now - limit.per)
    if said and len(said) + len(sent) >= limit.count - 1:
        return said[-1] + limit.per
    share = max(1, limit.count // _SHARE)
    if len(sent) < (share if _is_all_or_nothing(work, link) else share // 2):
        return None
    due: datetime | None = sent[0] + 2 * limit.per / share if len(sent) < share else sent[share - 1] + limit.per
    return due if due is not None and due > work.now else None


def _is_all_or_nothing(work: Work, link: LinkRow) -> bool:
    window = work.runtime.capabilities(link.channel).window
    left = Allowance.model_validate_json(link.allowance).message.remaining(work.now)
    return left == 0 or (window is not None and left == window.replies)


def kept_for_labels(runtime: Runtime, link: LinkRow) -> int:
    """How many of the updates that a desk allows a ticket people's words leave to labels, whatever was shown so far."""
    return _KEPT if _shows(runtime, link) else 0

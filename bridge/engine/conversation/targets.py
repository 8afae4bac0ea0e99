"""Targets: how long a customer may wait. The clock begins with their words and stops when an answer of people was
accepted; what is held or failed does not stop it. What is due is done once: label, note, priority, alert.
"""

from datetime import datetime, timedelta

from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.absence import WAIT, tell_waiting
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.decision import route_of
from bridge.engine.conversation.labels import refresh
from bridge.routing.calendar import ALWAYS, Calendar
from bridge.routing.goals import Deadline, Level, deadline, levels
from bridge.settings.targets import TargetSettings
from mappings import goals, links
from mappings.links import LinkRow

FIRST, NEXT, RESOLVE = "first", "next", "resolve"
_ANSWERS = frozenset({FIRST, NEXT})


def customer_waits(work: Work, link: LinkRow) -> None:
    """The customer said something: a clock begins, unless one runs; a new window gives the running one new ends."""
    target = _target_of(work, link)
    if target is None or link.holder not in {"", link.desk}:  # a bot's own time is not the people's
        return
    known = goals.goals_of(work.tx, link.id)
    running = {row.kind: row for row in known if row.ended_at is None and row.kind != WAIT}
    kind = NEXT if any(row.kind in _ANSWERS for row in known) else FIRST
    wanted = {kind: target.next if kind == NEXT else target.first, RESOLVE: target.resolve}
    if _ANSWERS & set(running):
        wanted.pop(kind)
    for name, row in running.items():
        found = _deadline(work.runtime, link, target, row.started_at, timedelta(seconds=row.seconds), name)
        due = _next(work.runtime, target, row.started_at, found, row.level)
        goals.change_goal(work.tx, row.id, due_at=found.due_at, next_at=due)
    for name, length in wanted.items():
        if length is None or name in running:
            continue
        found = _deadline(work.runtime, link, target, work.now, length, name)
        goals.add_goal(
            work.tx, link_id=link.id, kind=name, target=_name_of(work, link), seconds=int(length.total_seconds()),
            started_at=work.now, due_at=found.due_at, next_at=_next(work.runtime, target, work.now, found, 0),
        )  # fmt: skip


def people_answered(work: Work, link: LinkRow) -> None:
    """An answer of people was accepted: met or missed, by the deadline as it was."""
    if work.runtime.keeps_goals:
        _end(work, link, {*_ANSWERS, WAIT})


def ticket_finished(work: Work, link: LinkRow) -> None:
    """The ticket is solved or closed. A question that got no answer is neither met nor missed."""
    if work.runtime.keeps_goals:
        _end(work, link, {RESOLVE})
        unanswered = [row.id for row in goals.open_goals(work.tx, link.id)]
        goals.end_goals(work.tx, unanswered, "void", work.now)


def act_on_targets(work: Work) -> None:
    """By the clock: whatever became due is done, once."""
    if not work.runtime.keeps_goals:
        return
    for row in goals.due_goals(work.tx, work.now):
        link = links.get_link(work.tx, row.link_id, lock=True)
        if row.kind == WAIT and link.state != "ended":
            tell_waiting(work, link, row.id)
            continue
        target = work.runtime.settings.targets.get(row.target)
        if target is None or link.state == "ended":
            goals.end_goals(work.tx, [row.id], "void", work.now)
            continue
        length = timedelta(seconds=row.seconds)
        found = _deadline(work.runtime, link, target, row.started_at, length, row.kind)
        level = row.level
        for moment, flag in levels(_calendar(work.runtime, target), row.started_at, found):
            if moment <= work.now and not level & flag:
                level |= flag
                _act(work, link, target, row.kind, flag, found)
        due = _next(work.runtime, target, row.started_at, found, level)
        goals.change_goal(work.tx, row.id, level=level, due_at=found.due_at, next_at=due)
        if level != row.level:
            refresh(work, link)


def _act(work: Work, link: LinkRow, target: TargetSettings, kind: str, flag: Level, found: Deadline) -> None:
    zone = _calendar(work.runtime, target).zone
    if flag is Level.LATE:
        due = f"{found.due_at.astimezone(zone):%Y-%m-%d %H:%M}"
        tell(work, link, f"target.late.{'resolve' if kind == RESOLVE else 'answer'}", due=due, zone=zone.key)
    elif flag is Level.CLOSING and found.lost:
        until = Allowance.model_validate_json(link.allowance).message.until
        ends = f"{until.astimezone(zone):%Y-%m-%d %H:%M}" if until else "-"
        tell(work, link, "target.lost", until=ends, zone=zone.key)
    elif flag is Level.CLOSING and found.last_at is not None:
        last = f"{found.last_at.astimezone(zone):%Y-%m-%d %H:%M}"
        tell(work, link, "target.closing", last=last, zone=zone.key)


def _end(work: Work, link: LinkRow, kinds: set[str]) -> None:
    for row in goals.open_goals(work.tx, link.id):
        if row.kind in kinds:
            outcome = "met" if work.now <= row.due_at else "missed"
            goals.end_goals(work.tx, [row.id], outcome, work.now)
            if row.kind != WAIT:
                work.effects.note("target ended", link=link.id, target=row.target, kind=row.kind, outcome=outcome)


def _next(runtime: Runtime, target: TargetSettings, begun: datetime, found: Deadline, level: int) -> datetime | None:
    """When the next thing is due that was not done."""
    when = levels(_calendar(runtime, target), begun, found)
    return next((moment for moment, flag in when if not level & flag), None)


def _deadline(
    runtime: Runtime, link: LinkRow, target: TargetSettings, begun: datetime, length: timedelta, kind: str
) -> Deadline:
    """Only answers depend on the window; a ticket may be solved without a word."""
    ends = Allowance.model_validate_json(link.allowance).message.until if kind in _ANSWERS else None
    return deadline(_calendar(runtime, target), begun, length, ends, target.margin)


def _calendar(runtime: Runtime, target: TargetSettings) -> Calendar:
    found = runtime.calendars.get(target.clock)
    return found if found is not None else ALWAYS


def _target_of(work: Work, link: LinkRow) -> TargetSettings | None:
    if not work.runtime.settings.targets:
        return None
    return work.runtime.settings.targets.get(_name_of(work, link))


def _name_of(work: Work, link: LinkRow) -> str:
    route = route_of(work.runtime, link)
    return route.targets if route is not None else ""

"""Facts: written where they happen, and read back as a conversation's history.

What the logs of messages, attempts and hand-overs hold already is not written twice on the hot path: `read_logs` makes
facts of it later, under keys of its own, so that reading a log again adds nothing.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, literal, select

from mappings.figure_tables import Fact, FigureCursor, FigureDue
from mappings.holder_tables import Handover
from mappings.lanes import is_of_invitations, is_towards_customer, is_towards_desk, link_of
from mappings.sets import Inserts
from mappings.sql import columns, insert_for, table
from mappings.states import FAILED
from mappings.store import Tx
from mappings.tables import Attempt, Inbox, Link, MessageRef, Outbox

_fact, _cursor, _due = table(Fact), table(FigureCursor), table(FigureDue)
_ref, _inbox, _link = table(MessageRef), table(Inbox), table(Link)
_outbox, _attempt, _handover = table(Outbox), table(Attempt), table(Handover)

_ADD = Inserts(_fact, new=True)
LOGS = ("message_ref", "attempt", "handover")
_SETTLED = timedelta(seconds=60)  # in which a transaction that took a number has committed, or never will
_ACCEPTED = ("accepted", "found")
_LOST = FAILED  # what an attempt ended as when the step ended with it
_STEP = (
    *columns(_outbox, "link_id", "lane", "messages", "allowance", "step", "created_at"),
    _outbox.c.id.label("step_id"),
)
_COLUMNS = ("link_id", "kind", "ref", "at", "from_at", "agent", "code", "value")
_EMPTY = {"from_at": None, "agent": "", "code": "", "value": 0}


def add_facts(tx: Tx, facts: Sequence[dict[str, Any]]) -> None:
    """Facts of columns as `Fact` has them; known ones stay as they are. All of one transaction are one statement."""
    _ADD.all_later(tx, _COLUMNS, [tuple({**_EMPTY, **fact}[name] for name in _COLUMNS) for fact in facts])


def add_state(tx: Tx, link_id: int, state: str, at: datetime) -> None:
    """A conversation is about to go to another state. Nothing when it is in it already."""
    ref = select(func.max(_fact.c.id)).where(_fact.c.link_id == link_id, _fact.c.kind == "state")
    number = tx.execute(ref).scalar() or 0
    row = select(
        literal("state"),
        literal(f"{link_id}.{number}"),
        _link.c.id,
        bindparam("at", at, _fact.c.at.type),
        literal(state),
    ).where(_link.c.id == link_id, _link.c.state != state)
    tx.execute(insert(_fact).from_select(["kind", "ref", "link_id", "at", "code"], row))


def add_end(tx: Tx, outbox_id: int, code: str, at: datetime) -> None:
    """A step towards a customer ended without being accepted, or was refused after all."""
    step = tx.execute(select(_outbox).where(_outbox.c.id == outbox_id)).first()
    if step is not None and is_towards_customer(step.lane):
        kind, agent = _said_by(json.loads(step.messages))
        ended = {"kind": "lost", "ref": f"{outbox_id}.{step.attempts}", "link_id": step.link_id, "at": at}
        add_facts(tx, [{**ended, "from_at": step.created_at, "agent": agent, "code": f"{kind} {code}"}])


def add_found(tx: Tx, outbox_id: int, at: datetime) -> None:
    """A step turned out to be accepted when somebody looked: its attempt ended before, and no other says so."""
    step = tx.execute(select(*_STEP, _outbox.c.attempts).where(_outbox.c.id == outbox_id)).one()
    found = {**step._asdict(), "number": step.attempts, "ended_at": at, "outcome": "found", "code": ""}
    add_facts(tx, _of_attempt(SimpleNamespace(**found)))


def facts_of(tx: Tx, link_ids: Sequence[int]) -> list[Row[Any]]:
    """The facts of some links, in no order."""
    return list(tx.execute(select(*columns(_fact, *_COLUMNS)).where(_fact.c.link_id.in_(link_ids))))


def links_before(tx: Tx, until: datetime, limit: int = 20) -> list[int]:
    """Some links with facts before a moment that were read."""
    read = select(_cursor.c.done).where(_cursor.c.log == "fact").scalar_subquery()
    old = select(_fact.c.link_id).where(_fact.c.at < until, _fact.c.id <= read).order_by(_fact.c.at).limit(limit * 10)
    return list(dict.fromkeys(tx.execute(old).scalars()))[:limit]


def forget_facts(tx: Tx, link_ids: Sequence[int], until: datetime) -> None:
    """Facts of some links before a moment go."""
    tx.execute(delete(_fact).where(_fact.c.link_id.in_(link_ids), _fact.c.at < until))


def read_logs(
    tx: Tx, log: str, now: datetime, limit: int = 200, *, since: datetime | None = None, all_of_it: bool = False
) -> int:
    """Makes facts of a log's next rows; returns how many rows were read. What happened before `since` is kept no
    longer. `all_of_it`: nobody else writes.
    """
    logged = {"message_ref": _ref, "attempt": _attempt, "handover": _handover}[log]
    done, upto = _bounds(tx, log, logged, now, all_of_it=all_of_it)
    make = {"message_ref": _messages, "attempt": _attempts, "handover": _handovers}[log]
    rows = list(tx.execute(make(done, upto, limit)))
    made = [fact for row in rows for fact in _MAKERS[log](row)]
    add_facts(tx, [fact for fact in made if since is None or fact["at"] >= since])
    _take_back(tx, made)
    _advance(tx, log, rows[-1].id if len(rows) == limit else upto)
    return len(rows)


def _take_back(tx: Tx, made: Sequence[dict[str, Any]]) -> None:
    """An answer that was lost and, tried again, arrived was not lost: the hour that counted it is counted anew."""
    for fact in made:
        step, _, number = fact["ref"].partition(".")
        if fact["kind"] != "answer" or int(number) < 2:
            continue
        before = _fact.c.kind == "lost", _fact.c.ref.in_([f"{step}.{one}" for one in range(1, int(number))])
        hours = [
            one.replace(minute=0, second=0, microsecond=0)
            for one in tx.execute(select(_fact.c.at).where(*before)).scalars()
        ]
        if hours:
            tx.execute(delete(_fact).where(*before))
            due = [{"what": "hour", "number": int(one.timestamp())} for one in dict.fromkeys(hours)]
            tx.execute(insert_for(tx, _due).values(due).on_conflict_do_nothing())


def changed_links(tx: Tx, now: datetime, limit: int = 500, *, all_of_it: bool = False) -> tuple[list[int], int]:
    """(links with new facts, how many facts were read): each is told once."""
    done, upto = _bounds(tx, "fact", _fact, now, all_of_it=all_of_it)
    news = select(*columns(_fact, "id", "link_id")).where(_fact.c.id > done, _fact.c.id <= upto)
    rows = list(tx.execute(news.order_by(_fact.c.id).limit(limit)))
    _advance(tx, "fact", rows[-1].id if len(rows) == limit else upto)
    return sorted({row.link_id for row in rows}), len(rows)


def _bounds(tx: Tx, log: str, logged: Any, now: datetime, *, all_of_it: bool) -> tuple[int, int]:
    """(after which row, up to which): on PostgreSQL a smaller number may be committed later, so young ones wait."""
    row = tx.execute(select(_cursor).where(_cursor.c.log == log)).first()
    newest = tx.execute(select(func.coalesce(func.max(logged.c.id), 0))).scalar() or 0
    done = row.done if row is not None else 0
    if all_of_it or tx.dialect.name == "sqlite":
        return done, newest
    horizon = row.horizon if row is not None else 0
    if row is None or (done >= row.horizon and newest > horizon):
        values = {"horizon": newest, "horizon_at": now}
        add = insert_for(tx, _cursor).values(log=log, done=done, **values)
        tx.execute(add.on_conflict_do_update(index_elements=["log"], set_=values))
        return done, done
    return done, horizon if now - row.horizon_at >= _SETTLED else done


def _advance(tx: Tx, log: str, done: int) -> None:
    values = {"log": log, "done": done, "horizon": done, "horizon_at": datetime.fromisoformat("1970-01-01T00:00:00Z")}
    add = insert_for(tx, _cursor).values(values)
    tx.execute(add.on_conflict_do_update(index_elements=["log"], set_={"done": done}))


def _messages(done: int, upto: int, limit: int) -> Any:
    return (
        select(*columns(_ref, "id", "link_id", "at"), _inbox.c.received_at)
        .join(_link, _link.c.id == _ref.c.link_id)
        .join(_inbox, _inbox.c.id == _ref.c.inbox_id, isouter=True)
        .where(_ref.c.id > done, _ref.c.id <= upto, _ref.c.account == _link.c.channel, _ref.c.inbox_id.is_not(None))
        .order_by(_ref.c.id)
        .limit(limit)
    )


def _attempts(done: int, upto: int, limit: int) -> Any:
    return (
        select(
            *columns(_attempt, "id", "number", "ended_at", "outcome", "code"),
            *_STEP,
        )
        .join(_outbox, _outbox.c.id == _attempt.c.outbox_id)
        .where(_attempt.c.id > done, _attempt.c.id <= upto)
        .order_by(_attempt.c.id)
        .limit(limit)
    )


def _handovers(done: int, upto: int, limit: int) -> Any:
    return select(_handover).where(_handover.c.id > done, _handover.c.id <= upto).order_by(_handover.c.id).limit(limit)


def _of_message(row: Row[Any]) -> list[dict[str, Any]]:
    took = _ms(row.at - row.received_at) if row.received_at is not None else 0
    return [{"kind": "customer", "ref": f"{row.id}", "link_id": row.link_id, "at": row.at, "value": took}]


def _of_attempt(row: Any) -> list[dict[str, Any]]:
    common = {"ref": f"{row.step_id}.{row.number}", "link_id": link_of(row.lane), "at": row.ended_at}
    messages = json.loads(row.messages)
    if is_of_invitations(row.lane):
        sent = row.outcome in _ACCEPTED
        return [
            {**common, "kind": "invitation" if sent else "uninvited", "code": "" if sent else row.code or row.outcome}
        ]
    if row.outcome == "dropped":  # nobody wanted it any more
        return []
    if row.outcome not in _ACCEPTED:
        code = row.code or row.outcome
        if not is_towards_customer(row.lane):
            return [{**common, "kind": "desk.refused", "code": code}] if is_towards_desk(row.lane) else []
        kind, agent = _said_by(messages)
        if row.outcome in _LOST:
            return [{**common, "kind": "lost", "from_at": row.created_at, "agent": agent, "code": f"{kind} {code}"}]
        return [{**common, "kind": "held" if row.outcome == "park" else "refused", "code": code}]
    said_at = [datetime.fromisoformat(one["sent_at"]) for one in messages if one.get("sent_at")]
    if is_towards_customer(row.lane):
        kind, agent = _said_by(messages)
        allowance = json.loads(row.allowance) if row.allowance else {}
        number = str(allowance.get("used", 0) + 1) if allowance else ""
        from_at = min(said_at, default=row.created_at)
        cost = json.loads(row.step).get("cost", 1)
        found = [{**common, "kind": kind, "agent": agent, "code": number, "value": cost, "from_at": from_at}]
        near = _near(allowance, row.ended_at, cost) if kind == "answer" else ""
        return [*found, {**common, "kind": "near", "agent": agent, "code": near}] if near else found
    if is_towards_desk(row.lane) and any(one.get("audience", "customer") == "customer" for one in messages):
        return [{**common, "kind": "desk", "value": _ms(row.ended_at - row.created_at), "from_at": row.created_at}]
    return []


def _of_handover(row: Row[Any]) -> list[dict[str, Any]]:
    common = {"ref": f"{row.id}", "at": row.at, "agent": row.to_account, "code": row.why}
    return [{**common, "kind": "handover", "link_id": row.link_id}]


_MAKERS = {"message_ref": _of_message, "attempt": _of_attempt, "handover": _of_handover}


def _said_by(messages: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """(kind, agent): a step that carries a person's words is an answer, whatever goes along."""
    authors = [one.get("author", {}) for one in messages]
    person = next((one for one in authors if one.get("kind") == "agent"), None)
    if person is not None:
        return "answer", (person.get("name") or person.get("id") or "")[:100]
    return ("bot" if any(one.get("kind") == "bot" for one in authors) else "automatic"), ""


def _near(allowance: dict[str, Any], at: datetime, cost: int) -> str:
    """An answer that nearly did not arrive: with the last reply, or in the last hour."""
    grants = [allowance.get(name, {}) for name in ("message", "entry")]
    valid = [(one.get("left", 0), datetime.fromisoformat(one["until"])) for one in grants if one.get("until")]
    valid = [(left, until) for left, until in valid if until > at]
    if valid and max(left for left, _ in valid) <= cost:
        return "last"
    return "hour" if valid and max(until for _, until in valid) - at < timedelta(hours=1) else ""


def _ms(span: timedelta) -> int:
    return max(0, round(span.total_seconds() * 1000))

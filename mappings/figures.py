"""Spans and sums: which conversations and hours are to be counted anew, and what is written for them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, case, delete, func, insert, select

from mappings.figure_tables import Episode, Fact, FigureCursor, FigureDue, FigureFolded, Measure, Phrase, Shift, Turn
from mappings.holder_tables import Handover
from mappings.sql import columns, insert_for, table
from mappings.store import Tx
from mappings.tables import Link

_fact, _turn, _episode, _measure, _due = table(Fact), table(Turn), table(Episode), table(Measure), table(FigureDue)
_link, _handover, _cursor, _shift = table(Link), table(Handover), table(FigureCursor), table(Shift)
_folded, _phrase = table(FigureFolded), table(Phrase)
PLACE = ("channel", "desk", "entry", "route", "desk_group", "language")
"""Where a conversation is: what sums are kept by."""
_SUMS = columns(_measure, "bucket", "kind", *PLACE, "agent", "code", "n", "total", "hist")
_FIRST = datetime.fromtimestamp(0, UTC)
_MOST = 1000  # ids in one statement
Stretch = tuple[str, datetime, datetime]
"""Sums of one grain, from a moment up to another."""


def mark(tx: Tx, what: str, numbers: Iterable[int]) -> None:
    """These are to be counted anew."""
    if due := [{"what": what, "number": number} for number in sorted(set(numbers))]:
        tx.execute(insert_for(tx, _due).on_conflict_do_nothing(), due)


def take_due(tx: Tx, what: str, limit: int, *, before: int | None = None) -> list[int]:
    """Some of what is to be counted anew; whoever takes it counts it in the same transaction."""
    wanted = select(_due.c.number).where(_due.c.what == what)
    if before is not None:
        wanted = wanted.where(_due.c.number < before)
    found = list(tx.execute(wanted.order_by(_due.c.number).limit(limit)).scalars())
    tx.execute(delete(_due).where(_due.c.what == what, _due.c.number.in_(found)))
    return found


def links_of(tx: Tx, ids: Iterable[int]) -> list[Row[Any]]:
    """What says where conversations are."""
    named = columns(_link, "id", "channel", "desk", "entry", "decided", "fields", "contact")
    wanted = sorted(set(ids))
    return [
        row
        for first in range(0, len(wanted), _MOST)
        for row in tx.execute(select(*named).where(_link.c.id.in_(wanted[first : first + _MOST])))
    ]


def facts_between(tx: Tx, since: datetime, until: datetime) -> list[Row[Any]]:
    """Facts of a time."""
    named = select(*columns(_fact, "link_id", "kind", "agent", "code", "value"))
    return list(tx.execute(named.where(*_within(_fact.c.at, since, until))))


def turns_between(tx: Tx, since: datetime, until: datetime) -> list[Row[Any]]:
    """Turns that were answered within a time."""
    named = select(*columns(_turn, "link_id", "answered_at", "first", "agent", "took", "business", "bridge_part"))
    return list(tx.execute(named.where(*_within(_turn.c.answered_at, since, until))))


def turns_begun(tx: Tx, since: datetime, until: datetime) -> list[Row[Any]]:
    """Turns that began within a time."""
    return list(tx.execute(select(_turn.c.link_id).where(*_within(_turn.c.started_at, since, until))))


def solved_between(tx: Tx, since: datetime, until: datetime) -> list[Row[Any]]:
    """Episodes that were solved for the first time within a time."""
    return list(tx.execute(select(_episode).where(*_within(_episode.c.first_solved_at, since, until))))


def shifts_between(tx: Tx, since: datetime, until: datetime) -> list[Row[Any]]:
    """What went open or shut within a time, what became of the conversation so far, and whether the person had had one
    before (`again`).
    """
    other, theirs = _episode.alias("other"), _link.alias("theirs")
    earlier = select(other.c.root_id).join(theirs, theirs.c.id == other.c.link_id)
    earlier = earlier.where(theirs.c.person_id == _link.c.person_id, other.c.opened_at < _episode.c.opened_at)
    named = select(*columns(_shift, "link_id", "number", "by"), *columns(_episode, "bot", "answers"))
    named = named.add_columns(earlier.exists().label("again")).join(_link, _link.c.id == _shift.c.link_id)
    joined = named.join(_episode, _episode.c.root_id == _shift.c.root_id)
    return list(tx.execute(joined.where(*_within(_shift.c.at, since, until))))


def write_measures(tx: Tx, grain: str, bucket: datetime, rows: Sequence[Mapping[str, Any]]) -> None:
    """The sums of a bucket, in place of those that are there."""
    tx.execute(delete(_measure).where(_measure.c.grain == grain, _measure.c.bucket == bucket))
    if rows:
        tx.execute(insert(_measure), [{"grain": grain, "bucket": bucket, **row} for row in rows])


def measures(tx: Tx, grain: str, since: datetime, until: datetime, kinds: Sequence[str] = ()) -> list[Row[Any]]:
    """The sums of a time; of some kinds, or all."""
    wanted = select(*_SUMS).where(_measure.c.grain == grain, *_within(_measure.c.bucket, since, until))
    return list(tx.execute(wanted.where(_measure.c.kind.in_(kinds)) if kinds else wanted))


def totals(tx: Tx, spans: Sequence[Stretch], kinds: Sequence[str]) -> list[Row[Any]]:
    """(each of PLACE, kind, code, n, total) of some kinds over some stretches, added up."""
    by = *columns(_measure, *PLACE), _measure.c.kind, _measure.c.code
    sums = func.sum(_measure.c.n).label("n"), func.sum(_measure.c.total).label("total")
    found: list[Row[Any]] = []
    for grain, since, until in spans:
        mine = _measure.c.grain == grain, _measure.c.kind.in_(kinds), *_within(_measure.c.bucket, since, until)
        found += tx.execute(select(*by, *sums).where(*mine).group_by(*by))
    return found


def spreads(tx: Tx, spans: Sequence[Stretch], kind: str) -> list[Row[Any]]:
    """(each of PLACE, hist) of one kind."""
    found: list[Row[Any]] = []
    for grain, since, until in spans:
        mine = _measure.c.grain == grain, _measure.c.kind == kind, *_within(_measure.c.bucket, since, until)
        found += tx.execute(select(*columns(_measure, *PLACE, "hist")).where(*mine))
    return found


def waiting_turns(tx: Tx) -> tuple[int, datetime | None]:
    """How many customers wait for people now, and since when the first of them."""
    mine = _turn.c.outcome == "waiting", _turn.c.asked_at.is_not(None)
    row = tx.execute(select(func.count(), func.min(_turn.c.asked_at)).where(*mine)).one()
    return int(row[0]), row[1]


def open_at(tx: Tx, moment: datetime, week: datetime, day: datetime) -> int:
    """How many conversations were open at a moment: what was opened before it, less what was shut. `week` and `day` are
    the beginnings of those that the moment lies in: of what was before, coarser sums are read.
    """
    change = case((_measure.c.kind == "shut", -_measure.c.n), else_=_measure.c.n)
    open_now = 0
    for grain, since, until in (("w", _FIRST, week), ("t", week, day), ("g", day, moment)):
        mine = _measure.c.grain == grain, _measure.c.kind.in_(("opened", "reopened", "shut"))
        summed = select(func.sum(change)).where(*mine, *_within(_measure.c.bucket, since, until))
        open_now += int(tx.execute(summed).scalar() or 0)
    return open_now


def anew(tx: Tx, zone: str) -> bool:
    """Whether the sums of days are to be made anew from those of hours, because the office's days are others now, or
    were never summed as they are today: then those of before are gone.
    """
    of = select(_cursor.c.log).where(_cursor.c.log.like("days %"))
    if list(tx.execute(of).scalars()) == [f"days {zone}"]:
        return False
    tx.execute(delete(_cursor).where(_cursor.c.log.like("days %")))
    tx.execute(insert(_cursor).values(log=f"days {zone}", horizon_at=_FIRST))
    tx.execute(delete(_measure).where(_measure.c.grain.not_in(("h", "g"))))
    return True


def sum_again(tx: Tx) -> None:
    """Once for each database: hours that were summed before sums knew route, group and language are to be summed again,
    when there is nothing newer to do (`again`).
    """
    if tx.execute(select(_cursor.c.log).where(_cursor.c.log == "places")).first() is None:
        tx.execute(insert_for(tx, _cursor).values(log="places", horizon_at=_FIRST).on_conflict_do_nothing())
        mark(tx, "again", (int(hour.timestamp()) for hour in hours_of(tx, folded_until(tx))))


def all_links(tx: Tx, after: int, since: datetime, limit: int = 1000) -> list[int]:
    """Links with a fact since a moment, by number."""
    some = select(_fact.c.link_id).where(_fact.c.at >= since, _fact.c.link_id > after).distinct()
    return list(tx.execute(some.order_by(_fact.c.link_id).limit(limit)).scalars())


def hours_of(tx: Tx, since: datetime) -> list[datetime]:
    """The hours since a moment for which there are sums."""
    mine = _measure.c.grain == "h", _measure.c.bucket >= since
    return list(tx.execute(select(_measure.c.bucket).where(*mine).distinct()).scalars())


def rewind(tx: Tx) -> None:
    """All logs are to be read from their beginning: what is known stays as it is."""
    tx.execute(delete(_cursor).where(_cursor.c.log.in_(("message_ref", "attempt", "handover"))))


def phrases_made(tx: Tx) -> datetime | None:
    """When rising phrases were counted last; None before the first time."""
    found: datetime | None = tx.execute(select(_cursor.c.horizon_at).where(_cursor.c.log == "phrases")).scalar()
    return found


def phrases_begun(tx: Tx, now: datetime) -> None:
    """They are being counted."""
    add = insert_for(tx, _cursor).values(log="phrases", horizon_at=now)
    tx.execute(add.on_conflict_do_update(index_elements=["log"], set_={"horizon_at": now}))


def write_phrases(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rising phrases, in place of those of before."""
    tx.execute(delete(_phrase))
    if rows:
        tx.execute(insert(_phrase), list(rows))


def phrases(tx: Tx) -> list[Row[Any]]:
    """The rising phrases as they were counted last, the most frequent first."""
    return list(tx.execute(select(_phrase).order_by(_phrase.c.n.desc(), _phrase.c.phrase)))


def folded_until(tx: Tx) -> datetime:
    """Up to which moment facts are gone: sums of hours before it stay as they are."""
    return tx.execute(select(_cursor.c.horizon_at).where(_cursor.c.log == "folded")).scalar() or _FIRST


def freeze(tx: Tx, until: datetime) -> None:
    """From now on facts before a moment are gone."""
    add = insert_for(tx, _cursor).values(log="folded", horizon_at=until)
    tx.execute(add.on_conflict_do_update(index_elements=["log"], set_={"horizon_at": until}))


def is_due(tx: Tx, before: int) -> bool:
    """Whether a conversation, or an hour before that number, is still to be counted."""
    hours = (_due.c.what == "hour") & (_due.c.number < before)
    return tx.execute(select(_due.c.what).where((_due.c.what == "root") | hours).limit(1)).first() is not None


def _within(column: Any, since: datetime, until: datetime) -> tuple[Any, Any]:
    return column >= since, column < until

"""From raw payloads to lanes: normalise, find the people and the link, put messages where they wait.

All of it happens inside one transaction per batch, account by account, in the order of arrival.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import Enum, auto

from bridge.contract import (
    AuthorKind,
    BotAnswered,
    ConsentChanged,
    ContactChanged,
    Entered,
    Event,
    Malformed,
    MessageChanged,
    MessageReceived,
    OwnersChanged,
    Raw,
    ReceiptReceived,
    Retried,
    StatusChanged,
)
from bridge.contract.storable import clean_text, storable
from bridge.engine.context import ConnectedAccount, Runtime, Work
from bridge.engine.conversation.links import Unroutable
from bridge.engine.conversation.turns import answered
from bridge.engine.inbound import channel_events, desk_events
from bridge.engine.inbound.colleagues import colleague_said
from bridge.engine.inbound.contact_events import contact_changed
from mappings import consents, inbox, links, outbox, people
from mappings.inbox import ReadyRow
from mappings.states import UNFINISHED
from mappings.store import Tx, is_trouble

# longer than an unknown step takes to be looked for: its settling time, a fetch and one retry
_UNCONFIRMED = timedelta(days=3)  # how long what is said on an unknown ticket waits for a making that ended in doubt
_EARLY_WAIT, _EARLY_LONGEST = timedelta(seconds=2), timedelta(seconds=30)
_AGAIN = timedelta(seconds=2)  # until a payload that could not be routed is tried again
_TRIES = 3  # then it is kept aside, whatever the error was


class _Outcome(Enum):
    ROUTED = auto()
    WAITS = auto()
    ASIDE = auto()


def route_batch(
    work: Work, name: str, *, limit: int = 64, enough: Callable[[], bool] = lambda: False, careful: bool = False
) -> None:
    """Routes the oldest payloads of one account. Ends early, but not without having done something, when it is
    `enough`. `careful`, after a failure: each has a savepoint, so that the one at fault is found and counted.
    """
    batch = _Batch(work, work.runtime.accounts[name], careful)
    done: list[int] = []
    seen: set[str] = set()
    after, interrupted = 0, False
    while True:
        found = inbox.ready_raws(work.tx, name, limit, after)
        rows, repeats = _tell_apart(found, seen)
        inbox.remove_raws(work.tx, repeats)
        work.effects.repeats += len(repeats)
        waits = 0
        for row, events in batch.read(rows):
            if done and enough():
                interrupted = True
                break
            disposition = batch.route(row, events)
            waits += disposition is _Outcome.WAITS
            if disposition is _Outcome.ROUTED:
                done.append(row.id)
        if interrupted or len(found) < limit or waits < len(found):
            break
        after = found[-1].id  # however many must wait, what is behind them need not
    inbox.finish_raws(work.tx, done, work.now)
    work.effects.done = len(done)
    work.effects.more = interrupted or len(found) >= limit


class _Batch:
    """The payloads of one account in one transaction, one after the other."""

    def __init__(self, work: Work, connected: ConnectedAccount, careful: bool) -> None:
        self._work = work
        self._connected = connected
        self._careful = careful
        self._early: set[str] = set()  # conversations whose oldest event must wait: what is behind it waits as well

    def read(self, rows: Sequence[ReadyRow]) -> list[tuple[ReadyRow, list[Event]]]:
        """What payloads say, before anything is done about one of them: then it is known what all of them are about,
        and the links are locked in their order.
        """
        read: list[tuple[ReadyRow, list[Event]]] = []
        for row in rows:
            try:
                raw = Raw(row.key, row.payload, row.received_at, bool(row.error))
                read.append((row, [storable(event) for event in self._connected.connector.normalise(raw)]))
            except Malformed as error:
                self._put_aside(row, error.message)
            except Exception as error:  # noqa: BLE001 - a connector's bug must not stop the ones behind it
                self._put_aside(row, f"bug in {self._connected.name}: {type(error).__name__}: {error}")
        self._expect([event for row, events in read if not self._later(row) for event in events])
        return read

    def _expect(self, events: Sequence[Event]) -> None:
        """Locks and reads at once what these events are about: links, people, messages, what is held."""
        tx, name = self._work.tx, self._connected.name
        touched = links.lock_touched(tx, name, sorted(_conversations(events)))
        said = [event for event in events if isinstance(event, MessageReceived)]
        links.expect_refs(tx, name, [event.message.id for event in said])
        origins = Counter(event.message.origin for event in said if event.message.origin)
        outbox.expect_keys(tx, [key for key, count in origins.items() if count == 1])
        if name in self._work.runtime.channels:
            people.expect(tx, name, {channel_events.author_of(event).id for event in said})
            links.expect_answers_held(tx, touched)

    def _later(self, row: ReadyRow) -> bool:
        return row.due_at is not None and row.due_at > self._work.now

    def route(self, row: ReadyRow, events: Sequence[Event]) -> _Outcome:
        """Routes one, or says that it waits or was put aside."""
        about = {event.message.conversation for event in events if isinstance(event, MessageReceived)}
        if about & self._early or self._later(row):
            disposition = _Outcome.WAITS
        else:
            disposition = (
                self._tried(row, events) if self._careful or row.tries else self._routed(self._work, row, events)
            )
        if disposition is _Outcome.WAITS:
            self._early |= about
        return disposition

    def _routed(self, work: Work, row: ReadyRow, events: Sequence[Event]) -> _Outcome:
        if _is_early(work.tx, work.runtime, self._connected, events):
            wait = min(max(_EARLY_WAIT, (work.now - row.received_at) / 20), _EARLY_LONGEST)
            inbox.delay_raw(work.tx, row.id, work.now + wait, row.tries)
            return _Outcome.WAITS
        try:
            for event in events:
                _route(work, self._connected, event, row.id)
        except Unroutable as error:
            return self._put_aside(row, str(error))
        return _Outcome.ROUTED

    def _tried(self, row: ReadyRow, events: Sequence[Event]) -> _Outcome:
        """In a savepoint of its own: what it did is undone when it fails, and only that."""
        part = Work(self._work.tx, self._work.runtime, self._work.now)
        try:
            with part.tx.begin_nested():
                disposition = self._routed(part, row, events)
        except Exception as error:
            if is_trouble(error):
                raise  # not this payload's fault
            return self._failed(row, error)
        self._work.effects.add(part.effects)
        return disposition

    def _failed(self, row: ReadyRow, error: Exception) -> _Outcome:
        tries, kind = row.tries + 1, type(error).__name__
        if tries >= _TRIES:
            return self._put_aside(row, f"it could not be routed, tried {tries} times: {kind}")
        inbox.delay_raw(self._work.tx, row.id, self._work.now + _AGAIN, tries)
        name = self._connected.name
        self._work.effects.warn("cannot route", account=name, inbox=row.id, tries=tries, error=kind)
        return _Outcome.WAITS

    def _put_aside(self, row: ReadyRow, error: str) -> _Outcome:
        inbox.quarantine_raw(self._work.tx, row.id, clean_text(error), self._work.now)
        self._work.effects.note("quarantined", account=self._connected.name, inbox=row.id)
        return _Outcome.ASIDE


def _conversations(events: Sequence[Event]) -> set[str]:
    """Those of the account's own that events are about."""
    found = {event.message.conversation for event in events if isinstance(event, MessageReceived)}
    return found | {getattr(event, "conversation", "") for event in events} - {""}


def _tell_apart(found: Sequence[ReadyRow], seen: set[str]) -> tuple[list[ReadyRow], list[int]]:
    """Those that are to be routed, and the ids of the repeats: of what was routed, or of one ahead of them (whose key
    was `seen`), where the first of several that are ready always is, also when it must wait.
    """
    new: list[ReadyRow] = []
    repeats: list[int] = []
    for row in found:
        if row.known is None and row.key not in seen:
            seen.add(row.key)
            new.append(row)
        else:
            repeats.append(row.id)
    return new, repeats


def _is_early(tx: Tx, runtime: Runtime, connected: ConnectedAccount, events: Sequence[Event]) -> bool:
    """Whether something was said on a ticket before it is known what is ours there.

    Two cases: a ticket nobody knows while one of ours is being made (its number comes with the answer, which may be
    late or lost); and, for desks that cannot mark our own writes, a ticket that one of them is on its way to.
    """
    for event in events:
        if not isinstance(event, MessageReceived):
            continue
        if connected.name in runtime.channels and event.message.author.kind is AuthorKind.CUSTOMER:
            continue
        link = links.ticket_link(tx, connected.name, event.message.conversation, lock=False)
        if link is None:
            ours = outbox.step_by_key(tx, event.message.origin) if event.message.origin else None
            if ours is not None and ours.state not in UNFINISHED:
                continue  # our own voice, of a step that has ended: it may be what names the ticket
            if links.awaits_number(tx, connected.name, runtime.now() - _UNCONFIRMED):
                return True
            continue
        unmarked = not connected.capabilities.echoes_origin and not event.message.origin
        if unmarked and outbox.in_flight(tx, links.lane_to_desk(link.id)):
            return True
    return False


def _route(work: Work, connected: ConnectedAccount, event: Event, inbox_id: int) -> None:
    name = connected.name
    match event:
        case MessageReceived() if event.message.author.kind is AuthorKind.CUSTOMER and name in work.runtime.channels:
            channel_events.customer_said(work, connected, event, inbox_id)
        case MessageReceived():
            if name not in work.runtime.channels or not colleague_said(work, connected, event, inbox_id):
                desk_events.agent_said(work, connected, event, inbox_id)
        case Entered():
            channel_events.customer_entered(work, connected, event)
        case StatusChanged() | OwnersChanged():
            _ticket_changed(work, connected, event)
        case MessageChanged():
            desk_events.message_changed(work, connected, event)
        case Retried():
            desk_events.retried(work, connected, event)
        case ReceiptReceived():
            desk_events.receipt_received(work, connected, event)
        case ContactChanged():
            contact_changed(work, connected, event)
        case ConsentChanged():
            consents.set_consent(work.tx, name, event.conversation, event.template, event.count, work.now)
        case BotAnswered():
            answered(work, connected, event, inbox_id)


def _ticket_changed(work: Work, connected: ConnectedAccount, event: StatusChanged | OwnersChanged) -> None:
    if isinstance(event, OwnersChanged):
        desk_events.owners_changed(work, connected, event)
    else:
        desk_events.status_changed(work, connected, event)

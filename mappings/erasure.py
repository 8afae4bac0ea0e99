"""Takes one side of a person out of all tables, in one transaction.

What order and dedupe rest on stays, without saying whose it was: payloads' keys with a keyed hash in place of an id,
and of each link a tombstone with its ticket, so that a late answer there is known and its writer is told. What is on
its way at this moment settles on a row that is gone: its lease is lost.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Table, delete, func, or_, select, update

from mappings.account_tables import Audit
from mappings.event_tables import OutgoingEvent
from mappings.figure_tables import Fact, Survey
from mappings.holder_tables import BotTurn, Handover
from mappings.locks import lock_links
from mappings.shop_tables import Alert, Goal, ShopFact, ShopMessage
from mappings.sql import table
from mappings.state import add_audit
from mappings.states import RawState, StepState
from mappings.store import Tx
from mappings.subjects import ERASED, Side, side_of_person
from mappings.tables import (
    Attempt,
    Consent,
    Identity,
    Inbox,
    Link,
    MediaFile,
    MessageRef,
    Notice,
    Outbox,
    PersonMerge,
    Waiting,
)

_link, _identity, _joining, _inbox, _media = (
    table(Link), table(Identity), table(PersonMerge), table(Inbox), table(MediaFile)
)  # fmt: skip
_outbox, _attempt, _turn, _handover, _goal = (
    table(Outbox), table(Attempt), table(BotTurn), table(Handover), table(Goal)
)  # fmt: skip
_event, _survey = table(Fact), table(Survey)
_ref, _waiting, _notice, _consent = table(MessageRef), table(Waiting), table(Notice), table(Consent)
_fact, _shop_message, _alert, _audit = table(ShopFact), table(ShopMessage), table(Alert), table(Audit)
_BITE = 400  # ids in one statement
_GONE = "(erased)"

KEPT = {
    "person": "without identities",
    "link": "as a tombstone: its ticket, no customer",
    "inbox": "keys, hashed where they name somebody; no payload",
    "handover": "who held it when; no names",
    "goal": "targets and times",
    "audit": "without ids of the person",
    "person_merge": "row numbers only, once nobody is left",
    "media": "of a file that somebody else has as well",
    "cursor": "no person", "token": "no person", "pause": "no person", "lease": "no person", "callback": "no person",
    "refused_callback": "no person", "console_user": "who may sign in",
    "api_token": "who may call", "console_session": "who is signed in",
    "replay_job": "no person",
    "fact": "what happened and when; its name hashed where it names somebody", "turn": "times",
    "episode": "times, counts", "episode_shift": "times", "measure": "sums",
    "figure_folded": "times, counts",
    "phrase": "words of five people or more, no person",
    "figure_cursor": "no person", "figure_due": "no person",
    "survey": "the number, no question any more",
    "record": "what the account's connector did not forget", "entry": "what the account's connector did not forget",
}  # fmt: skip
"""What an erasure leaves in a table. A table that is not named here has no row about an erased person."""
EMPTIED = frozenset(
    {"identity", "waiting", "outbox", "attempt", "message_ref", "notice", "consent", "bot_turn", "shop_fact",
     "shop_message", "alert", "outgoing_event"}
)  # fmt: skip
"""Of these an erasure takes all rows about the person."""


class SubjectChanged(Exception):
    """The person has more, or less, than when it was looked at: look again."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found before, by reading alone: payloads, rows of the audit and of alerts that name them, files."""

    payloads: Mapping[int, str] = field(default_factory=dict)  # inbox id → its key as it is to be, or "" as it is
    audits: Mapping[int, str] = field(default_factory=dict)  # audit id → detail as it is to be
    alerts: Collection[tuple[str, str]] = ()
    facts: Collection[tuple[str, str]] = ()
    media: Collection[int] = ()


def keyed(key: bytes, text: str) -> str:
    """An id that says whose it is only to who has the key: equal ids have equal ones."""
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()[:32]


def in_flight(tx: Tx, link_ids: Collection[int], now: datetime) -> bool:
    """Whether a step of these links may be taking effect just now."""
    begun = _outbox.c.state == StepState.READY, _outbox.c.begun_at.is_not(None), _outbox.c.lease_until > now
    return tx.execute(select(_outbox.c.id).where(_outbox.c.link_id.in_(link_ids), *begun).limit(1)).first() is not None


def erase(tx: Tx, side: Side, found: Found, key: bytes, who: str, now: datetime) -> dict[str, int]:
    """Everything of one side. Returns how many rows of which table. Raises SubjectChanged."""
    ids = side.link_ids
    lock_links(tx, ids)
    if not any(_same(side, now_there) for now_there in side_of_person(tx, side.person_id)):
        raise SubjectChanged
    gone = {
        "conversations": len(ids),
        "identities": len(side.identities),
        "messages": _count(tx, _ref, ids),
        "steps": _count(tx, _outbox, ids),
        "payloads": empty_payloads(tx, found.payloads),
        "files": len(found.media),
    }
    _delete_rows(tx, side, now)
    _hash_facts(tx, side, key)
    for row_id, detail in found.audits.items():
        tx.execute(update(_audit).where(_audit.c.id == row_id).values(detail=detail))
    for receiver, cause in found.alerts:
        tx.execute(delete(_alert).where(_alert.c.receiver == receiver, _alert.c.cause == cause))
    for account, subject in found.facts:
        tx.execute(delete(_fact).where(_fact.c.account == account, _fact.c.subject == subject))
    for some in _bites(sorted(found.media)):
        tx.execute(delete(_media).where(_media.c.id.in_(some)))
    for link in side.links:
        _bury(tx, link.id, ERASED + keyed(key, f"{link.channel}:{link.conversation}"), now)
    _forget_identities(tx, side, now)
    counted = ", ".join(f"{count} {what}" for what, count in gone.items())
    add_audit(tx, who, "erase", f"one person: {counted}", now)
    return gone


def _same(side: Side, other: Side) -> bool:
    return side.link_ids == other.link_ids and [one.id for one in side.identities] == [
        one.id for one in other.identities
    ]


def _count(tx: Tx, of: Table, link_ids: Sequence[int]) -> int:
    return int(tx.execute(select(func.count()).select_from(of).where(of.c.link_id.in_(link_ids))).scalar_one())


def empty_payloads(tx: Tx, payloads: Mapping[int, str]) -> int:
    """Payloads, and their keys where they are to be others. One that could not be read is not tried again."""
    for some in _bites(sorted(payloads)):
        mine = _inbox.c.id.in_(some), _inbox.c.state != RawState.READY
        tx.execute(update(_inbox).where(*mine).values(payload=None, error="", state=RawState.DONE))
    for inbox_id, new in payloads.items():
        if new:
            tx.execute(update(_inbox).where(_inbox.c.id == inbox_id, _inbox.c.state != RawState.READY).values(key=new))
    return len(payloads)


def _delete_rows(tx: Tx, side: Side, now: datetime) -> None:
    ids = side.link_ids
    steps = select(_outbox.c.id).where(_outbox.c.link_id.in_(ids))
    tx.execute(delete(_attempt).where(_attempt.c.outbox_id.in_(steps)))
    tx.execute(delete(_turn).where(or_(_turn.c.link_id.in_(ids), _turn.c.outbox_id.in_(steps))))
    for of in (_shop_message, _waiting, _outbox, _ref, _notice, table(OutgoingEvent)):
        tx.execute(delete(of).where(of.c.link_id.in_(ids)))
    chats = {(link.channel, link.conversation) for link in side.links}
    chats |= {(one.account, one.external_id) for one in side.identities}
    for account, name in sorted(chats):
        tx.execute(delete(_consent).where(_consent.c.account == account, _consent.c.conversation == name))
        tx.execute(delete(_fact).where(_fact.c.account == account, _fact.c.subject == f"c:{name}"))
    theirs = or_(_handover.c.link_id.in_(ids), _handover.c.left_id.in_(ids))
    tx.execute(update(_handover).where(theirs).values(who=""))
    tx.execute(update(_survey).where(_survey.c.link_id.in_(ids), _survey.c.state == "due").values(state="void"))
    open_goals = _goal.c.link_id.in_(ids), _goal.c.ended_at.is_(None)
    tx.execute(update(_goal).where(*open_goals).values(next_at=None, outcome="void", ended_at=now))


def _hash_facts(tx: Tx, side: Side, key: bytes) -> None:
    """What happened still counts, and counts once: by a name that is nobody's."""
    rows = tx.execute(select(_event.c.id, _event.c.ref).where(_event.c.link_id.in_(side.link_ids))).all()
    for row in rows:
        if any(name in row.ref for name in side.ids):
            tx.execute(update(_event).where(_event.c.id == row.id).values(ref=keyed(key, row.ref)))


def _bury(tx: Tx, link_id: int, conversation: str, now: datetime) -> None:
    emptied = dict.fromkeys(("peer", "url", "shown", "decided", "entry", "held_by", "memory"), "")
    emptied |= dict.fromkeys(("context", "fields", "allowance", "proven"), "{}")
    tx.execute(
        update(_link)
        .where(_link.c.id == link_id)
        .values(
            conversation=conversation,
            contact=json.dumps({"id": conversation}),
            state="ended",
            warn_at=None,
            touched_at=now,
            **emptied,
        )
    )


def _forget_identities(tx: Tx, side: Side, now: datetime) -> None:
    mine = [one.id for one in side.identities]
    for some in _bites(mine):
        tx.execute(delete(_identity).where(_identity.c.id.in_(some)))
    numbers = {name for one in side.identities for name in (one.customer_id, one.shared_id)} - {""}
    left = {
        name
        for column in (_identity.c.customer_id, _identity.c.shared_id)
        for name in tx.execute(select(column).where(column.in_(numbers))).scalars()
    }
    alone = tx.execute(select(_identity.c.id).where(_identity.c.person_id == side.person_id).limit(1)).first() is None
    about = or_(_joining.c.kept_id == side.person_id, _joining.c.joined_id == side.person_id)
    for row in tx.execute(select(_joining).where(about)).all():
        if alone and row.state == "suggested":
            tx.execute(update(_joining).where(_joining.c.id == row.id).values(state="declined", at=now))
        if any(number in row.proof for number in numbers - left):
            tx.execute(update(_joining).where(_joining.c.id == row.id).values(proof=_GONE))


def _bites(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[place : place + _BITE] for place in range(0, len(ids), _BITE)]

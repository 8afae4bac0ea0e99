"""Links (conversation ↔ ticket), the messages both sides know, and what agents were told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Unpack, cast

from sqlalchemy import Row, any_, bindparam, delete, exists, insert, select, union_all, update
from sqlalchemy.types import ARRAY, String

from mappings.facts import add_state
from mappings.lanes import (
    is_of_invitations,
    is_towards_bot,
    is_towards_customer,
    is_towards_desk,
    lane_of_drafts,
    lane_of_invitations,
    lane_of_labels,
    lane_to_bot,
    lane_to_channel,
    lane_to_desk,
    link_of,
)
from mappings.locks import holds_link, lock_links, made_link
from mappings.prepared import Prepared
from mappings.sql import insert_for, insert_new, table
from mappings.states import LinkColumns, PairColumns, StepState
from mappings.store import Tx
from mappings.tables import Link, MessageRef, Notice, Outbox, Waiting

__all__ = [  # lanes are read as the link's own
    "is_of_invitations",
    "is_towards_bot",
    "is_towards_customer",
    "is_towards_desk",
    "lane_of_drafts",
    "lane_of_invitations",
    "lane_of_labels",
    "lane_to_bot",
    "lane_to_channel",
    "lane_to_desk",
    "link_of",
]

_link, _pair, _notice = table(Link), table(MessageRef), table(Notice)
_waiting, _outbox = table(Waiting), table(Outbox)
_ADD = Prepared(insert(_link).returning(_link))
_ADD_PAIR = Prepared(insert_new(_pair))

LinkRow = Row[Any]

_OPEN = select(_link).where(
    _link.c.channel == bindparam("channel"),
    _link.c.conversation == bindparam("conversation"),
    _link.c.state != "ended",
)
_OF_TICKET = (
    select(_link)
    .where(_link.c.desk == bindparam("desk"), _link.c.ticket == bindparam("ticket"))
    .order_by(_link.c.id.desc())
    .limit(1)
)
_BY_ID = select(_link).where(_link.c.id == bindparam("link_id"))
_OPEN_BY, _TICKET_BY, _LINK_BY = Prepared(_OPEN), Prepared(_OF_TICKET), Prepared(_BY_ID)
_TOUCHED = Prepared(
    union_all(
        select(_link.c.id).where(
            _link.c.channel == bindparam("account"),
            _link.c.conversation == any_(bindparam("conversations", type_=ARRAY(String))),
            _link.c.state != "ended",
        ),
        select(_link.c.id).where(
            _link.c.desk == bindparam("account"),
            _link.c.ticket == any_(bindparam("conversations", type_=ARRAY(String))),
        ),
    )
)
_CHANGE = Prepared(update(_link).where(_link.c.id == bindparam("link_id")))
_PAIR = Prepared(
    select(_pair).where(_pair.c.account == bindparam("account"), _pair.c.message_id == bindparam("message_id"))
)
_CARRY = Prepared(
    update(_pair).where(_pair.c.account == bindparam("of_account"), _pair.c.message_id == bindparam("of_message"))
)
_HELD = Prepared(
    select(
        exists().where(_waiting.c.lane == bindparam("lane"), _waiting.c.held != "")
        | exists().where(
            # both conditions: the first is the index's own, the second what is asked
            _outbox.c.lane == bindparam("lane"),
            _outbox.c.state.in_((StepState.READY, StepState.PARKED)),
            _outbox.c.state == StepState.PARKED,
        )
        | exists().where(_notice.c.link_id == bindparam("link_id"))
    )
)


def open_link(tx: Tx, channel: str, conversation: str, *, lock: bool = True) -> LinkRow | None:
    """The link a customer's conversation has now. Locked, so that lanes fill in commit order."""
    return _found(tx, _OPEN_BY, lock, channel=channel, conversation=conversation)


def ticket_link(tx: Tx, desk: str, ticket: str, *, lock: bool = True) -> LinkRow | None:
    """The newest link of a ticket."""
    return _found(tx, _TICKET_BY, lock, desk=desk, ticket=ticket)


def _found(tx: Tx, statement: Prepared, lock: bool, **key: str) -> LinkRow | None:
    """What a statement finds. While its lock is waited for another may take its place: then that one."""
    found = statement.first(tx, **key)
    while lock and found is not None and not holds_link(tx, found.id):
        lock_links(tx, [found.id])
        found = statement.first(tx, **key)
    return found


def lock_touched(tx: Tx, account: str, conversations: Sequence[str]) -> None:
    """Locks the links that events of an account, in these conversations of its own, are about: all at once."""
    if tx.dialect.name != "sqlite" and conversations:
        lock_links(tx, _TOUCHED.scalars(tx, account=account, conversations=list(conversations)))


_making: Any = lane_to_desk(_link.c.id)  # type: ignore[arg-type] # the arithmetic of a column is the same


def awaits_number(tx: Tx, desk: str, since: datetime) -> bool:
    """Whether a ticket of a desk may be there already whose number is not known: one that is being made at this moment,
    or one whose making ended after `since` without anybody knowing how.
    """
    open_end = _outbox.c.begun_at.is_not(None) | _outbox.c.unknown.is_(True)
    made = ((_outbox.c.state == StepState.READY) & open_end) | (
        (_outbox.c.state == StepState.UNCONFIRMED) & (_outbox.c.done_at > since)
    )
    unnamed = _link.c.desk == desk, _link.c.ticket.is_(None), _link.c.state != "ended"
    found = select(_link.c.id).join(_outbox, _outbox.c.lane == _making).where(*unnamed, made)
    return tx.execute(found.limit(1)).scalar() is not None


def get_link(tx: Tx, link_id: int, *, lock: bool = False) -> LinkRow:
    """A link by its id."""
    locked = lock_links(tx, [link_id]) if lock else []
    found = locked[0] if locked else _LINK_BY.first(tx, link_id=link_id)
    if found is None:
        raise LookupError(f"no link {link_id}")
    return found


def add_link(tx: Tx, **values: Unpack[LinkColumns]) -> LinkRow:
    """A new link; raises the driver's IntegrityError when the conversation has an open one."""
    made = _ADD.first(tx, **values)
    assert made is not None
    made_link(tx, made.id)
    return made


def change_link(tx: Tx, link_id: int, **values: Unpack[LinkColumns]) -> None:
    """Sets columns of a link. With a new `state` comes `touched_at`, when that was: it is a fact."""
    lock_links(tx, [link_id])
    if "state" in values:
        add_state(tx, link_id, values["state"], values["touched_at"])
    _CHANGE.run(tx, link_id=link_id, **values)


def copied(link: LinkRow, *names: str) -> LinkColumns:
    """Some columns of a link, for the one that follows it."""
    return cast("LinkColumns", {name: getattr(link, name) for name in names})


def change_peer(tx: Tx, desk: str, peer: str, to: str) -> int:
    """A desk's user became another one: in all conversations of theirs."""
    theirs = select(_link.c.id).where(_link.c.desk == desk, _link.c.peer == peer)
    lock_links(tx, tx.execute(theirs).scalars())
    return tx.execute(update(_link).where(_link.c.desk == desk, _link.c.peer == peer).values(peer=to)).rowcount


def anything_held(tx: Tx, link_id: int) -> bool:
    """Whether something towards the customer waits for them, or agents were told so: what they do next may end it."""
    return bool(_HELD.scalar(tx, link_id=link_id, lane=lane_to_channel(link_id)))


def links_to_warn(tx: Tx, now: datetime, limit: int = 100) -> list[LinkRow]:
    """Links whose agents should be warned by now, locked."""
    due = select(_link.c.id).where(_link.c.warn_at.is_not(None), _link.c.warn_at <= now)
    ids = list(tx.execute(due.order_by(_link.c.warn_at).limit(limit)).scalars())
    lock_links(tx, ids)
    chosen = select(_link).where(_link.c.id.in_(ids), _link.c.warn_at <= now)  # as they are now
    return list(tx.execute(chosen.order_by(_link.c.warn_at)))


def conversation_links(tx: Tx, channel: str, conversation: str) -> list[LinkRow]:
    """All links of a channel's conversation, oldest first: on whatever desk it was."""
    named = _link.c.channel == channel, _link.c.conversation == conversation
    return list(tx.execute(select(_link).where(*named).order_by(_link.c.id)))


def newest_of_peer(tx: Tx, desk: str, peer: str) -> LinkRow | None:
    """The newest conversation of somebody whom a desk knows by an id of its own."""
    mine = select(_link).where(_link.c.desk == desk, _link.c.peer == peer)
    return tx.execute(mine.order_by(_link.c.id.desc()).limit(1)).first() if peer else None


def person_links(tx: Tx, person_id: int) -> list[LinkRow]:
    """All links of a person, oldest first."""
    return list(tx.execute(select(_link).where(_link.c.person_id == person_id).order_by(_link.c.id)))


def ids_of_person(tx: Tx, person_id: int, *, before: int | None, limit: int) -> list[int]:
    """The newest of a person's links, or those before one."""
    mine = select(_link.c.id).where(_link.c.person_id == person_id)
    if before is not None:
        mine = mine.where(_link.c.id < before)
    return list(tx.execute(mine.order_by(_link.c.id.desc()).limit(limit)).scalars())


def add_pair(
    tx: Tx, account: str, message_id: str, link_id: int, now: datetime, **columns: Unpack[PairColumns]
) -> bool:
    """Remembers a message id of an account. False when it was known."""
    added = _ADD_PAIR.scalar(tx, account=account, message_id=message_id, link_id=link_id, at=now, **columns)
    return added is not None


def carry(tx: Tx, account: str, message_ids: Sequence[str], outbox_id: int) -> None:
    """These messages of an account are carried by a step: how a trace goes on from here."""
    for message_id in message_ids:
        _CARRY.run(tx, of_account=account, of_message=message_id, carrier_id=outbox_id)


def find_pairs(tx: Tx, message_id: str) -> list[Row[Any]]:
    """What a message id belongs to, at any account. Where an id holds more than the vendor's own number, that number
    is enough.
    """
    if not message_id:
        return []
    for column in (_pair.c.message_id, _pair.c.short):
        rows = list(tx.execute(select(_pair).where(column == message_id).order_by(_pair.c.id).limit(50)))
        if rows:
            return rows
    return []


def find_pair(tx: Tx, account: str, message_id: str) -> Row[Any] | None:
    """What a message id of an account belongs to."""
    return _PAIR.first(tx, account=account, message_id=message_id)


def notice_once(tx: Tx, link_id: int, cause: str, now: datetime) -> bool:
    """True the first time a link's agents are to be told of a cause."""
    return (
        tx.execute(
            insert_for(tx, _notice)
            .values(link_id=link_id, cause=cause, at=now)
            .on_conflict_do_nothing()
            .returning(_notice.c.id)
        ).scalar()
        is not None
    )


def forget_old_notice(tx: Tx, link_id: int, cause: str, before: datetime) -> None:
    """A cause that was told before a moment may be told again."""
    tx.execute(delete(_notice).where(_notice.c.link_id == link_id, _notice.c.cause == cause, _notice.c.at < before))


def forget_notices(tx: Tx, link_id: int, prefix: str) -> int:
    """A cause is over: the next time it is told again. Returns how many were forgotten."""
    return tx.execute(
        delete(_notice).where(_notice.c.link_id == link_id, _notice.c.cause.startswith(prefix, autoescape=True))
    ).rowcount


def causes_told(tx: Tx, link_id: int, prefix: str, causes: Sequence[str] = ()) -> list[str]:
    """What a link's agents were told: causes that begin so, and of some others."""
    wanted = _notice.c.cause.startswith(prefix, autoescape=True) | _notice.c.cause.in_(causes)
    return list(tx.execute(select(_notice.c.cause).where(_notice.c.link_id == link_id, wanted)).scalars())


def move_notices(tx: Tx, link_id: int, to_link: int, prefix: str) -> None:
    """What agents were told of answers that go on with another link of the conversation."""
    moved = _notice.c.link_id == link_id, _notice.c.cause.startswith(prefix, autoescape=True)
    tx.execute(update(_notice).where(*moved).values(link_id=to_link))


def told_at(tx: Tx, link_id: int, cause: str) -> datetime | None:
    """When a link's agents were told of a cause; None when they were not."""
    moment: datetime | None = tx.execute(
        select(_notice.c.at).where(_notice.c.link_id == link_id, _notice.c.cause == cause)
    ).scalar()
    return moment

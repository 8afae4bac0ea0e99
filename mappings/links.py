"""Links (conversation ↔ ticket), the messages both sides know, and what agents were told."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Unpack, cast

from sqlalchemy import Boolean, Row, bindparam, exists, insert, literal, or_, select, union_all, update

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
from mappings.link_cache import known
from mappings.locks import holds_link, lock_links, made_link
from mappings.message_refs import add_ref, carry, expect_refs, find_ref, find_refs, is_known, name_messages
from mappings.notices import (
    causes_told,
    expect_waiting_told,
    forget_notices,
    forget_old_notice,
    move_notices,
    notice_once,
    told_at,
    was_waiting_told,
)
from mappings.prepared import Prepared
from mappings.sets import Updates
from mappings.sql import among, table
from mappings.states import LinkColumns, StepState
from mappings.store import Tx
from mappings.tables import Link, Notice, Outbox, Waiting

__all__ = [  # lanes, messages and notices are read as the link's own
    "add_ref",
    "carry",
    "causes_told",
    "expect_refs",
    "expect_waiting_told",
    "find_ref",
    "find_refs",
    "forget_notices",
    "forget_old_notice",
    "is_known",
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
    "move_notices",
    "name_messages",
    "notice_once",
    "told_at",
    "was_waiting_told",
]

_link, _notice = table(Link), table(Notice)
_waiting, _outbox = table(Waiting), table(Outbox)
_ADD = Prepared(insert(_link).returning(_link))

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
_THESE = Prepared(select(_link).where(among(_link.c.id, "ids")))
_CHANGE = Updates(_link)
_answers: Any = lane_to_channel(_link.c.id)  # type: ignore[arg-type] # the arithmetic of a column is the same
_held = or_(
    exists().where(_waiting.c.lane == _answers, _waiting.c.held != ""),
    exists().where(
        # both conditions: the first is the index's own, the second what is asked
        _outbox.c.lane == _answers,
        _outbox.c.state.in_((StepState.READY, StepState.PARKED)),
        _outbox.c.state == StepState.PARKED,
    ),
    exists().where(_notice.c.link_id == _link.c.id),
)
_HELD = Prepared(select(_link.c.id).where(among(_link.c.id, "ids"), _held))
_TOUCHED = Prepared(
    union_all(
        select(_link, _held.label("held")).where(
            _link.c.channel == bindparam("account"),
            among(_link.c.conversation, "conversations"),
            _link.c.state != "ended",
        ),
        # nobody asks it of these
        select(_link, literal(None, Boolean()).label("held")).where(
            _link.c.desk == bindparam("account"), among(_link.c.ticket, "conversations")
        ),
    )
)


def open_link(tx: Tx, channel: str, conversation: str, *, lock: bool = True) -> LinkRow | None:
    """The link a customer's conversation has now. Locked, so that lanes fill in commit order."""
    heart = known(tx)
    if (channel, conversation) in heart.by_conversation:
        link_id = heart.by_conversation[channel, conversation]
        return None if link_id is None else heart.by_id[link_id]
    return _found(tx, _OPEN_BY, lock, channel=channel, conversation=conversation)


def ticket_link(tx: Tx, desk: str, ticket: str, *, lock: bool = True) -> LinkRow | None:
    """The newest link of a ticket."""
    heart = known(tx)
    if (desk, ticket) in heart.by_ticket:
        return heart.by_id[heart.by_ticket[desk, ticket]]
    return _found(tx, _TICKET_BY, lock, desk=desk, ticket=ticket)


def _found(tx: Tx, statement: Prepared, lock: bool, **key: str) -> LinkRow | None:
    """What a statement finds. While its lock is waited for another may take its place: then that one."""
    found = statement.first(tx, **key)
    while lock and found is not None and not holds_link(tx, found.id):
        lock_links(tx, [found.id])
        found = statement.first(tx, **key)
    return found


def lock_touched(tx: Tx, account: str, conversations: Sequence[str]) -> list[int]:
    """Locks the links that events of an account, in these conversations of its own, are about: all at once. From then
    on this transaction knows them by heart. Returns their ids.
    """
    if not conversations:
        return []
    rows = _TOUCHED.all(tx, account=account, conversations=conversations)
    heart = known(tx)
    for row in rows:
        if holds_link(tx, row.id):  # else it may be another one when it is locked
            heart.add_with_held(row)
    ids = [row.id for row in rows]
    read_links(tx, ids)
    heart.index(account, set(conversations))
    return ids


def read_links(tx: Tx, ids: Collection[int]) -> None:
    """Locks links, and what is held in them is known by heart: for whoever works on many."""
    heart = known(tx)
    for row in lock_links(tx, ids):
        heart.add(row)
    missing = [one for one in ids if one not in heart.by_id]
    for row in _THESE.all(tx, ids=missing) if missing else ():
        heart.add(row)


def expect_answers_held(tx: Tx, ids: Collection[int]) -> None:
    """`anything_held`, asked for many links at once, as far as it is not known."""
    heart = known(tx)
    wanted = [one for one in ids if one not in heart.held]
    held = set(_HELD.scalars(tx, ids=wanted)) if wanted else set()
    heart.held.update((one, one in held) for one in wanted)


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
    heart = known(tx)
    for row in lock_links(tx, [link_id]) if lock else ():
        heart.add(row)
    found = heart.by_id.get(link_id) or _LINK_BY.first(tx, link_id=link_id)
    if found is None:
        raise LookupError(f"no link {link_id}")
    if holds_link(tx, link_id):
        heart.add(found)
    return found


def get_links(tx: Tx, ids: Collection[int]) -> dict[int, LinkRow]:
    """Links by their ids, as they are; nobody is kept from changing them."""
    return {row.id: row for row in _THESE.all(tx, ids=ids)} if ids else {}


def add_link(tx: Tx, **values: Unpack[LinkColumns]) -> LinkRow:
    """A new link; raises the driver's IntegrityError when the conversation has an open one."""
    return _made(tx, _ADD.first(tx, **values))


def add_first_link(tx: Tx, **values: Unpack[LinkColumns]) -> LinkRow:
    """The same where `open_link` found none: what waits to be written is not about it."""
    return _made(tx, _ADD.made(tx, **values))


def _made(tx: Tx, made: LinkRow | None) -> LinkRow:
    assert made is not None
    made_link(tx, made.id)
    heart = known(tx)
    heart.add(made)
    heart.held[made.id] = False
    if made.state != "ended":
        heart.by_conversation[made.channel, made.conversation] = made.id
    heart.by_ticket.clear()
    return made


def change_link(tx: Tx, link_id: int, **values: Unpack[LinkColumns]) -> None:
    """Sets columns of a link. With a new `state` comes `touched_at`, when that was: it is a fact."""
    for row in lock_links(tx, [link_id]):
        known(tx).add(row)
    if "state" in values:
        add_state(tx, link_id, values["state"], values["touched_at"])
    known(tx).change(link_id, cast("dict[str, Any]", values))
    _CHANGE.later(tx, id=link_id, **values)


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
    asked = known(tx).held.get(link_id)
    return bool(_HELD.scalars(tx, ids=[link_id])) if asked is None else asked


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
    # each by an index of its own
    parts = [
        tx.execute(select(_link).where(*named, state)) for state in (_link.c.state == "ended", _link.c.state != "ended")
    ]
    return sorted((row for rows in parts for row in rows), key=lambda row: row.id)


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

"""The messages both sides know: which link and step each id of an account belongs to."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, and_, bindparam, select

from mappings.deferred import notes
from mappings.prepared import Prepared
from mappings.sets import Inserts
from mappings.sql import among, distinct, table
from mappings.states import MessageRefColumns
from mappings.store import Tx
from mappings.tables import MessageRef, Outbox

_ref, _outbox = table(MessageRef), table(Outbox)
_ADD = Inserts(_ref, new=True)
_REF = Prepared(
    select(_ref).where(_ref.c.account == bindparam("account"), _ref.c.message_id == bindparam("message_id"))
)
_REFS = Prepared(
    select(_ref.c.message_id).where(_ref.c.account == bindparam("account"), among(_ref.c.message_id, "message_ids"))
)
_EXPECTED = "message refs"  # in a transaction's notes: the message ids that were looked for, and whether they are known


class _Carries(Inserts):
    """Not new rows: which step carries a message on, by the step's key."""

    def __init__(self) -> None:
        super().__init__(_ref)
        self._defaults = {}
        self._types["key"] = _outbox.c.key.type

    def _text(self, names: Sequence[str], rows: str) -> str:
        return (  # the rows are places of values
            f"UPDATE message_ref SET carrier_id = outbox.id FROM (VALUES {rows}) AS v "  # noqa: S608 - nobody's words
            "JOIN outbox ON outbox.key = v.column3 "
            "WHERE message_ref.account = v.column1 AND message_ref.message_id = v.column2"
        )


_CARRY = _Carries()


def add_ref(
    tx: Tx, account: str, message_id: str, link_id: int, now: datetime, **columns: Unpack[MessageRefColumns]
) -> bool:
    """Remembers a message id of an account. False when it was known."""
    if is_known(tx, account, message_id):
        return False
    notes(tx).setdefault(_EXPECTED, {})[account, message_id] = True
    _ADD.later(tx, account=account, message_id=message_id, link_id=link_id, at=now, **columns)
    return True


def name_messages(tx: Tx, step: Row[Any], link_id: int, message_ids: Sequence[str], now: datetime) -> None:
    """Remembers the ids that an account gave to what a step made; those that are known stay as they are."""
    for message_id in message_ids:
        notes(tx).setdefault(_EXPECTED, {})[step.account, message_id] = True
        _ADD.later(
            tx, account=step.account, message_id=message_id, link_id=link_id, inbox_id=None, outbox_id=step.id, at=now
        )


def expect_refs(tx: Tx, account: str, message_ids: Collection[str]) -> None:
    """Looks at once whether many message ids of an account are known. Their links are locked: nobody adds one."""
    if message_ids:
        found = set(_REFS.scalars(tx, account=account, message_ids=message_ids))
        notes(tx).setdefault(_EXPECTED, {}).update({(account, one): one in found for one in message_ids})


def is_known(tx: Tx, account: str, message_id: str) -> bool:
    """Whether a message id of an account belongs to something."""
    known_ids: dict[tuple[str, str], bool] = notes(tx).get(_EXPECTED, {})
    if (account, message_id) not in known_ids:
        return find_ref(tx, account, message_id) is not None
    return known_ids[account, message_id]


def carry(tx: Tx, account: str, message_ids: Sequence[str], key: str) -> None:
    """These messages of an account are carried by the step with a key: how a trace goes on from here."""
    _CARRY.all_later(tx, ("account", "message_id", "key"), [(account, one, key) for one in message_ids])


def find_refs(tx: Tx, message_id: str) -> list[Row[Any]]:
    """What a message id belongs to, at any account: no index begins with the id, for that would cost every message, so
    each account is asked by its own. Where an id holds more than the vendor's own number, that number is enough.
    """
    if not message_id:
        return []
    accounts = distinct(tx, _ref.c.account)
    for named in (and_(_ref.c.account.in_(accounts), _ref.c.message_id == message_id), _ref.c.short == message_id):
        rows = list(tx.execute(select(_ref).where(named).limit(50)))
        if rows:
            return sorted(rows, key=lambda row: row.id)
    return []


def find_ref(tx: Tx, account: str, message_id: str) -> Row[Any] | None:
    """What a message id of an account belongs to."""
    return _REF.first(tx, account=account, message_id=message_id)

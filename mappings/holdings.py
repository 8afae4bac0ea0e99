"""What there is about one side of a person, table by table, and where else it is named. All of it only reads."""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, and_, or_, select

from mappings.account_tables import Audit
from mappings.event_tables import OutgoingEvent
from mappings.holder_tables import BotTurn, Handover
from mappings.shop_tables import Alert, Goal, ShopFact, ShopMessage
from mappings.sql import table
from mappings.store import Tx
from mappings.subjects import Side
from mappings.tables import Attempt, Consent, MediaFile, MessageRef, Notice, Outbox, Waiting
from mappings.traces import LONG

_ref, _waiting, _outbox, _attempt, _media = (
    table(MessageRef), table(Waiting), table(Outbox), table(Attempt), table(MediaFile)
)  # fmt: skip
_notice, _consent, _turn, _handover = table(Notice), table(Consent), table(BotTurn), table(Handover)
_goal, _fact, _shop_message, _alert, _audit = (
    table(Goal), table(ShopFact), table(ShopMessage), table(Alert), table(Audit)
)  # fmt: skip
_GONE = "(erased)"


def files_of(tx: Tx, named: Collection[tuple[str, str, str]]) -> list[tuple[int, str, bool]]:
    """The rows of files that somebody's messages name: id, hash, and whether others may share the row."""
    found: dict[int, tuple[int, str, bool]] = {}
    for account, identifier, digest in named:
        one = and_(_media.c.account == account, _media.c.external_id == identifier)
        shared = and_(_media.c.account == "", _media.c.external_id == digest) if digest else one
        for row in tx.execute(select(_media.c.id, _media.c.sha256, _media.c.account).where(or_(one, shared))):
            found[row.id] = (row.id, row.sha256, row.account == "")
    return list(found.values())


def hashes_left(tx: Tx, digests: Collection[str], without: Collection[int]) -> set[str]:
    """Which of some files another row names."""
    rows = tx.execute(select(_media.c.id, _media.c.sha256).where(_media.c.sha256.in_(digests)))
    return {row.sha256 for row in rows if row.id not in without}


def media_rows(tx: Tx, named: Collection[tuple[str, str, str]]) -> list[Row[Any]]:
    """The rows of files that somebody's messages name."""
    ids = [row_id for row_id, _, _ in files_of(tx, named)]
    return list(tx.execute(select(_media).where(_media.c.id.in_(ids)).order_by(_media.c.id)))


def audits_naming(tx: Tx, ids: Collection[str]) -> dict[int, str]:
    """Rows of the audit whose detail names one of these ids: the detail without them."""
    found: dict[int, str] = {}
    for name in _long(ids):
        for row in tx.execute(
            select(_audit.c.id, _audit.c.detail).where(_audit.c.detail.contains(name, autoescape=True))
        ):
            found[row.id] = found.get(row.id, row.detail).replace(name, _GONE)
    return found


def rows_naming(tx: Tx, ids: Collection[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Alerts, and what the shop told, that name one of these ids: their keys."""
    alerts: set[tuple[str, str]] = set()
    facts: set[tuple[str, str]] = set()
    for name in _long(ids):
        holds = or_(_alert.c.facts.contains(name, autoescape=True), _alert.c.cause.contains(name, autoescape=True))
        alerts.update((one.receiver, one.cause) for one in tx.execute(select(_alert).where(holds)))
        told = or_(_fact.c.value.contains(name, autoescape=True), _fact.c.subject == f"h:{name}")
        facts.update((one.account, one.subject) for one in tx.execute(select(_fact).where(told)))
    return sorted(alerts), sorted(facts)


def _long(ids: Collection[str]) -> list[str]:
    """Those that stand for their owner wherever they stand."""
    return [name for name in ids if len(name) >= LONG]


def said(tx: Tx, link_ids: Collection[int]) -> list[Any]:
    """All that is to be sent or was, of some links: messages and steps as JSON values."""
    texts = list(tx.execute(select(_waiting.c.message).where(_waiting.c.link_id.in_(link_ids))).scalars())
    for row in tx.execute(select(_outbox.c.step, _outbox.c.messages).where(_outbox.c.link_id.in_(link_ids))):
        texts += row
    return [json.loads(text) for text in texts]


def stored_rows(tx: Tx, side: Side) -> dict[str, list[Any]]:
    """All rows about one side, by table, for an export."""
    ids = side.link_ids
    found: dict[str, list[Any]] = {
        "identity": list(side.identities),
        "link": list(side.links),
    }
    for of in (_ref, _waiting, _outbox, _notice, _turn, _goal, _shop_message, table(OutgoingEvent)):
        found[of.name] = list(tx.execute(select(of).where(of.c.link_id.in_(ids)).order_by(*of.primary_key)))
    steps = select(_outbox.c.id).where(_outbox.c.link_id.in_(ids))
    found["attempt"] = list(tx.execute(select(_attempt).where(_attempt.c.outbox_id.in_(steps)).order_by(_attempt.c.id)))
    theirs = or_(_handover.c.link_id.in_(ids), _handover.c.left_id.in_(ids))
    found["handover"] = list(tx.execute(select(_handover).where(theirs).order_by(_handover.c.id)))
    names = sorted(side.ids)
    found["consent"] = list(tx.execute(select(_consent).where(_consent.c.conversation.in_(names))))
    found["shop_fact"] = list(tx.execute(select(_fact).where(_fact.c.subject.in_([f"c:{name}" for name in names]))))
    return found

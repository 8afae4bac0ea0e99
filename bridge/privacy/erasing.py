"""Forgetting somebody: what the connectors have, the bytes of files, then all tables in one transaction.

In this order, because it can be begun anew by the same id until the last act is done: that one forgets the id. The
connectors are asked once more after it, for what a step on its way wrote meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select

from bridge.contract import ConnectorError, Forgets, Said, Subject, Words
from bridge.engine.context import Runtime
from bridge.privacy.subject import find, subjects_of
from bridge.services.tokens import derive_key
from mappings import compaction, erasure, holdings, traces
from mappings.erasure import Found, SubjectChanged, keyed
from mappings.sql import table
from mappings.store import Store, Tx
from mappings.subjects import Side
from mappings.tables import MessageRef, Outbox
from mappings.traces import Marks

if TYPE_CHECKING:
    from bridge.app import Bridge

_ref, _outbox = table(MessageRef), table(Outbox)
_TRIES = 8
_SETTLE = 20.0  # seconds that are given to what is on its way


class NotErased(Exception):
    """Nothing, or not all, is erased; the sentence says why. It can be begun anew by the same id."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.words = Words(en, zh)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an id means, before anything happens."""

    side: Side
    subjects: Mapping[str, Subject]

    @property
    def tickets(self) -> list[str]:
        """Of the desks, as account number."""
        return [f"{link.desk} {link.ticket}" for link in self.side.links if link.ticket]


@dataclass(slots=True)
class Erased:
    """What went, and what is left for the admin: account and sentence."""

    gone: dict[str, int] = field(default_factory=dict)
    to_do: list[tuple[str, Said]] = field(default_factory=list)


async def plan(bridge: "Bridge", identifier: str) -> Plan:
    """Whom an id means. Raises NoSubject."""
    return await bridge.store.read(_plan, bridge.runtime, identifier)


def _plan(tx: Tx, runtime: Runtime, identifier: str) -> Plan:
    side = find(tx, identifier)
    return Plan(side, subjects_of(tx, side, runtime))


async def erase(bridge: "Bridge", identifier: str, who: str) -> Erased:
    """Erases the side of a person that an id means. Raises NoSubject, NotErased."""
    for _ in range(_TRIES):
        planned = await plan(bridge, identifier)
        try:
            done = await _erase(bridge, planned, who)
        except SubjectChanged:
            continue
        await bridge.store.write(compaction.wish, bridge.clock())
        return done
    raise NotErased(
        "the customer writes without a pause; nothing is erased but what connectors had. Try it again",
        "客户正在连续发送消息，仅删除了接入模块中的记录，请重试",
    )


async def erase_side(bridge: "Bridge", side: Side, who: str) -> Erased:
    """The same for a side that is known, without cleaning the database file at once. Raises NotErased."""
    subjects = await bridge.store.read(subjects_of, side, bridge.runtime)
    try:
        return await _erase(bridge, Plan(side, subjects), who)
    except SubjectChanged:
        raise NotErased("somebody wrote meanwhile", "期间有新消息") from None


async def _erase(bridge: "Bridge", planned: Plan, who: str) -> Erased:
    store, side = bridge.store, planned.side
    await _settled(bridge, side)
    files = await store.read(_named_files, side)
    kept = await records_of(bridge, planned.subjects)
    files |= set(traces.files_in(list(kept.values())))
    done = Erased(to_do=await _forget(bridge, planned.subjects))
    marks, own, last, payloads = await _payloads(store, side)
    key = derive_key(bridge.settings.bridge.secret_key.get_secret_value(), "erased")
    alerts, facts = await store.read(holdings.rows_naming, side.ids)
    media, digests = await _files(store, side, files)
    found = Found(
        payloads=_hashed(payloads, side, key),
        audits=await store.read(holdings.audits_naming, side.ids),
        alerts=alerts, facts=facts, media=media,
    )  # fmt: skip
    await asyncio.to_thread(bridge.files.folder.remove, digests)
    now = bridge.clock()
    done.gone = await store.write(erasure.erase, side, found, key, who, now)
    await _forget(bridge, planned.subjects)
    late = await _scan(store, marks, own, last)
    if late:
        await store.write(erasure.empty_payloads, _hashed(late, side, key))
    return done


async def records_of(bridge: "Bridge", subjects: Mapping[str, Subject]) -> dict[str, Any]:
    """By account: what its connector's records hold."""
    return dict(await _each(bridge, subjects, lambda one, subject: one.records_of(subject)))


async def _forget(bridge: "Bridge", subjects: Mapping[str, Subject]) -> list[tuple[str, Said]]:
    found = await _each(bridge, subjects, lambda one, subject: one.forget(subject))
    return [(account, sentence) for account, sentences in found for sentence in sentences]


async def _each(
    bridge: "Bridge", subjects: Mapping[str, Subject], ask: Callable[[Forgets, Subject], Awaitable[Any]]
) -> list[tuple[str, Any]]:
    answers = []
    for account, subject in subjects.items():
        connected = bridge.runtime.accounts.get(account)
        if connected is None or not isinstance(connected.connector, Forgets):
            continue
        try:
            answers.append((account, await ask(connected.connector, subject)))
        except ConnectorError as error:
            raise NotErased(
                f"accounts.{account}: {error}. Nothing is erased; try it again",
                f"accounts.{account}：{error}。未删除任何内容，请重试",
            ) from None
    return answers


async def _settled(bridge: "Bridge", side: Side) -> None:
    """What is on its way may arrive: what is known of it goes with the rest."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _SETTLE
    while await bridge.store.read(erasure.in_flight, side.link_ids, bridge.clock()) and loop.time() < until:
        await asyncio.sleep(0.25)


def _named_files(tx: Tx, side: Side) -> set[tuple[str, str, str]]:
    return set(traces.files_in(holdings.said(tx, side.link_ids)))


def _marks(tx: Tx, side: Side) -> tuple[Marks, set[int]]:
    links = side.link_ids
    refs = tx.execute(select(_ref.c.account, _ref.c.message_id).where(_ref.c.link_id.in_(links))).all()
    keys = tx.execute(select(_outbox.c.key).where(_outbox.c.link_id.in_(links))).scalars()
    return traces.marks_of(side, list(refs), list(keys)), set(traces.own_payloads(tx, links))


async def payloads_of(store: Store, side: Side) -> list[int]:
    """The payloads about one side."""
    return list((await _payloads(store, side))[3])


async def _payloads(store: Store, side: Side) -> tuple[Marks, set[int], int, dict[int, str]]:
    marks, own = await store.read(_marks, side)
    found: dict[int, str] = {}
    last = await _into(found, store, marks, own, 0)
    return marks, own, last, found


async def _scan(store: Store, marks: Marks, own: set[int], after: int) -> dict[int, str]:
    found: dict[int, str] = {}
    await _into(found, store, marks, own, after)
    return found


async def _into(found: dict[int, str], store: Store, marks: Marks, own: set[int], after: int) -> int:
    """Payloads about them, by id with their key; returns the last id that was looked at."""
    while rows := await store.read(traces.payloads_after, after):
        found |= await asyncio.to_thread(_theirs, rows, marks, own)
        after = rows[-1].id
    return after


def _theirs(rows: Sequence[Row[Any]], marks: Marks, own: set[int]) -> dict[int, str]:
    return {row.id: row.key for row in rows if row.id in own or marks.are_in(row)}


def _hashed(payloads: Mapping[int, str], side: Side, key: bytes) -> dict[int, str]:
    """By payload: its key with a keyed hash in place of each id; "" where it names none."""
    ids = sorted(side.ids, key=len, reverse=True)
    hashed = {}
    for inbox_id, old in payloads.items():
        new = old
        for name in ids:
            new = new.replace(name, keyed(key, name))
        hashed[inbox_id] = new if new != old else ""
    return hashed


async def _files(store: Store, side: Side, files: set[tuple[str, str, str]]) -> tuple[list[int], Sequence[str]]:
    """The rows of files that go, and the hashes whose bytes go: those that nobody else's words name."""
    rows = await store.read(holdings.files_of, files)
    digests = {digest for _, digest, _ in rows if digest} | {digest for _, _, digest in files if digest}
    shared = await _needed(store, digests, side.link_ids) if digests else set()
    media = [row_id for row_id, digest, common in rows if not (common and digest in shared)]
    left = await store.read(holdings.hashes_left, digests, media)
    return media, sorted(digests - shared - left)


async def _needed(store: Store, digests: set[str], link_ids: list[int]) -> set[str]:
    needed: set[str] = set()
    place: tuple[str, Any] | None = ("outbox", 0)
    while place is not None and needed != digests:
        texts, place = await store.read(traces.texts_after, place, link_ids)
        needed |= {digest for digest in digests - needed if any(digest in text for text in texts)}
    return needed

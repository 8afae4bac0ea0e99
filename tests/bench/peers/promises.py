"""The transactions of `relay_promises`: what is read, written and claimed, on the bridge's own tables."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from bridge.contract import Malformed, Raw
from bridge.engine.runtime.ids import new_name

_REPLIES, _LASTS, _WARN_BEFORE = 5, timedelta(hours=48), timedelta(hours=4)
_LEASE, _SEEN_AGAIN = timedelta(seconds=60), timedelta(hours=1)

# routed in the transaction that keeps it, so that its repeats meet the unique index at once
_KEEP = """INSERT INTO inbox (account, key, payload, received_at, state, done_at) VALUES ('shop', ?, ?, ?, 'done', ?)
ON CONFLICT DO NOTHING"""
# one look at the link, at who it is and at what might have waited for the customer, and the allowance at the same time
_SPOKE = """UPDATE link SET touched_at = :now, contact = :contact, warn_at = :warn, allowance = json_set(allowance,
    '$.message', json(:grant), '$.spoke_at', :at, '$.used', 0, '$.unanswered', json('true'))
WHERE channel = 'shop' AND conversation = :who AND state <> 'ended'
RETURNING id, state = 'open'
    AND EXISTS (SELECT 1 FROM identity WHERE account = 'shop' AND external_id = :who AND profile = :contact
                AND seen_at > :seen)
    AND NOT EXISTS (SELECT 1 FROM waiting WHERE link_id = link.id)
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE lane = link.id * 4 + 1 AND state IN ('ready', 'parked')
                    AND state = 'parked')
    AND NOT EXISTS (SELECT 1 FROM notice WHERE link_id = link.id)"""
_PERSON = "INSERT INTO person (created_at) VALUES (?)"
_IDENTITY = "INSERT INTO identity (account, external_id, person_id, profile, seen_at) VALUES ('shop', ?, ?, ?, ?)"
_LINK = """INSERT INTO link (channel, conversation, desk, person_id, state, previous, generation, peer, url, contact,
    created_at, touched_at) VALUES ('shop', ?, 'support', ?, 'open', '', 1, '', '', ?, ?, ?)"""
_STEP = """INSERT INTO outbox (key, lane, link_id, account, step, messages, batch, due_at, created_at)
VALUES (?, ?, ?, 'support', ?, ?, ?, ?, ?)"""
_SAID = (
    "INSERT INTO message_ref (account, message_id, link_id, inbox_id, carrier_id, at) VALUES ('shop', ?, ?, ?, ?, ?)"
)
# claimed and marked at once: a turn is free for each
_CLAIM = """UPDATE outbox SET claims = claims + 1, lease = :lease, lease_until = :until, attempts = attempts + 1,
    begun_at = :now, tried_at = coalesce(tried_at, :now)
WHERE id IN (SELECT id FROM outbox AS head WHERE state = 'ready' AND account = 'support' AND due_at <= :now
    AND (lease_until IS NULL OR lease_until < :now) AND begun_at IS NULL AND unknown = 0
    AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.lane = head.lane AND earlier.id < head.id
                    AND earlier.state IN ('ready', 'parked'))
    AND NOT EXISTS (SELECT 1 FROM pause WHERE account = 'support' AND (until IS NULL OR until > :now))
    ORDER BY due_at, id LIMIT :room)
RETURNING id, lease, link_id, key, step, attempts, begun_at,
    (SELECT ticket FROM link WHERE id = link_id), (SELECT conversation FROM link WHERE id = link_id)"""
# with a look at whether the link still says what the answer says
_SETTLE = """UPDATE outbox SET state = 'done', lease = '', lease_until = NULL, begun_at = NULL, claims = 0, tries = 0,
    unknown = 0, code = '', error = '', receipt = ?, done_at = ? WHERE id = ? AND lease = ?
RETURNING (SELECT state <> 'solved' AND ticket IS ? AND url = ? FROM link WHERE id = link_id)"""
_PLACE = """UPDATE link SET ticket = ?, url = ?, peer = coalesce(?, peer), state = 'open', solved_at = NULL
WHERE id = ?"""
_JOURNAL = "INSERT INTO attempt (outbox_id, number, begun_at, ended_at, outcome) VALUES (?, ?, ?, ?, 'accepted')"
_MADE = "INSERT INTO message_ref (account, message_id, link_id, outbox_id, at) VALUES ('support', ?, ?, ?, ?)"

_OPENID = re.compile(r"[A-Za-z0-9_-]{6,64}", re.ASCII)
_quote = json.JSONEncoder(ensure_ascii=False).encode


class Said(NamedTuple):
    """A customer's text as it is stored."""

    raw: Raw
    arrived: str
    who: str
    id: str
    contact: str
    text: str
    message: str


class Step(NamedTuple):
    """A claimed step, and where it goes."""

    id: int
    lease: str
    link: int
    key: str
    step: str
    attempts: int
    begun_at: str
    ticket: str | None
    conversation: str


class Receipt(NamedTuple):
    """What the desk answered."""

    id: str
    ticket: str
    url: str
    peer: str | None


class Moments:
    """A transaction's moment and what is counted from it, as the tables write them."""

    def __init__(self, now: datetime) -> None:
        self.now = written(now)
        self.seen = written(now - _SEEN_AGAIN)
        self.leased = written(now + _LEASE)
        self.warn = written(now + _LASTS - _WARN_BEFORE)
        self.spoke = f"{self.now[:10]}T{self.now[11:]}Z"
        until = written(now + _LASTS)
        self.grant = f'{{"left":{_REPLIES},"until":"{until[:10]}T{until[11:]}Z"}}'


Change = Callable[..., None]
"""Called with the connection, the transaction's moments and what is to be written."""


def written(moment: datetime) -> str:
    return moment.isoformat(" ", "microseconds")[:26]


def read(raw: Raw, now: datetime) -> Said:
    """From the platform's JSON to what is stored of it."""
    fields = json.loads(raw.payload)
    who = fields["FromUserName"]
    if _OPENID.fullmatch(who) is None:
        raise Malformed("FromUserName is no OpenID")
    message_id, text = f"{who}:{int(fields['MsgId'])}", _quote(fields["Content"])
    sent = datetime.fromtimestamp(int(fields["CreateTime"]), UTC).isoformat()
    message = (
        f'[{{"id":"{message_id}","conversation":"{who}","author":{{"kind":"customer","id":"{who}"}},'
        f'"parts":[{{"kind":"text","body":{text}}}],"sent_at":"{sent}"}}]'
    )
    contact = f'{{"id":"{who}","extra":{{"openid":"{who}"}}}}'
    return Said(raw, written(now), who, message_id, contact, text, message)


def keep(base: sqlite3.Connection, at: Moments, said: Said) -> None:
    """Kept and routed: payload, link with its allowance, step, message. A repeat leaves nothing."""
    kept = base.execute(_KEEP, (said.raw.key, said.raw.payload, said.arrived, at.now))
    if not kept.rowcount:
        return
    given = {"now": at.now, "contact": said.contact, "warn": at.warn, "grant": at.grant, "at": at.spoke,
             "who": said.who, "seen": at.seen}  # fmt: skip
    found = base.execute(_SPOKE, given).fetchone()
    verb, subject = ("correspond", "") if found else ("create", f',"subject":{said.text}')
    if found is None:
        link = begin(base, at, said)
        base.execute(_SPOKE, given).fetchone()
    else:
        link, plain = found
        if not plain:
            raise NotImplementedError(f"link {link} needs more than this loop does")
    step = f'{{"verb":"{verb}","body":{{"text":{said.text}{subject}}},"covers":["{said.id}"]}}'
    made = base.execute(_STEP, (new_name(), link * 4, link, step, said.message, new_name(), at.now, at.now))
    base.execute(_SAID, (said.id, link, kept.lastrowid, made.lastrowid, at.now))


def begin(base: sqlite3.Connection, at: Moments, said: Said) -> int:
    """Somebody new: a person, how the account knows them, and a link without a ticket."""
    person = base.execute(_PERSON, (at.now,)).lastrowid
    base.execute(_IDENTITY, (said.who, person, said.contact, at.now))
    link = base.execute(_LINK, (said.who, person, said.contact, at.now, at.now)).lastrowid
    assert link is not None
    return link


def settle(base: sqlite3.Connection, at: Moments, step: Step, got: Receipt) -> None:
    """Accepted: receipt, journal, the id by which the echo is known, and the link where it changed."""
    receipt = f'{{"ids":["{got.id}"],"conversation":"{got.ticket}","url":"{got.url}"}}'
    found = base.execute(_SETTLE, (receipt, at.now, step.id, step.lease, got.ticket, got.url)).fetchone()
    if found is None:
        return  # the lease is lost: somebody else writes what became of it
    if not found[0]:
        base.execute(_PLACE, (got.ticket, got.url, got.peer, step.link))
    base.execute(_JOURNAL, (step.id, step.attempts, step.begun_at, at.now))
    base.execute(_MADE, (got.id, step.link, step.id, at.now))


def change(base: sqlite3.Connection, changes: Iterable[tuple[Change, Sequence[Any]]], room: int) -> list[Step]:
    """One transaction: what was handed in, and a claim of what may go now that it is so, for as many as have a turn."""
    at = Moments(datetime.now(UTC))
    base.execute("BEGIN IMMEDIATE")
    for make, values in changes:
        make(base, at, *values)
    given = {"lease": new_name(), "until": at.leased, "now": at.now, "room": room}
    steps = [Step(*row) for row in base.execute(_CLAIM, given)] if room else []
    base.execute("COMMIT")
    return steps

"""Whom an id means, and what each account has to do with them."""

import json
from typing import Any

from sqlalchemy import select

from bridge.contract import Contact, Subject
from bridge.engine.context import Runtime
from bridge.engine.conversation.bot_words import made_up
from mappings import subjects
from mappings.sql import table
from mappings.store import Tx
from mappings.subjects import Side
from mappings.tables import Outbox

_outbox = table(Outbox)


class NoSubject(Exception):
    """An id means nobody, or several; the sentence says what to do."""


def find(tx: Tx, identifier: str) -> Side:
    """The one side of a person that an id means. Raises NoSubject."""
    found = subjects.sides_named(tx, identifier)
    if len(found) == 1:
        return found[0]
    if not found and subjects.was_erased(tx, identifier):
        raise NoSubject(f"the customer of {identifier!r} was erased; nothing is left but the number of the ticket")
    if not found:
        raise NoSubject(f"nobody is known by {identifier!r}; `bridge trace` shows what an id leads to")
    several = "; ".join(", ".join(side.named) or f"link {side.link_ids[0]}" for side in found)
    raise NoSubject(f"{identifier!r} means several people: {several}. Name one, as account:id")


def subjects_of(tx: Tx, side: Side, runtime: Runtime) -> dict[str, Subject]:
    """By account: what it met this person as. A bot knows made-up ids only."""
    contacts = {link.id: _contact(link.contact, link.conversation) for link in side.links}
    known: dict[str, list[Contact]] = {one.account: [] for one in side.identities}
    for one in side.identities:
        known[one.account].append(_contact(one.profile, one.external_id))
    keys: dict[str, list[str]] = {}
    for row in tx.execute(select(_outbox.c.account, _outbox.c.key).where(_outbox.c.link_id.in_(side.link_ids))):
        keys.setdefault(row.account, []).append(row.key)
    met = {*known, *(link.channel for link in side.links), *(link.desk for link in side.links)}
    bots = keys.keys() - met
    asked = [Contact(id=made_up(runtime, f"{link.channel}:{link.conversation}")) for link in side.links]
    accounts = {*met, *keys}
    return {
        account: Subject(
            contacts=_different([
                *known.get(account, ()),
                *(contacts[link.id] for link in side.links if account in {link.channel, link.desk}),
                *(asked if account in bots else ()),
            ]),
            conversations=tuple(dict.fromkeys(link.conversation for link in side.links if link.channel == account)),
            tickets=tuple(dict.fromkeys(link.ticket for link in side.links if link.desk == account and link.ticket)),
            peers=tuple(dict.fromkeys(link.peer for link in side.links if link.desk == account and link.peer)),
            keys=tuple(keys.get(account, ())),
        )
        for account in sorted(accounts)
    }  # fmt: skip


def _contact(text: str, identifier: str) -> Contact:
    found: dict[str, Any] = json.loads(text or "{}")
    return Contact.model_validate({"id": identifier, **found})


def _different(contacts: list[Contact]) -> tuple[Contact, ...]:
    """One of each id: the one that says most."""
    best: dict[str, Contact] = {}
    for one in contacts:
        known = best.get(one.id)
        if known is None or len(one.model_dump_json()) > len(known.model_dump_json()):
            best[one.id] = one
    return tuple(best.values())

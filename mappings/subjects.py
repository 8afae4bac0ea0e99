"""Whom an id means: one side of a person, with the identities, conversations and words by which it can be found.

Two people who were joined stay two sides: what a merge moved (`PersonMerge.moved`) is one of them, whatever else the
person has is another. Forgetting one leaves the others whole.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, or_, select

from mappings.links import LinkRow, find_refs
from mappings.sql import table
from mappings.store import Tx
from mappings.tables import Identity, Link, Outbox, PersonMerge

_link, _identity, _joining, _outbox = table(Link), table(Identity), table(PersonMerge), table(Outbox)

ERASED = "erased:"  # how the conversation of a link begins whose customer was erased
_SHORTEST_NAME = 2  # characters: a name of one letter stands in everybody's words


def is_erased(link: LinkRow) -> bool:
    """Whether the customer of a link was erased: it only says that the ticket was theirs."""
    return bool(link.conversation.startswith(ERASED))


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a person. `others` names the identities of the other sides, as account:id."""

    person_id: int
    identities: tuple[Row[Any], ...]
    links: tuple[LinkRow, ...]
    others: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The identities, as account:id."""
        return tuple(f"{one.account}:{one.external_id}" for one in self.identities)

    @property
    def link_ids(self) -> list[int]:
        """Oldest first."""
        return [link.id for link in self.links]

    @property
    def ids(self) -> frozenset[str]:
        """By which the customer is known for certain: external ids, conversations, proven numbers."""
        found = {name for one in self.identities for name in (one.external_id, one.customer_id, one.shared_id)}
        found |= {link.conversation for link in self.links} | {_contact(link).get("id", "") for link in self.links}
        return frozenset(found - {""})

    @property
    def names(self) -> frozenset[str]:
        """What they are called, and how else they can be reached."""
        profiles = [json.loads(one.profile) for one in self.identities] + [_contact(link) for link in self.links]
        found = {str(profile.get(key) or "") for profile in profiles for key in ("name", "email", "phone")}
        return frozenset(name for name in found if len(name) >= _SHORTEST_NAME)


def sides_named(tx: Tx, identifier: str) -> list[Side]:
    """The sides that an id leads to: an id of either side's message, a ticket, a conversation, a step, an identity.
    More than one where accounts use the same id: `account:id` says which is meant. Erased ones are left out.
    """
    account, _, rest = identifier.partition(":")
    found = _sides(tx, identifier, "")
    return found or (_sides(tx, rest, account) if rest else [])


def side_of_person(tx: Tx, person_id: int) -> list[Side]:
    """All sides of a person."""
    return [side for side in _parts(tx, person_id).values() if side.identities or side.links]


def was_erased(tx: Tx, identifier: str) -> bool:
    """Whether an id leads to a customer who was erased before."""
    return any(is_erased(link) for link in _links_named(tx, identifier, ""))


def _sides(tx: Tx, identifier: str, account: str) -> list[Side]:
    links = [link for link in _links_named(tx, identifier, account) if not is_erased(link)]
    known = select(_identity).where(_identity.c.external_id == identifier)
    identities = list(tx.execute(known.where(_identity.c.account == account) if account else known))
    people = dict.fromkeys([link.person_id for link in links] + [one.person_id for one in identities])
    wanted_links, wanted = {link.id for link in links}, {one.id for one in identities}
    return [
        side
        for person_id in people
        for side in _parts(tx, person_id).values()
        if wanted_links.intersection(side.link_ids) or wanted.intersection(one.id for one in side.identities)
    ]


def _links_named(tx: Tx, identifier: str, account: str) -> list[LinkRow]:
    """Links by ticket, conversation, link's step, message id."""
    stepped = select(_outbox.c.link_id).where(
        _outbox.c.id == int(identifier[1:])
        if identifier[:1] == "s" and identifier[1:].isascii() and identifier[1:].isdigit() and len(identifier) < 19
        else _outbox.c.key == identifier
    )
    by_message = [ref.link_id for ref in find_refs(tx, identifier) if not account or ref.account == account]
    on_desk, in_chat = _link.c.ticket == identifier, _link.c.conversation == identifier
    if account:
        on_desk, in_chat = on_desk & (_link.c.desk == account), in_chat & (_link.c.channel == account)
    wanted = [on_desk, in_chat, _link.c.id.in_(by_message)] + ([] if account else [_link.c.id.in_(stepped)])
    return list(tx.execute(select(_link).where(or_(*wanted)).order_by(_link.c.id)))


def _parts(tx: Tx, person_id: int) -> dict[int, Side]:
    """A person's sides, by the first merge that moved them here; 0 for what was always theirs."""
    identities = list(tx.execute(select(_identity).where(_identity.c.person_id == person_id).order_by(_identity.c.id)))
    links = list(tx.execute(select(_link).where(_link.c.person_id == person_id).order_by(_link.c.id)))
    moved_identities, moved_links = _moved(tx)
    at: dict[tuple[str, str], int] = {}
    identities_of: dict[int, list[Row[Any]]] = {}
    for one in identities:
        part = moved_identities.get(one.id, 0)
        at[one.account, one.external_id] = part
        identities_of.setdefault(part, []).append(one)
    links_of: dict[int, list[LinkRow]] = {}
    for link in links:
        if not is_erased(link):  # one made after the merge belongs to whom its contact belongs to
            part = at.get((link.channel, _contact(link).get("id", "")), moved_links.get(link.id, 0))
            links_of.setdefault(part, []).append(link)
    return {
        part: Side(
            person_id,
            tuple(identities_of.get(part, ())),
            tuple(links_of.get(part, ())),
            tuple(_others(identities, identities_of.get(part, ()))),
        )
        for part in dict.fromkeys([*identities_of, *links_of])
    }


def _others(everyone: Iterable[Row[Any]], these: Iterable[Row[Any]]) -> list[str]:
    mine = {one.id for one in these}
    return [f"{one.account}:{one.external_id}" for one in everyone if one.id not in mine]


def _moved(tx: Tx) -> tuple[dict[int, int], dict[int, int]]:
    """By identity and by link: the first merge that moved it and still holds."""
    identities: dict[int, int] = {}
    links: dict[int, int] = {}
    held = select(_joining.c.id, _joining.c.moved).where(_joining.c.state == "joined").order_by(_joining.c.id)
    for row in tx.execute(held):
        moved = json.loads(row.moved)
        for one in moved["identities"]:
            identities.setdefault(one, row.id)
        for one in moved["links"]:
            links.setdefault(one, row.id)
    return identities, links


def _contact(link: LinkRow) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(link.contact or "{}")
    return found

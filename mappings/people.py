"""People and their identities: who an external id is, and joining two people into one so that it can be undone."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, insert, or_, select, update

from mappings.deferred import notes
from mappings.locks import lock_links
from mappings.prepared import Prepared
from mappings.sets import Updates
from mappings.sql import among, columns, insert_new, table
from mappings.store import Tx
from mappings.tables import Identity, Link, Person, PersonMerge

_person, _identity, _joining, _link = table(Person), table(Identity), table(PersonMerge), table(Link)
_SEEN_AGAIN = timedelta(hours=1)  # "seen at" is no diary: writing it at every message would cost a statement each
_KNOWN = Prepared(
    select(*columns(_identity, "id", "person_id", "profile", "customer_id", "shared_id", "seen_at")).where(
        _identity.c.account == bindparam("account"), _identity.c.external_id == bindparam("external_id")
    )
)
_THESE = Prepared(
    select(
        *columns(_identity, "id", "person_id", "profile", "customer_id", "shared_id", "seen_at", "external_id")
    ).where(_identity.c.account == bindparam("account"), among(_identity.c.external_id, "external_ids"))
)
_CHANGE = Updates(_identity)
_EXPECTED = "people"  # in a transaction's notes: who was looked for
_ADD_PERSON = Prepared(insert(_person).returning(_person.c.id))
_ADD_IDENTITY = Prepared(insert_new(_identity))


@dataclass(frozen=True, slots=True)
class Known:
    """One identity. `new` says that it was made just now."""

    identity_id: int
    person_id: int
    profile: str
    new: bool = False


def expect(tx: Tx, account: str, external_ids: Collection[str]) -> None:
    """Looks many up at once: they will speak in this transaction."""
    found: dict[tuple[str, str], Any] = {(account, one): None for one in external_ids}
    if found:
        rows = _THESE.all(tx, account=account, external_ids=external_ids)
        notes(tx).setdefault(_EXPECTED, {}).update(found | {(account, row.external_id): row for row in rows})


def _identity_of(tx: Tx, account: str, external_id: str) -> Any:
    expected = notes(tx).get(_EXPECTED, {})
    if (account, external_id) in expected:
        return expected[account, external_id]
    return _KNOWN.first(tx, account=account, external_id=external_id)


def latest_people(tx: Tx, *, before: int | None = None, limit: int = 50) -> tuple[list[int], int | None]:
    """People by when they came, the newest first, and the identity to go on before; None when there is nobody more."""
    rows = select(_identity.c.id, _identity.c.person_id).order_by(_identity.c.id.desc()).limit(limit)
    found = tx.execute(rows if before is None else rows.where(_identity.c.id < before)).all()
    return list(dict.fromkeys(row.person_id for row in found)), found[-1].id if len(found) == limit else None


def identities_of(tx: Tx, people: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """By person: how the accounts know them."""
    found: dict[int, list[Row[Any]]] = {one: [] for one in people}
    rows = select(_identity).where(_identity.c.person_id.in_(people)).order_by(_identity.c.id)
    for row in tx.execute(rows):
        found[row.person_id].append(row)
    return {one: rows for one, rows in found.items() if rows}


def know(  # noqa: PLR0913 - the columns of a row, by name
    tx: Tx, account: str, external_id: str, profile: str, customer_id: str, now: datetime, *, shared_id: str = ""
) -> Known:
    """The identity of an external id, made with a person of its own when it is new.

    `profile` replaces the stored one unless it is empty. `customer_id` is the host application's own id of the
    customer, only when it was proven (signed), `shared_id` the one by which a platform knows them in all accounts of
    one owner: they are what a suggestion to join two people rests on.
    """
    row = _identity_of(tx, account, external_id)
    if row is not None:
        changed: dict[str, Any] = {"seen_at": now} if now - row.seen_at > _SEEN_AGAIN else {}
        if profile and profile != row.profile:
            changed["profile"] = profile
        if customer_id and customer_id != row.customer_id:
            changed["customer_id"] = customer_id
        if shared_id and shared_id != row.shared_id:
            changed["shared_id"] = shared_id
        if changed:
            _CHANGE.later(tx, id=row.id, **changed)
        return Known(row.id, row.person_id, profile or row.profile)
    notes(tx).get(_EXPECTED, {}).pop((account, external_id), None)
    person = _ADD_PERSON.made(tx, created_at=now)
    assert person is not None
    person_id = int(person.id)
    made = _ADD_IDENTITY.made(
        tx, account=account, external_id=external_id, person_id=person_id, profile=profile or "{}",
        customer_id=customer_id, shared_id=shared_id, seen_at=now,
    )  # fmt: skip
    if made is None:  # another process was faster
        return know(tx, account, external_id, profile, customer_id, now, shared_id=shared_id)
    return Known(made.id, person_id, profile or "{}", new=True)


def suggest(tx: Tx, person_id: int, customer_id: str, now: datetime, *, shared_id: str = "") -> int | None:
    """Suggests joining this person with another of the same proven customer id or of the same id at a platform.
    Returns the suggestion, once.
    """
    made = _suggest(tx, person_id, "customer_id", customer_id, now) if customer_id else None
    if made is None and shared_id:
        made = _suggest(tx, person_id, "shared_id", shared_id, now)
    return made


def _suggest(tx: Tx, person_id: int, name: str, value: str, now: datetime) -> int | None:
    other = tx.execute(
        select(_identity.c.person_id)
        .where(_identity.c[name] == value, _identity.c.person_id != person_id)
        .order_by(_identity.c.id)
        .limit(1)
    ).scalar()
    if other is None:
        return None
    known = tx.execute(
        select(_joining.c.id).where(
            or_(
                (_joining.c.kept_id == other) & (_joining.c.joined_id == person_id),
                (_joining.c.kept_id == person_id) & (_joining.c.joined_id == other),
            )
        )
    ).scalar()
    if known is not None:
        return None
    proof = f"{name.replace('_', ' ')} {value}"
    return int(
        tx.execute(
            insert(_joining)
            .values(kept_id=other, joined_id=person_id, proof=proof, at=now, state="suggested")
            .returning(_joining.c.id)
        ).scalar_one()
    )


def join(tx: Tx, kept_id: int, joined_id: int, by: str, proof: str, now: datetime) -> int:
    """Makes two people one. Identities and links move; tickets and conversations stay as they are."""
    moved = list(tx.execute(select(_identity.c.id).where(_identity.c.person_id == joined_id)).scalars())
    links = list(tx.execute(select(_link.c.id).where(_link.c.person_id == joined_id)).scalars())
    lock_links(tx, links)
    tx.execute(update(_identity).where(_identity.c.id.in_(moved)).values(person_id=kept_id))
    tx.execute(update(_link).where(_link.c.id.in_(links)).values(person_id=kept_id))
    tx.execute(update(_person).where(_person.c.id == joined_id).values(joined_into=kept_id))
    record = json.dumps({"identities": moved, "links": links})
    known = tx.execute(
        select(_joining.c.id).where(
            _joining.c.kept_id == kept_id, _joining.c.joined_id == joined_id, _joining.c.state == "suggested"
        )
    ).scalar()
    values = {"kept_id": kept_id, "joined_id": joined_id, "moved": record, "by": by, "at": now, "state": "joined"}
    if known is not None:
        tx.execute(update(_joining).where(_joining.c.id == known).values(values))
        return int(known)
    return int(tx.execute(insert(_joining).values(proof=proof, **values).returning(_joining.c.id)).scalar_one())


def undo_join(tx: Tx, joining_id: int, by: str, now: datetime) -> bool:
    """Takes one merge back: exactly what moved moves back. False when there is nothing to undo."""
    row = tx.execute(select(_joining).where(_joining.c.id == joining_id, _joining.c.state == "joined")).first()
    if row is None:
        return False
    moved = json.loads(row.moved)
    lock_links(tx, moved["links"])
    tx.execute(
        update(_identity)
        .where(_identity.c.id.in_(moved["identities"]), _identity.c.person_id == row.kept_id)
        .values(person_id=row.joined_id)
    )
    tx.execute(
        update(_link)
        .where(_link.c.id.in_(moved["links"]), _link.c.person_id == row.kept_id)
        .values(person_id=row.joined_id)
    )
    tx.execute(update(_person).where(_person.c.id == row.joined_id).values(joined_into=None))
    tx.execute(update(_joining).where(_joining.c.id == joining_id).values(state="undone", by=by, at=now))
    return True


def suggestions(tx: Tx) -> list[Any]:
    """Open suggestions, newest first."""
    return list(tx.execute(select(_joining).where(_joining.c.state == "suggested").order_by(_joining.c.id.desc())))


def merges(tx: Tx, limit: int = 200) -> list[Any]:
    """Suggestions and what is joined, the newest first."""
    statement = select(_joining).where(_joining.c.state.in_(("suggested", "joined")))
    return list(tx.execute(statement.order_by(_joining.c.id.desc()).limit(limit)))


def identities(tx: Tx, person_id: int) -> list[Any]:
    """How the accounts know a person."""
    return list(tx.execute(select(_identity).where(_identity.c.person_id == person_id).order_by(_identity.c.id)))

"""People who have long been quiet: what retention takes as a whole."""

from datetime import datetime

from sqlalchemy import exists, select

from mappings.sql import table
from mappings.states import UNFINISHED
from mappings.store import Tx
from mappings.tables import Identity, Link, MessageRef, Outbox, Person, Waiting

_person, _identity, _link = table(Person), table(Identity), table(Link)
_ref, _waiting, _outbox = table(MessageRef), table(Waiting), table(Outbox)


def quiet_people(tx: Tx, before: datetime, limit: int = 50) -> list[int]:
    """Those who are known by an identity, of whom and to whom nothing was said since, and nothing is to be said."""
    theirs = _link.c.person_id == _person.c.id
    quiet = (
        exists().where(_identity.c.person_id == _person.c.id),
        ~exists().where(_identity.c.person_id == _person.c.id, _identity.c.seen_at >= before),
        ~exists().where(theirs, _link.c.touched_at >= before),
        ~exists().where(_ref.c.link_id == _link.c.id, theirs, _ref.c.at >= before),
        ~exists().where(_waiting.c.link_id == _link.c.id, theirs),
        ~exists().where(_outbox.c.link_id == _link.c.id, theirs, _outbox.c.state.in_(UNFINISHED)),
    )
    statement = select(_person.c.id).where(_person.c.created_at < before, *quiet).order_by(_person.c.id)
    return list(tx.execute(statement.limit(limit)).scalars())

"""What the shop's own systems told of customers, and the messages that they asked for."""

from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, delete, insert, select, update

from mappings.shop_tables import ShopFact, ShopMessage
from mappings.sql import insert_for, table
from mappings.states import ShopMessageColumns
from mappings.store import Tx
from mappings.tables import Identity, Link, MessageRef, Outbox, Waiting

_fact, _message = table(ShopFact), table(ShopMessage)
_link, _identity, _ref, _outbox, _waiting = (
    table(Link), table(Identity), table(MessageRef), table(Outbox), table(Waiting)
)  # fmt: skip


def put_fact(tx: Tx, account: str, subject: str, value: str, until: datetime, now: datetime) -> None:
    """Keeps what was told, in place of what was told before."""
    values = {"value": value, "until": until, "at": now}
    tx.execute(
        insert_for(tx, _fact)
        .values(account=account, subject=subject, **values)
        .on_conflict_do_update(index_elements=["account", "subject"], set_=values)
    )


def get_fact(tx: Tx, account: str, subject: str, now: datetime) -> Row[Any] | None:
    """What was told and has not ended."""
    return tx.execute(
        select(_fact).where(_fact.c.account == account, _fact.c.subject == subject, _fact.c.until > now)
    ).first()


def forget_facts(tx: Tx, now: datetime) -> int:
    """What has ended goes."""
    return tx.execute(delete(_fact).where(_fact.c.until <= now)).rowcount


def add_message(tx: Tx, **values: Unpack[ShopMessageColumns]) -> None:
    """A message that was asked for."""
    tx.execute(insert(_message).values(**values))


def message_given(tx: Tx, account: str, given: str) -> Row[Any] | None:
    """The message of the shop's own id."""
    return tx.execute(select(_message).where(_message.c.account == account, _message.c.given == given)).first()


def get_message(tx: Tx, identifier: str) -> Row[Any] | None:
    """A message by its address."""
    return tx.execute(select(_message).where(_message.c.id == identifier)).first()


def end_message(tx: Tx, message_id: str, outcome: str) -> None:
    """It ended before it became a step."""
    tx.execute(update(_message).where(_message.c.message_id == message_id).values(outcome=outcome))


def forget_messages(tx: Tx, before: datetime) -> int:
    """Those of before a moment go."""
    return tx.execute(delete(_message).where(_message.c.at < before)).rowcount


def where_is(tx: Tx, row: Row[Any]) -> tuple[str, str]:
    """(state, why) of a message: of its step, else of where it waits."""
    step_id = row.step_id
    if step_id is None:
        here = _ref.c.link_id == row.link_id, _ref.c.message_id == row.message_id
        step_id = tx.execute(select(_ref.c.carrier_id).where(*here)).scalar()
    if step_id is not None:
        step = tx.execute(select(_outbox.c.state, _outbox.c.code).where(_outbox.c.id == step_id)).first()
        return (step.state, step.code) if step is not None else ("forgotten", "")
    held = tx.execute(select(_waiting.c.held).where(_waiting.c.message_id == row.message_id)).first()
    if held is not None:
        return ("held", held.held) if held.held else ("waiting", "")
    return "dropped", ""


def link_of_customer(tx: Tx, account: str, customer_id: str) -> Row[Any] | None:
    """The newest conversation on an account of the person who proved a customer id."""
    people = select(_identity.c.person_id).where(_identity.c.customer_id == customer_id)
    return tx.execute(
        select(_link)
        .where(_link.c.channel == account, _link.c.person_id.in_(people), _link.c.state != "ended")
        .order_by(_link.c.id.desc())
        .limit(1)
    ).first()

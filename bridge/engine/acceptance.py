"""A step was accepted: what both sides know from then on, what the allowance has left, and what agents should hear."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from bridge.contract import Audience, AuthorKind, Receipt, State, Step
from bridge.engine import ledger
from bridge.engine.labels import look_at, refresh
from bridge.engine.ledger import Ledger
from bridge.engine.letters import carried_by, show_progress, shows_progress, tell
from bridge.engine.world import Touched, World
from mappings import links, outbox, waiting
from mappings.links import LinkRow
from mappings.store import Tx


def accept(tx: Tx, world: World, row: Row[Any], receipt: Receipt, now: datetime, *, found: bool = False) -> Touched:
    """The vendor has it."""
    touched = Touched()
    link = links.get_link(tx, row.link_id, lock=True)
    detail = receipt.detail
    if row.lane == links.lane_to_channel(link.id) and world.capabilities(link.channel).window is not None:
        detail = f"{detail} (before it: {Ledger.model_validate_json(link.ledger).summary(now)})".strip()
    settled = outbox.settle(
        tx, row.id, row.lease, now, outcome="found" if found else "accepted", detail=detail, state="done",
        receipt=receipt.model_dump_json(exclude_defaults=True), tries=0, unknown=False, code="", error="",
    )  # fmt: skip
    if not settled:
        touched.note("lease lost", account=row.account, step=row.id)
        return touched
    for identifier in receipt.ids:
        links.add_pair(tx, row.account, identifier, link.id, now, outbox_id=row.id)
    if row.lane == links.lane_to_desk(link.id):
        _desk_has_it(tx, world, link, row, receipt, touched, now)
    elif row.lane == links.lane_to_channel(link.id):
        _customer_has_it(tx, world, link, row, touched, now)
    elif row.lane == links.lane_of_invitations(link.id):
        tell(tx, world, link, "invited", touched=touched, now=now)
    to_desk = row.lane != links.lane_to_desk(link.id)
    if shows_progress(world, link, to_desk=to_desk):  # else nobody needs to know what the step carries
        ids = [one.id for one in carried_by(row) if one.author.kind is not AuthorKind.BRIDGE]  # no marks of marks
        show_progress(tx, world, link, ids, State.ACCEPTED, to_desk=to_desk, touched=touched, now=now)
    if waiting.goes_on(tx, row.lane):
        touched.accounts.add(row.account)
    return touched


def _desk_has_it(
    tx: Tx, world: World, link: LinkRow, row: Row[Any], receipt: Receipt, touched: Touched, now: datetime
) -> None:
    changes: dict[str, Any] = {}
    if receipt.conversation and receipt.conversation != link.ticket:
        changes["ticket"] = receipt.conversation
    if receipt.peer and receipt.peer != link.peer:
        changes["peer"] = receipt.peer
    if receipt.url and receipt.url != link.url:
        changes["url"] = receipt.url
    if link.state == "solved" and any(message.audience is Audience.CUSTOMER for message in carried_by(row)):
        changes |= {"state": "open", "solved_at": None}
    if changes:
        links.change_link(tx, link.id, **changes)
    if "ticket" in changes:
        refresh(tx, world, link, touched, now)


def _customer_has_it(tx: Tx, world: World, link: LinkRow, row: Row[Any], touched: Touched, now: datetime) -> None:
    """The allowance shrinks; at the last reply the agents are told."""
    if links.forget_notices(tx, link.id, "late."):
        touched.note("answers go again", link=link.id)
    if world.capabilities(link.channel).window is None:
        return
    cost = Step.model_validate_json(row.step).cost
    answer = any(message.author.kind is AuthorKind.AGENT for message in carried_by(row))
    book = ledger.spent(Ledger.model_validate_json(link.ledger), cost, answered_at=now if answer else None)
    links.change_link(tx, link.id, ledger=book.model_dump_json(), warn_at=look_at(world, book, now))
    refresh(tx, world, link, touched, now)
    until = book.until(now)
    if answer and book.room(now) == 1 and until is not None:
        tell(tx, world, link, "warn.last", touched=touched, now=now, cause="warn.last", until=f"{until:%Y-%m-%d %H:%M}")

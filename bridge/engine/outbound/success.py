"""A step was accepted: what both sides know from then on, what the allowance has left, and what agents should hear."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from bridge.contract import Audience, AuthorKind, DeliveryState, Receipt, Step
from bridge.engine.context import Effects, Runtime
from bridge.engine.conversation import allowance
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.labels import look_at, refresh
from bridge.engine.conversation.queueing import carried_by, show_progress, shows_progress, tell
from mappings import links, outbox, waiting
from mappings.links import LinkRow
from mappings.store import Tx


def accept(tx: Tx, runtime: Runtime, row: Row[Any], receipt: Receipt, now: datetime, *, found: bool = False) -> Effects:
    """The vendor has it."""
    effects = Effects()
    link = links.get_link(tx, row.link_id, lock=True)
    detail = receipt.detail
    if row.lane == links.lane_to_channel(link.id) and runtime.capabilities(link.channel).window is not None:
        detail = f"{detail} (before it: {Allowance.model_validate_json(link.ledger).summary(now)})".strip()
    settled = outbox.settle(
        tx, row.id, row.lease, now, outcome="found" if found else "accepted", detail=detail, state="done",
        receipt=receipt.model_dump_json(exclude_defaults=True), tries=0, unknown=False, code="", error="",
    )  # fmt: skip
    if not settled:
        effects.note("lease lost", account=row.account, step=row.id)
        return effects
    for identifier in receipt.ids:
        links.add_pair(tx, row.account, identifier, link.id, now, outbox_id=row.id)
    if row.lane == links.lane_to_desk(link.id):
        _desk_has_it(tx, runtime, link, row, receipt, effects, now)
    elif row.lane == links.lane_to_channel(link.id):
        _customer_has_it(tx, runtime, link, row, effects, now)
    elif row.lane == links.lane_of_invitations(link.id):
        tell(tx, runtime, link, "invited", effects=effects, now=now)
    to_desk = row.lane != links.lane_to_desk(link.id)
    if shows_progress(runtime, link, to_desk=to_desk):  # else nobody needs to know what the step carries
        ids = [one.id for one in carried_by(row) if one.author.kind is not AuthorKind.BRIDGE]  # no marks of marks
        show_progress(tx, runtime, link, ids, DeliveryState.ACCEPTED, to_desk=to_desk, effects=effects, now=now)
    if waiting.has_more(tx, row.lane):
        effects.accounts.add(row.account)
    return effects


def _desk_has_it(
    tx: Tx, runtime: Runtime, link: LinkRow, row: Row[Any], receipt: Receipt, effects: Effects, now: datetime
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
        refresh(tx, runtime, link, effects, now)


def _customer_has_it(tx: Tx, runtime: Runtime, link: LinkRow, row: Row[Any], effects: Effects, now: datetime) -> None:
    """The allowance shrinks; at the last reply the agents are told."""
    if links.forget_notices(tx, link.id, "late."):
        effects.note("answers go again", link=link.id)
    if runtime.capabilities(link.channel).window is None:
        return
    cost = Step.model_validate_json(row.step).cost
    answer = any(message.author.kind is AuthorKind.AGENT for message in carried_by(row))
    book = allowance.spent(Allowance.model_validate_json(link.ledger), cost, answered_at=now if answer else None)
    links.change_link(tx, link.id, ledger=book.model_dump_json(), warn_at=look_at(runtime, book, now))
    refresh(tx, runtime, link, effects, now)
    until = book.until(now)
    if answer and book.remaining(now) == 1 and until is not None:
        tell(
            tx, runtime, link, "warn.last", effects=effects, now=now, cause="warn.last", until=f"{until:%Y-%m-%d %H:%M}"
        )

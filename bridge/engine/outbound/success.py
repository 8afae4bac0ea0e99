"""A step was accepted: what both sides know from then on, what the allowance has left, and what agents should hear."""

from typing import Any

from sqlalchemy import Row

from bridge.contract import Audience, AuthorKind, DeliveryState, Receipt, Step, answer_key
from bridge.engine.context import Work
from bridge.engine.conversation import allowance
from bridge.engine.conversation.agent_notes import show_progress, shows_progress, tell, tell_rules, tell_went
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.announcement import announce, announce_state
from bridge.engine.conversation.labels import look_at, refresh
from bridge.engine.conversation.queueing import carried_by
from bridge.engine.conversation.targets import people_answered
from bridge.engine.conversation.turns import show_answer
from bridge.engine.outbound.fields import not_taken
from bridge.engine.outbound.moved_steps import where_it_is
from bridge.engine.runtime.failpoints import reach
from mappings import attempts, facts, inbox, links, outbox, waiting
from mappings.links import LinkRow
from mappings.notices import LATE, WENT
from mappings.states import LinkColumns, StepState
from mappings.subjects import is_erased


def accept(work: Work, row: Row[Any], receipt: Receipt, *, found: bool = False) -> None:
    """The vendor has it."""
    row, link = where_it_is(work, row)
    detail = receipt.detail
    if row.lane == links.lane_to_channel(link.id) and work.runtime.capabilities(link.channel).window is not None:
        detail = f"{detail} (before it: {Allowance.model_validate_json(link.allowance).summary(work.now)})".strip()
    followed = attempts.is_followed(work.tx, row.id)
    settled = attempts.settle(
        work.tx,
        row.id,
        row.lease,
        work.now,
        outcome="found" if found else "accepted",
        detail=detail,
        state=StepState.DONE,
        receipt=receipt.model_dump_json(exclude_defaults=True, exclude={"payload"}),
        tries=0,
        unknown=False,
        code="",
        error="",
    )
    if not settled:
        _settled_before(work, link, row, receipt)
        return
    if found:
        facts.add_found(work.tx, row.id, work.now)
    links.name_messages(work.tx, row, link.id, receipt.ids, work.now)
    if row.lane == links.lane_to_desk(link.id):
        desk_has_it(work, link, row, receipt)
    elif row.lane == links.lane_to_channel(link.id):
        _customer_has_it(work, link, row)
    elif row.lane == links.lane_of_invitations(link.id):
        tell(work, link, "invited")
    if receipt.payload:
        inbox.keep_raws(work.tx, [(row.account, answer_key(row.key), receipt.payload.encode(), work.now)])
        work.effects.routers.add(row.account)
        reach("bot kept")
    if followed:
        work.effects.accounts.add(row.account)
    if links.is_towards_bot(row.lane):
        return
    to_desk = row.lane != links.lane_to_desk(link.id)
    if shows_progress(work.runtime, link, to_desk=to_desk):  # else nobody needs to know what the step carries
        ids = [one.id for one in carried_by(row) if one.author.kind is not AuthorKind.BRIDGE]  # no marks of marks
        show_progress(work, link, ids, DeliveryState.ACCEPTED, to_desk=to_desk)


def _settled_before(work: Work, link: LinkRow, row: Row[Any], receipt: Receipt) -> None:
    """The lease was lost. A ticket that was made while its customer was erased is known as theirs."""
    work.effects.note("lease lost", account=row.account, step=row.id)
    if is_erased(link) and not link.ticket and receipt.conversation and links.is_towards_desk(row.lane):
        links.change_link(work.tx, link.id, ticket=receipt.conversation)


def desk_has_it(work: Work, link: LinkRow, row: Row[Any], receipt: Receipt) -> None:
    """The link gets what the desk said of its ticket: number, contact, address."""
    changes: LinkColumns = {}
    if receipt.conversation and receipt.conversation != link.ticket:
        changes["ticket"] = receipt.conversation
    if receipt.peer and receipt.peer != link.peer:
        changes["peer"] = receipt.peer
    if receipt.url and receipt.url != link.url:
        changes["url"] = receipt.url
    if link.state == "solved" and any(message.audience is Audience.CUSTOMER for message in carried_by(row)):
        changes |= {"state": "open", "solved_at": None, "touched_at": work.now}
        announce_state(work, link, "open")
    if changes:
        links.change_link(work.tx, link.id, **changes)
    if receipt.left_out or (link.ticket is None and "ticket" in changes):
        not_taken(work, links.get_link(work.tx, link.id), receipt.left_out)
    if "ticket" in changes:
        waiting.release_later(work.tx, row.lane)  # notes that waited for it
        if link.generation == 1 and not link.ticket and work.runtime.settings.tickets.rules:
            tell_rules(work, link)
        refresh(work, link)


def _customer_has_it(work: Work, link: LinkRow, row: Row[Any]) -> None:
    """The allowance shrinks; at the last reply the agents are told. What a bot said stands on the ticket now."""
    if row.term is not None:
        for message in carried_by(row):
            if message.author.kind is AuthorKind.BOT:
                show_answer(work, link, message)
    if work.runtime.announces:
        announce(work, link, "message.accepted", messages=carried_by(row))
    _tell_late_truth(work, link, row)
    answer = any(message.author.kind is AuthorKind.AGENT for message in carried_by(row))
    if answer:
        people_answered(work, link)
    if work.runtime.capabilities(link.channel).window is None:
        return
    cost = Step.model_validate_json(row.step).cost
    book = allowance.spent(
        Allowance.model_validate_json(link.allowance), cost, answered_at=work.now if answer else None
    )
    links.change_link(work.tx, link.id, allowance=book.model_dump_json(), warn_at=look_at(work.runtime, book, work.now))
    refresh(work, link)
    until = book.until(work.now)
    if answer and book.remaining(work.now) == 1 and until is not None:
        tell(work, link, "warn.last", cause="warn.last", until=work.runtime.clock_text(until))


def _tell_late_truth(work: Work, link: LinkRow, row: Row[Any]) -> None:
    """Answers go again. Of one that agents believe to be waiting they hear that it has gone: all of it."""
    if not links.was_waiting_told(work.tx, link.id):
        return
    carried = carried_by(row)
    told = set(links.causes_told(work.tx, link.id, LATE, [f"{WENT}{message.id}" for message in carried]))
    if any(cause.startswith(LATE) for cause in told):
        links.forget_notices(work.tx, link.id, LATE)
        work.effects.note("answers go again", link=link.id)
    waited = [message for message in carried if f"{WENT}{message.id}" in told]
    if not waited:
        return
    going = {one.id for step in outbox.unfinished_in(work.tx, row.lane) for one in carried_by(step)}
    gone = [message for message in waited if message.id not in going]
    for message in gone:
        links.forget_notices(work.tx, link.id, f"{WENT}{message.id}")
    if gone:
        tell_went(work, link, gone)

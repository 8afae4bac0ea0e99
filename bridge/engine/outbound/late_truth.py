"""What becomes known later of a step whose end was in doubt: the note about it is corrected.

It shows in an echo or a receipt of the vendor's, or in a look-up that failed for too long and works again.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Row

from bridge.contract import ConnectorError, DeliveryState, LooksUp, Receipt, Step
from bridge.contract.storable import storable
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.agent_notes import show_progress, take_back_doubt, tell
from bridge.engine.conversation.notices import quote
from bridge.engine.conversation.queueing import carried_by
from bridge.engine.outbound.looks import counts_as_absent
from bridge.engine.outbound.success import desk_has_it
from bridge.engine.outbound.targets import target_of
from mappings import links, outbox
from mappings.links import LinkRow
from mappings.states import StepState
from mappings.store import Store, Tx, is_trouble

log = structlog.get_logger("bridge.dispatch")
_FIRST, _LAST = timedelta(minutes=1), timedelta(days=3)  # how long after its end a step is looked for again


def arrived(work: Work, step: Row[Any], receipt: Receipt) -> None:
    """The vendor has it after all."""
    link = links.get_link(work.tx, step.link_id, lock=True)
    dumped = receipt.model_dump_json(exclude_defaults=True, exclude={"payload"})
    if not outbox.change_step(
        work.tx, step.id, state=StepState.DONE, unknown=False, receipt=dumped, code="later", error="seen at the vendor"
    ):
        return
    for identifier in receipt.ids:
        links.add_ref(work.tx, step.account, identifier, link.id, work.now, outbox_id=step.id)
    work.effects.note("known later", account=step.account, step=step.id, arrived=True)
    if step.lane == links.lane_to_desk(link.id):
        desk_has_it(work, link, step, receipt)
        work.effects.accounts.add(step.account)
        if any(not one.id.startswith("note:") for one in carried_by(step)):
            tell(work, link, "arrived.here", cause=f"arrived.{step.id}")
    elif step.lane == links.lane_to_channel(link.id):
        _correct(work, link, step, "arrived")
        show_progress(work, link, [one.id for one in carried_by(step)], DeliveryState.ACCEPTED, to_desk=True)


def never_arrived(work: Work, step: Row[Any]) -> None:
    """The vendor certainly does not have it."""
    link = links.get_link(work.tx, step.link_id, lock=True)
    if step.lane != links.lane_to_channel(link.id):
        outbox.change_step(work.tx, step.id, unknown=False)  # a customer's words stay in `bridge dead list`
        return
    failed = StepState.FAILED
    if outbox.change_step(work.tx, step.id, state=failed, unknown=False, code="absent", error="never arrived"):
        work.effects.note("known later", account=step.account, step=step.id, arrived=False)
        _correct(work, link, step, "arrived.not")


def _correct(work: Work, link: LinkRow, step: Row[Any], what: str) -> None:
    """In place of the note that says that nobody knows, where nobody has read that one yet."""
    carried = carried_by(step)
    about = carried[0].id if carried else ""
    if take_back_doubt(work, link, about) and what == "arrived":
        return
    quoted = quote(carried, work.runtime.language)
    tell(work, link, what, cause=f"{what}.{step.id}", quoted=quoted, about=about)


async def accounts_in_doubt(store: Store, runtime: Runtime) -> list[str]:
    """The accounts whose steps ended in doubt because their look-ups failed until it was too late: one statement."""
    now = runtime.now()
    found = await store.read(outbox.accounts_in_doubt, now - _LAST, now - _FIRST)
    return [name for name in found if name in runtime.accounts]


async def look_again(store: Store, runtime: Runtime, accounts: Sequence[str]) -> set[str]:
    """Looks for those of some accounts. Returns the accounts that have something to send."""
    woken: set[str] = set()
    for name in accounts:
        connected = runtime.accounts[name]
        if isinstance(connected.connector, LooksUp):
            now = runtime.now()
            for row, link in await store.read(_doubtful, name, now - _LAST, now - _FIRST):
                try:
                    step = Step.model_validate_json(row.step)
                    found = await connected.connector.lookup(step, target_of(row, link, runtime))
                except ConnectorError:
                    break  # it cannot be asked now
                except Exception as error:
                    if is_trouble(error):
                        raise
                    log.exception("bug while looking")
                    break
                if found is None and not counts_as_absent(row, now):
                    continue
                woken |= await store.write(_settle, runtime, row, storable(found) if found is not None else None)
    return woken


def _doubtful(tx: Tx, account: str, since: Any, before: Any) -> list[tuple[Row[Any], LinkRow]]:
    return [(row, links.get_link(tx, row.link_id)) for row in outbox.doubtful_since(tx, account, since, before)]


def _settle(tx: Tx, runtime: Runtime, row: Row[Any], found: Receipt | None) -> set[str]:
    work = Work(tx, runtime, runtime.now())
    if found is not None:
        arrived(work, row, found)
    else:
        never_arrived(work, row)
    return set(work.effects.accounts)

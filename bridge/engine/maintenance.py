"""What happens by the clock alone: lost attempts, warnings, answers that waited too long, retention."""

import asyncio
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from bridge.contract import DeliveryState
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.agent_notes import show_progress, tell, tell_ended, will_be_told
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.announcement import announce_end
from bridge.engine.conversation.expiry import end_notes, end_unsent
from bridge.engine.conversation.fallback import fall_back
from bridge.engine.conversation.labels import look_at, refresh
from bridge.engine.conversation.notices import quote
from bridge.engine.conversation.queueing import carried_by
from bridge.engine.conversation.survey import ask_due
from bridge.engine.conversation.targets import act_on_targets
from bridge.engine.conversation.turns import give_up_late
from bridge.engine.outbound.lost_attempts import rescue_lost
from bridge.services.folder import MediaFolder
from mappings import (
    callbacks,
    facts,
    goals,
    inbox,
    links,
    media,
    outbox,
    outgoing,
    replays,
    retention,
    shop,
    state,
    waiting,
)
from mappings.locks import lock_links
from mappings.states import StepState
from mappings.store import Store, Tx

_LATE = timedelta(seconds=5)


def recover(work: Work, in_flight_here: Collection[int] = (), resting: Collection[str] = ()) -> None:
    """Every second: attempts whose sender died, pauses that are over. `in_flight_here`: what this process sends.
    `resting`: accounts whose breaker is open.
    """
    rescue_lost(work, in_flight_here)
    for name, pause in state.pauses(work.tx).items():
        if pause.until is not None and pause.until <= work.now:
            state.resume(work.tx, name)
            work.effects.accounts.add(name)
    if work.runtime.bots:
        give_up_late(work, resting)


def _warn(work: Work) -> None:
    for link in links.links_to_warn(work.tx, work.now):
        book = Allowance.model_validate_json(link.allowance)
        links.change_link(work.tx, link.id, warn_at=look_at(work.runtime, book, work.now, warned=True))
        until = book.message.until
        if until is not None and work.now >= until:
            refresh(work, link)
        elif (
            book.unanswered and link.holder == link.desk and until is not None and link.state == "open" and link.ticket
        ):
            tell(work, link, "warn.closing", cause="warn.closing", until=work.runtime.clock_text(until))


def _tell_late(work: Work) -> None:
    """An account that rests is asked for nothing, so no attempt says why its answers wait."""
    pauses = state.pauses(work.tx)
    late = waiting.late_answers(work.tx, work.now - _LATE)
    lock_links(work.tx, [link_id for link_id, _ in late])
    for link_id, account in late:
        link = links.get_link(work.tx, link_id, lock=True)
        lane = links.lane_to_channel(link_id)
        steps = outbox.unfinished_in(work.tx, lane)
        if (
            steps and steps[0].state == StepState.PARKED
        ):  # it waits for the customer, with all behind it, and that was said
            continue
        code = next((step.code for step in steps if step.code), "")
        pause = pauses.get(account)
        what = "delayed"
        if pause is not None:
            what = "paused" if pause.until is None else "throttled"
            code = pause.code if what == "paused" and pause.code else code
        until = pause.until if pause is not None and pause.until is not None else work.now
        carried = [message for step in steps[:1] for message in carried_by(step)]
        cause = "late.paused" if what == "paused" else "late.waits"
        about = carried[0].id if carried else ""
        quoted = quote(carried, work.runtime.language)
        when = work.runtime.clock_text(until)
        if tell(work, link, what, cause=cause, code=code or "…", until=when, quoted=quoted, about=about):
            will_be_told(work, link, carried)


def _give_up(work: Work) -> None:
    before = work.now - work.runtime.settings.replies.give_up_after
    late = [*waiting.held_since(work.tx, before), *outbox.parked_since(work.tx, before)]
    lock_links(work.tx, [row.link_id for row in late])
    held: defaultdict[int, list[int]] = defaultdict(list)
    for row in waiting.held_since(work.tx, before):
        held[row.lane].append(row.id)
    for lane, ids in held.items():
        link = links.get_link(work.tx, links.link_of(lane), lock=True)
        if lane != links.lane_to_channel(link.id):
            end_notes(work, link, ids)  # their ticket never came: they stand in `dead list`
            work.effects.note("notes given up", link=link.id, count=len(ids))
            continue
        for message in end_unsent(work, link, ids, StepState.FAILED, "expired", "waited too long"):
            tell_ended(
                work, link, "expired", cause="expired", quoted=quote([message], work.runtime.language), about=message.id
            )
            announce_end(work, link, [message], StepState.FAILED, "expired", "waited too long")
            show_progress(work, link, [message.id], DeliveryState.FAILED, to_desk=True, reason="expired")
    for step in _too_old(work.tx, before):
        link = links.get_link(work.tx, step.link_id, lock=True)
        outbox.change_step(
            work.tx, step.id, state=StepState.FAILED, code="expired", error="waited too long", done_at=work.now
        )
        facts.add_end(work.tx, step.id, "expired", work.now)
        carried = carried_by(step)
        about = carried[0].id if carried else ""
        tell_ended(work, link, "expired", cause="expired", quoted=quote(carried, work.runtime.language), about=about)
        announce_end(work, link, carried, StepState.FAILED, "expired", "waited too long")
        ids_of = [message.id for message in carried]
        show_progress(work, link, ids_of, DeliveryState.FAILED, to_desk=True, reason="expired")


def _too_old(tx: Tx, before: datetime) -> list[Row[Any]]:
    """Parked steps, and those behind them that are as old and not on their way: they would meet the same window."""
    found: dict[int, Row[Any]] = {}
    for step in outbox.parked_since(tx, before):
        for behind in outbox.unfinished_in(tx, step.lane):
            if behind.created_at < before and not behind.lease and behind.begun_at is None:
                found[behind.id] = behind
    return list(found.values())


DEADLINES = (act_on_targets, fall_back, _warn, _tell_late, _give_up, ask_due)
"""Every few seconds, each in a transaction of its own: windows that close, answers that cannot go now, answers that
were held too long, customers who are asked how it was.
"""


async def prune(store: Store, runtime: Runtime, folder: MediaFolder, now: datetime) -> None:
    """Hourly: what retention no longer allows goes, in small batches."""
    keep = runtime.settings.retention
    while await store.write(inbox.forget_payloads, now - keep.payloads):
        pass
    while await store.write(inbox.forget_keys, now - keep.keys):
        pass
    while await store.write(retention.forget_steps, now - keep.steps):
        pass
    while await store.write(state.forget_audits, now - keep.audit):
        pass
    await store.write(retention.forget_drafts, now - keep.steps)
    while await store.write(retention.forget_unread, now - keep.keys):
        pass
    while await store.write(retention.forget_entries, now - keep.records):
        pass
    while await store.write(goals.forget_goals, now - keep.facts):
        pass
    await store.write(shop.forget_facts, now)
    await store.write(shop.forget_messages, now - keep.steps)
    await store.write(callbacks.forget_callbacks, now - callbacks.KEPT)
    await store.write(replays.forget_jobs, now - keep.steps)
    while await store.write(outgoing.forget, now - keep.payloads):
        pass
    while old := await store.read(media.old_media, now - keep.media):
        digests = await store.write(media.forget_media, [row.id for row in old])
        await asyncio.to_thread(folder.remove, digests)
    await asyncio.to_thread(folder.remove_partial, alone=False)

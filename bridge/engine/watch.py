"""What happens by the clock alone: lost attempts, warnings, answers that waited too long, retention."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from bridge.contract import State
from bridge.engine import outcome
from bridge.engine.greeting import GREETING
from bridge.engine.labels import look_at, refresh
from bridge.engine.ledger import Ledger
from bridge.engine.letters import carried_by, show_progress, tell, tell_ended
from bridge.engine.media import MediaFiles
from bridge.engine.notices import quote
from bridge.engine.unsent import end_unsent
from bridge.engine.world import Touched, World
from mappings import inbox, links, media, outbox, retention, state, waiting
from mappings.store import Store, Tx

_LATE = timedelta(seconds=5)


def sweep(tx: Tx, world: World, now: datetime, in_hand: Collection[int] = ()) -> Touched:
    """Every second: attempts whose sender died, pauses that are over. `in_hand`: steps this process still sends."""
    touched = outcome.lost(tx, world, now, in_hand)
    for name, pause in state.pauses(tx).items():
        if pause.until is not None and pause.until <= now:
            state.resume(tx, name)
            touched.accounts.add(name)
    return touched


def remind(tx: Tx, world: World, now: datetime) -> Touched:
    """Every few seconds: windows that close, answers that cannot go now, answers that were held too long."""
    touched = Touched()
    _warn(tx, world, touched, now)
    _tell_late(tx, world, touched, now)
    _give_up(tx, world, touched, now)
    return touched


def _warn(tx: Tx, world: World, touched: Touched, now: datetime) -> None:
    for link in links.links_to_warn(tx, now):
        book = Ledger.model_validate_json(link.ledger)
        links.change_link(tx, link.id, warn_at=look_at(world, book, now, warned=True))
        until = book.message.until
        if until is not None and now >= until:
            refresh(tx, world, link, touched, now)
        elif book.unanswered and until is not None and link.state == "open" and link.ticket:
            tell(
                tx, world, link, "warn.closing", touched=touched, now=now, cause="warn.closing",
                until=f"{until:%Y-%m-%d %H:%M}",
            )  # fmt: skip


def _tell_late(tx: Tx, world: World, touched: Touched, now: datetime) -> None:
    """An account that rests is asked for nothing, so no attempt says why its answers wait."""
    pauses = state.pauses(tx)
    for link_id, account in waiting.late_answers(tx, now - _LATE, GREETING):
        link = links.get_link(tx, link_id, lock=True)
        lane = links.lane_to_channel(link_id)
        steps = outbox.unfinished_in(tx, lane)
        code = next((step.code for step in steps if step.code), "")
        pause = pauses.get(account)
        what = "delayed"
        if pause is not None:
            what = "paused" if pause.until is None else "throttled"
            code = pause.reason.split(": ")[1] if what == "paused" and ": " in pause.reason else code
        carried = [message for step in steps[:1] for message in carried_by(step)]
        cause = "late.paused" if what == "paused" else "late.waits"
        about = carried[0].id if carried else ""
        tell(
            tx, world, link, what, touched=touched, now=now, cause=cause, code=code or "…", quoted=quote(carried),
            about=about,
        )  # fmt: skip


def _give_up(tx: Tx, world: World, touched: Touched, now: datetime) -> None:
    before = now - world.settings.replies.give_up_after
    held: defaultdict[int, list[int]] = defaultdict(list)
    for row in waiting.held_since(tx, before):
        held[row.lane].append(row.id)
    for lane, ids in held.items():
        link = links.get_link(tx, links.link_of(lane), lock=True)
        if lane != links.lane_to_channel(link.id):
            waiting.drop_waiting(tx, ids)  # notes whose ticket never came
            touched.note("notes given up", link=link.id, count=len(ids))
            continue
        for message in end_unsent(tx, world, link, ids, "failed", "expired", "waited too long", now):
            tell_ended(
                tx, world, link, "expired", touched=touched, now=now, cause="expired", quoted=quote([message]),
                about=message.id,
            )  # fmt: skip
            show_progress(
                tx, world, link, [message.id], State.FAILED, to_desk=True, touched=touched, now=now, reason="expired"
            )
    for step in outbox.parked_since(tx, before):
        link = links.get_link(tx, step.link_id, lock=True)
        outbox.change_step(tx, step.id, state="failed", code="expired", error="waited too long", done_at=now)
        carried = carried_by(step)
        about = carried[0].id if carried else ""
        tell_ended(
            tx, world, link, "expired", touched=touched, now=now, cause="expired", quoted=quote(carried), about=about
        )
        ids_of = [message.id for message in carried]
        show_progress(tx, world, link, ids_of, State.FAILED, to_desk=True, touched=touched, now=now, reason="expired")


async def clean(store: Store, world: World, folder: MediaFiles, now: datetime) -> None:
    """Hourly: what retention no longer allows goes, in small batches."""
    keep = world.settings.retention
    while await store.write(inbox.forget_payloads, now - keep.payloads):
        pass
    while await store.write(inbox.forget_keys, now - keep.keys):
        pass
    while await store.write(retention.forget_steps, now - keep.steps):
        pass
    while old := await store.read(media.old_media, now - keep.media):
        folder.remove(await store.write(media.forget_media, [row.id for row in old]))

"""Retention of everything that has no end of its own: whoever was quiet for so long is erased as if they had asked."""

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bridge.privacy import erasing
from bridge.privacy.erasing import NotErased
from mappings import quiet, state, subjects

if TYPE_CHECKING:
    from bridge.app import Bridge

log = structlog.get_logger("bridge.privacy")

EVERY = timedelta(hours=1)
WHO = "retention"


async def tick(bridge: "Bridge", owner: str) -> None:
    """By the clock, in one process of several."""
    now = bridge.clock()
    if await bridge.store.write(state.take_lease, "tick records", owner, now, now + EVERY * 0.9):
        await erase_quiet(bridge)


async def erase_quiet(bridge: "Bridge") -> int:
    """Erases those who were quiet for `retention.records`, a few of them; returns how many sides."""
    before, erased = bridge.clock() - bridge.settings.retention.records, 0
    for person in await bridge.store.read(quiet.quiet_people, before):
        for side in await bridge.store.read(subjects.side_of_person, person):
            try:
                await erasing.erase_side(bridge, side, WHO)
            except NotErased as error:
                log.warning("not erased by retention", person=person, why=str(error))
            else:
                erased += 1
    return erased

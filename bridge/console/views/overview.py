"""Whether somebody has to do something, on one page: what `bridge status` says, live."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from bridge.console.visit import Visit
from bridge.status import said_in, status_facts

_FRESH = 1.0  # seconds for which all consoles share one look


@dataclass(slots=True)
class Snapshot:
    """One look for all who look at the same time."""

    found: dict[str, Any] = field(default_factory=dict)
    until: float = 0.0
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, visit: Visit) -> dict[str, Any]:
        """What `bridge status --json` says, no older than a second, in the reader's language."""
        settings = visit.desk.runtime.settings
        async with self.looking:
            now = asyncio.get_running_loop().time()
            if now >= self.until:
                self.found = await visit.read(status_facts, settings, visit.now)
                self.until = asyncio.get_running_loop().time() + _FRESH
            return said_in(self.found, settings, visit.language)


async def show(visit: Visit) -> Response:
    """The overview."""
    found = await visit.desk.snapshot.get(visit)
    sparks = visit.desk.bridge.console.sparks
    names = [one["account"] for one in found["accounts"]]
    return visit.page(
        "overview.html",
        found=found,
        sparks={name: (sparks.line(name), *sparks.sums(name)) for name in names},
        act=_act,
        masked=not visit.session.may("operator"),
    )


def _act(account: dict[str, Any]) -> tuple[str, str]:
    """The one thing that helps: a text of the catalogue, and where it is done."""
    name = account["account"]
    page = f"/console/accounts/{name}"
    match account["state"]:
        case "paused":
            return ("overview.do_resume", page) if account["paused_by"] else ("overview.do_check", f"{page}#checks")
        case "refused":
            return "overview.do_callbacks", f"{page}#callbacks"
        case "throttled":
            return "overview.do_wait", page
        case "retrying":
            return "overview.do_look", "/console/problems#again"
    if account["failed"] or account["dead"] or account["unconfirmed"] or account["quarantined"]:
        return "overview.do_repair", "/console/problems"
    return "overview.do_open", page

"""What other systems are told of: who takes it, what waits, and sending it again."""

from datetime import timedelta

from starlette.responses import Response

from bridge.console.visit import Refused, Visit
from bridge.engine.context import Work
from bridge.events.overview import receivers_json, replay_ids, replay_receiver
from mappings import outgoing
from mappings.store import Tx

_PAGE = "/console/deliveries"
_SHOWN = 50
HOURS = (1, 24, 168)


async def show(visit: Visit) -> Response:
    """The page."""
    return await visit.read(_page, visit)


def _page(tx: Tx, visit: Visit) -> Response:
    receiver, before = visit.asked("receiver"), visit.asked("before")
    at = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    rows = outgoing.latest(tx, receiver, before=at, limit=_SHOWN)
    older = str(rows[-1].id) if len(rows) == _SHOWN else ""
    receivers = receivers_json(tx, visit.desk.bridge.settings.events)
    return visit.page(
        "deliveries.html", receivers=receivers, rows=rows, receiver=receiver, before=before, older=older, hours=HOURS
    )


async def replay(visit: Visit) -> Response:
    """One is sent again."""
    given = visit.form.get("id", "")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Refused("error.gone_meanwhile")

    def act(work: Work) -> int:
        count = replay_ids(work.tx, [int(given)], visit.who, work.now)
        if not count:
            raise Refused("error.gone_meanwhile")
        return count

    return visit.back(_PAGE, "again", await visit.act("", "", act))


async def replay_since(visit: Visit) -> Response:
    """All of a receiver's since a while ago; one that is new gets what others were told."""
    name, hours = visit.form.get("receiver", ""), visit.form.get("hours", "")
    receiver = next((one for one in visit.desk.bridge.settings.events if one.receiver == name), None)
    if receiver is None or hours not in {str(one) for one in HOURS}:
        raise Refused("error.form", 400)

    def act(work: Work) -> int:
        return replay_receiver(work.tx, receiver, work.now - timedelta(hours=int(hours)), visit.who, work.now)

    return visit.back(_PAGE, "again", await visit.act("", "", act))

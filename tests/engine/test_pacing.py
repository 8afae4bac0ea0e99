"""A chatty customer at a desk that counts updates: lines join, each stands on the ticket within half a minute, and the
wait is shown.
"""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bridge.cli.trace import trace_json
from bridge.status import status_json
from tests.e2e.desks import Zendesk
from tests.engine.desk_harness import DeskHarness

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_lines_join_and_none_is_half_a_minute_late(database_url: str, tmp_path: Path) -> None:
    harness = DeskHarness(database_url, tmp_path, Zendesk)
    said: dict[str, datetime] = {}
    seen: dict[str, datetime] = {}
    shown: tuple[str, str] = ("", "")
    async with harness.running() as bridge:
        await harness.asks("hello")
        ticket = harness.desk.ticket
        for number in range(40):
            said[f"line {number}."] = harness.clock()
            await harness.phone.says(harness.customer, f"line {number}.")
            await harness.wait(4)
            text = "\n".join(harness.desk.seen())
            seen |= {line: harness.clock() for line in said if line not in seen and line in text}
            if number > 20 and not shown[0]:
                found = await bridge.store.read(trace_json, ticket, harness.clock())
                waits = [one["waits_for"] for one in found["links"][0]["waiting"]]
                status = await bridge.store.read(status_json, bridge.runtime.settings, harness.clock())
                (desk,) = [one for one in status["accounts"] if one["account"] == "desk"]
                shown = (waits[0], desk["state"]) if waits else shown
        assert len(seen) > 25
        assert max(seen[line] - said[line] for line in seen) <= timedelta(seconds=40)
        assert "limits updates of one ticket" in shown[0] and shown[1] == "throttled"
        assert sum("faster than this desk" in note for note in harness.notes) == 1

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


@pytest.mark.parametrize("every", [2, 5, 15])
async def test_lines_join_and_none_is_half_a_minute_late(database_url: str, tmp_path: Path, every: int) -> None:
    harness = DeskHarness(database_url, tmp_path, Zendesk)
    said: dict[str, datetime] = {}
    seen: dict[str, datetime] = {}
    shown: tuple[str, str] = ("", "")
    async with harness.running() as bridge:
        await harness.asks("hello")
        ticket = harness.desk.ticket
        for second in range(300):
            if second % every == 0:
                said[f"line {second}"] = harness.clock()
                await harness.phone.says(harness.customer, f"line {second}")
            await harness.wait(1)
            text = "\n".join(harness.desk.seen())
            for line in said:
                if line not in seen and f"{line}\n" in f"{text}\n":
                    seen[line] = harness.clock()
            if len(said) > 20 and not shown[0]:
                found = await bridge.store.read(trace_json, ticket)
                waits = [one["waits_for"] for one in found["links"][0]["waiting"]]
                status = await bridge.store.read(status_json, bridge.runtime.settings, harness.clock())
                (desk,) = [one for one in status["accounts"] if one["account"] == "desk"]
                shown = (next(iter(waits), ""), desk["reason"]) if waits else shown
        late = max(seen[line] - said[line] for line in seen)
        assert late <= timedelta(seconds=40)
        if every < 15:
            assert "limits updates of one ticket" in shown[0] and "one after the other" in shown[1]
            assert sum("faster than this desk" in note for note in harness.notes) == 1

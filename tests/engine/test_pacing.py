"""A chatty customer at a desk that counts updates: lines join, each stands on the ticket within half a minute, and the
wait is shown.
"""

import re
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


async def test_two_lines_a_second_for_five_minutes_are_all_there_when_it_was_promised(
    database_url: str, tmp_path: Path
) -> None:
    """However many gather between two updates: the note says how late a line may come, and none comes later."""
    harness = DeskHarness(database_url, tmp_path, Zendesk)
    late: list[float] = []
    shown = 0
    async with harness.running() as bridge:
        await harness.asks("hello")
        said: list[datetime] = []
        for _ in range(60):
            for _ in range(10):
                said.append(harness.clock())
                await harness.phone.says(harness.customer, f"line {len(said)}.")
            await harness.wait(5)
            entries = [entry.text for entry in harness.desk.entries(harness.desk.ticket) if entry.side == "customer"]
            there = "\n".join(entries).count("line ")
            late += [(harness.clock() - at).total_seconds() for at in said[shown:there]]
            shown = there
        (note,) = [note for note in harness.notes if "faster than this desk" in note]
        promised = int(re.findall(r"up to (\d+) seconds", note)[0])
        status = await bridge.store.read(status_json, bridge.runtime.settings, harness.clock())
        (desk,) = [one for one in status["accounts"] if one["account"] == "desk"]
        until = datetime.fromisoformat(desk["spread_until"])
        await harness.wait((until - harness.clock()).total_seconds() + 1)
        entries = [entry.text for entry in harness.desk.entries(harness.desk.ticket) if entry.side == "customer"]
        assert "\n".join(entries).count("line ") == len(said) == 600, "all of it, when the status says so"
        assert max(late) <= promised + 5 and (until - harness.clock()).total_seconds() <= promised
        assert len(harness.desk.entries(harness.desk.ticket)) < 30, "the desk's limit is never reached"

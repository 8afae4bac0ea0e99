"""What a connector leaves out of an answer is told: the trace says what, a note on the ticket how to see it."""

from pathlib import Path

import pytest

from bridge.cli.trace import trace_json, trace_text
from tests.e2e.desks import Freshdesk
from tests.engine.desk_harness import DeskHarness

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
QUOTED = '<div>Yes.</div><div class="freshdesk_quote"><blockquote>Is it in stock?</blockquote></div>'
SIGNED = '<div>Tomorrow.</div><div class="gmail_signature">Tom Miller, Acme support</div>'


async def test_the_trace_and_one_note_say_what_was_left_out(database_url: str, tmp_path: Path) -> None:
    harness = DeskHarness(database_url, tmp_path, Freshdesk)
    async with harness.running() as bridge:
        await harness.asks("Is it in stock?")
        ticket = harness.desk.ticket
        for answer in (QUOTED, SIGNED):
            await harness.desk.simulator.agent_replies(ticket, answer)
            harness.clock.advance(1)
        await harness.read()
        await harness.wait(10)
        assert harness.received() == ["Yes.", "Tomorrow."]
        notes = [note for note in harness.notes if "does not get all of this answer" in note]
        assert len(notes) == 1, "once per ticket"
        assert "quoted history" in notes[0] and "Is it in stock?" in notes[0] and "bridge trace" in notes[0]
        found = await bridge.store.read(trace_json, ticket)
        omitted = [one for step in found["links"][0]["steps"] for one in step["omitted"]]
        assert [(one["what"], one["characters"]) for one in omitted] == [("history", 15), ("signature", 24)]
        assert "quoted history, 15 characters" in trace_text(found)
        assert "Tom Miller" not in str(found), "a trace holds no text"


async def test_an_answer_of_which_nothing_is_left_out_needs_no_word(database_url: str, tmp_path: Path) -> None:
    harness = DeskHarness(database_url, tmp_path, Freshdesk)
    async with harness.running():
        await harness.asks()
        quote = "<div>See:</div><blockquote>1. open the app<br>2. tap help</blockquote>"
        await harness.desk.simulator.agent_replies(harness.desk.ticket, quote)
        harness.clock.advance(1)
        await harness.read()
        await harness.wait(10)
        assert "tap help" in harness.received()[0]
        assert harness.notes == []

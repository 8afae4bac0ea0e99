"""`kill -9` at every crash point: nothing lost, nothing doubled, nothing out of order.

Each failpoint lets the process kill itself at one place of the way; a service manager starts it again at once, well
within the platform's limit, and it must finish the job.
"""

import signal

import pytest

from bridge.engine.conversation.notices import say
from bridge.testing.e2e.process import until
from tests.e2e.conftest import PlatformHarness

CUSTOMER = "oCustomer_A"
LINES = [f"line {number}" for number in range(5)]

# keeping: C2, inside the ingress transaction · kept: C3, committed and not answered · routing: C4, inside the routing
# transaction · routed: C4 · claimed: C5, leased · begun: C6, marked and nothing sent · answered: C8, C9 and C13, done
# there and not recorded here · settled: C10
INBOUND = (
    "keeping:2",
    "kept:2",
    "routing:2",
    "routed:2",
    "claimed:2",
    "begun",
    "begun:2",
    "answered",
    "answered:2",
    "settled",
)


@pytest.mark.parametrize("failpoint", INBOUND)
async def test_the_customers_words_survive(harness: PlatformHarness, failpoint: str) -> None:
    async with harness.bridge.supervised(failpoint=failpoint) as ends:
        for line in LINES:
            await harness.phone.says(CUSTOMER, line)
            if failpoint.endswith(":2") and line == LINES[0]:  # else all of them may be one write
                await until(lambda: harness.said() == LINES[:1])
        await until(lambda: ends)
        await until(lambda: len(harness.said()) >= len(LINES))
        assert ends == [-signal.SIGKILL]
        assert harness.said() == LINES
        assert len(harness.desk.state.tickets) == 1
        assert all(bubble.kind != "fault" for bubble in harness.phone.chat(CUSTOMER))


# of the agent's answer: the desk's own steps pass these points first, so they are counted from the first answer on
@pytest.mark.parametrize("failpoint", ["claimed", "settled"])
async def test_an_answer_survives(harness: PlatformHarness, failpoint: str) -> None:
    await harness.bridge.start()
    await harness.phone.says(CUSTOMER, "hello")
    await until(lambda: harness.said() == ["hello"])
    assert await harness.bridge.terminate() == 0
    await harness.desk.agent_says(harness.ticket, "first")  # found by polling: the bridge was away
    async with harness.bridge.supervised(failpoint=failpoint) as ends:
        await until(lambda: ends)
        await harness.desk.agent_says(harness.ticket, "second")
        await until(lambda: len(harness.phone.received(CUSTOMER)) >= 2)
        assert harness.phone.received(CUSTOMER) == ["first", "second"]
        assert harness.notes() == []


@pytest.mark.parametrize(("failpoint", "received"), [("begun", ["second"]), ("answered", ["first", "second"])])
async def test_an_answer_of_unknown_outcome_is_not_repeated_and_told(
    harness: PlatformHarness, failpoint: str, received: list[str]
) -> None:
    """C6, C7 and C15: the platform can be asked nothing, so the agent is told that nobody knows."""
    await harness.bridge.start()
    await harness.phone.says(CUSTOMER, "hello")
    await until(lambda: harness.said() == ["hello"])
    assert await harness.bridge.terminate() == 0
    await harness.desk.agent_says(harness.ticket, "first")
    async with harness.bridge.supervised(failpoint=failpoint) as ends:
        await until(lambda: ends)
        await until(harness.notes)
        await harness.desk.agent_says(harness.ticket, "second")
        await until(lambda: "second" in harness.phone.received(CUSTOMER))
        assert harness.phone.received(CUSTOMER) == received
        (note,) = harness.notes()
        assert note.startswith(say("en", "unconfirmed", channel="shop"))
        assert "first" in note
        code, out, _ = await harness.bridge.run("dead", "list")
        assert code == 0
        assert "1 × shop unconfirmed: lost" in out


async def test_a_note_survives(harness: PlatformHarness) -> None:
    """C16: a note is a step like any other; it is known again by its mark."""
    await harness.bridge.start()
    await harness.phone.says(CUSTOMER, "hello")
    await until(lambda: harness.said() == ["hello"])
    assert await harness.bridge.terminate() == 0
    harness.phone.fail(45015)
    await harness.desk.agent_says(harness.ticket, "too late")
    async with harness.bridge.supervised(failpoint="answered") as ends:
        await until(lambda: ends)
        await until(harness.notes)
        assert len(harness.notes()) == 1
        await harness.phone.says(CUSTOMER, "still here")
        await until(lambda: harness.phone.received(CUSTOMER) == ["too late"])
        assert len(harness.notes()) == 1

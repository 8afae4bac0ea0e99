"""`kill -9` at every crash point: nothing lost, nothing doubled, nothing out of order.

Each failpoint lets the process kill itself at one place of the way; a service manager starts it again at once, well
within the platform's patience, and it must finish the job.
"""

import signal

import pytest

from bridge.engine.conversation.notices import say
from tests.e2e.conftest import Street
from tests.e2e.process import until

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
async def test_the_customers_words_survive(street: Street, failpoint: str) -> None:
    async with street.bridge.supervised(failpoint=failpoint) as ends:
        for line in LINES:
            await street.phone.says(CUSTOMER, line)
            if failpoint.endswith(":2") and line == LINES[0]:  # else all of them may be one write
                await until(lambda: street.said() == LINES[:1])
        await until(lambda: ends)
        await until(lambda: len(street.said()) >= len(LINES))
        assert ends == [-signal.SIGKILL]
        assert street.said() == LINES
        assert len(street.desk.state.tickets) == 1
        assert all(bubble.kind != "fault" for bubble in street.phone.chat(CUSTOMER))


# of the agent's answer: the desk's own steps pass these points first, so they are counted from the first answer on
@pytest.mark.parametrize("failpoint", ["claimed", "settled"])
async def test_an_answer_survives(street: Street, failpoint: str) -> None:
    await street.bridge.start()
    await street.phone.says(CUSTOMER, "hello")
    await until(lambda: street.said() == ["hello"])
    assert await street.bridge.terminate() == 0
    await street.desk.agent_says(street.ticket, "first")  # found by polling: the bridge was away
    async with street.bridge.supervised(failpoint=failpoint) as ends:
        await until(lambda: ends)
        await street.desk.agent_says(street.ticket, "second")
        await until(lambda: len(street.phone.received(CUSTOMER)) >= 2)
        assert street.phone.received(CUSTOMER) == ["first", "second"]
        assert street.notes() == []


@pytest.mark.parametrize(("failpoint", "received"), [("begun", ["second"]), ("answered", ["first", "second"])])
async def test_an_answer_of_unknown_outcome_is_not_repeated_and_told(
    street: Street, failpoint: str, received: list[str]
) -> None:
    """C6, C7 and C15: the platform can be asked nothing, so the agent is told that nobody knows."""
    await street.bridge.start()
    await street.phone.says(CUSTOMER, "hello")
    await until(lambda: street.said() == ["hello"])
    assert await street.bridge.terminate() == 0
    await street.desk.agent_says(street.ticket, "first")
    async with street.bridge.supervised(failpoint=failpoint) as ends:
        await until(lambda: ends)
        await until(street.notes)
        await street.desk.agent_says(street.ticket, "second")
        await until(lambda: "second" in street.phone.received(CUSTOMER))
        assert street.phone.received(CUSTOMER) == received
        (note,) = street.notes()
        assert note.startswith(say("en", "unconfirmed", channel="shop"))
        assert "first" in note
        code, out, _ = await street.bridge.run("dead", "list")
        assert code == 0
        assert "1 × shop unconfirmed: lost" in out


async def test_a_note_survives(street: Street) -> None:
    """C16: a note is a step like any other; it is known again by its mark."""
    await street.bridge.start()
    await street.phone.says(CUSTOMER, "hello")
    await until(lambda: street.said() == ["hello"])
    assert await street.bridge.terminate() == 0
    street.phone.fail(45015)
    await street.desk.agent_says(street.ticket, "too late")
    async with street.bridge.supervised(failpoint="answered") as ends:
        await until(lambda: ends)
        await until(street.notes)
        assert len(street.notes()) == 1
        await street.phone.says(CUSTOMER, "still here")
        await until(lambda: street.phone.received(CUSTOMER) == ["too late"])
        assert len(street.notes()) == 1

"""The kit itself: simulators listen, faults do what they say on real sockets, the clock stands still."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from bridge.contract import Http, Response, Retryable
from bridge.testing.clock import VirtualClock, system_clock
from bridge.testing.faults import Trouble
from bridge.testing.ports import free_port
from bridge.testing.simulator import Simulator


class Counter(Simulator):
    """Counts what it carried out."""

    path = "/api"

    def __init__(self, *, clock: Callable[[], datetime] = system_clock) -> None:
        super().__init__(clock=clock)
        self.done = 0
        self.streaming = False
        self.app = Starlette(
            routes=[
                Route("/api/count", self._count, methods=["GET", "POST"]),
                Route("/api/stream", self._stream),
            ]
        )

    def settings(self) -> dict[str, Any]:
        return {"kind": "counter", "api_base": self.base}

    async def _count(self, request: Request) -> JSONResponse:
        await request.body()
        self.done += 1
        return JSONResponse({"done": self.done})

    async def _stream(self, request: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            self.streaming = True
            for _ in range(100):
                yield b"x" * 65536

        return StreamingResponse(pieces())


@pytest.fixture
async def counter() -> AsyncIterator[Counter]:
    async with Counter() as counter:
        yield counter


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    http = Http(timeout=5)
    yield http
    await http.close()


async def count(http: Http, counter: Counter, **options: Any) -> Response:
    return await http.request("POST", counter.base + "/count", json={"a": 1}, **options)


async def test_a_simulator_listens_on_a_port_of_its_own(counter: Counter, http: Http) -> None:
    async with Counter() as other:
        assert other.port != counter.port
        assert counter.base == f"http://127.0.0.1:{counter.port}/api"
        assert (await count(http, counter)).json() == {"done": 1}
        assert (await count(http, other)).json() == {"done": 1}


async def test_an_outage_keeps_the_port_and_what_is_known(counter: Counter, http: Http) -> None:
    port = counter.port
    await count(http, counter)
    await counter.stop()
    with pytest.raises(Retryable) as caught:
        await count(http, counter)
    assert caught.value.certain
    await counter.start()
    assert counter.port == port
    assert (await count(http, counter)).json() == {"done": 2}


async def test_stopping_twice_is_harmless(counter: Counter) -> None:
    await counter.stop()
    await counter.stop()


async def test_a_port_in_use_is_an_error(counter: Counter) -> None:
    with pytest.raises(OSError, match="in use"):
        await Counter().start(counter.port)


async def test_answers_on_their_way_are_finished_before_it_stops(counter: Counter, http: Http) -> None:
    asked = asyncio.create_task(http.request("GET", counter.base + "/stream", max_bytes=10**8))
    while not counter.streaming:
        await asyncio.sleep(0)
    await counter.stop()
    assert len((await asked).body) == 6_553_600


# Faults


@pytest.mark.parametrize(
    ("trouble", "done"),
    [
        (Trouble.RESET_BEFORE, 0),
        (Trouble.RESET_AFTER, 1),
        (Trouble.TRUNCATED, 1),
    ],
)
async def test_connections_that_break_are_uncertain(counter: Counter, http: Http, trouble: Trouble, done: int) -> None:
    counter.faults.add(trouble)
    with pytest.raises(Retryable) as caught:
        await count(http, counter)
    assert (caught.value.certain, counter.done) == (False, done)
    assert (await count(http, counter)).ok, "one fault, one time"


async def test_garbage_is_no_json(counter: Counter, http: Http) -> None:
    counter.faults.add(Trouble.GARBAGE)
    answer = await count(http, counter)
    assert (answer.status, counter.done) == (200, 1)
    with pytest.raises(Retryable):
        answer.json()


async def test_a_status_instead_and_a_status_after(counter: Counter, http: Http) -> None:
    counter.faults.add(Trouble.STATUS, status=429, headers={"retry-after": "3"}, body=b"slow down")
    answer = await count(http, counter)
    assert (answer.status, answer.retry_after, answer.body, counter.done) == (429, 3, b"slow down", 0)
    counter.faults.add(Trouble.STATUS_AFTER, status=502)
    assert ((await count(http, counter)).status, counter.done) == (502, 1)


async def test_an_answer_that_comes_too_late_was_still_carried_out(counter: Counter, http: Http) -> None:
    counter.faults.add(Trouble.DELAY, seconds=0.1)
    with pytest.raises(Retryable) as caught:
        await count(http, counter, timeout=0.05)
    assert not caught.value.certain
    await counter.stop()  # waits for what is in progress
    assert counter.done == 1


async def test_a_fault_waits_for_its_request(counter: Counter, http: Http) -> None:
    fault = counter.faults.add(Trouble.STATUS, "POST /api/count", skip=1, times=2)
    assert (await http.request("GET", counter.base + "/count")).ok
    statuses = [(await count(http, counter)).status for _ in range(4)]
    assert (statuses, fault.hits) == ([200, 500, 500, 200], 2)


async def test_faults_can_be_taken_back(counter: Counter, http: Http) -> None:
    counter.faults.add(Trouble.STATUS, times=100)
    counter.faults.clear()
    assert (await count(http, counter)).ok


# The clock


def test_a_virtual_clock_moves_when_it_is_told() -> None:
    clock = VirtualClock()
    start = clock()
    assert clock() == start
    assert clock.advance(5) == start + timedelta(seconds=5) == clock()
    assert clock.advance(hours=48) - start == timedelta(hours=48, seconds=5)
    assert start.tzinfo is UTC


def test_the_system_clock_is_in_utc() -> None:
    assert system_clock().utcoffset() == timedelta(0)


def test_ports_are_not_given_twice_in_a_row() -> None:
    given = [free_port() for _ in range(300)]
    assert len(set(given)) == 300
    assert all(1024 < port < 32_768 for port in given), "not where systems open connections of their own"


def test_two_runs_on_one_machine_are_given_different_ports() -> None:
    code = "from bridge.testing.ports import free_port\nprint(*(free_port() for _ in range(499)), flush=True)\ninput()"
    runs = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)
    ]
    given = [set(map(int, run.stdout.readline().split())) for run in runs if run.stdout is not None]
    for run in runs:
        run.communicate(b"\n")
    assert all(len(ports) > 400 for ports in given)
    assert all(one.isdisjoint(other) for one in given for other in given if one is not other)

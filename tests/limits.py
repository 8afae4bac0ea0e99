"""Time limits that end a test instead of hanging the run, and failures said while the run still goes.

The alarm of pytest-timeout breaks an event loop out of its test without ending the test's task; the next step of the
loop's runner, a fixture's end, then waits for that task for ever. So a coroutine is cancelled from inside its own loop
a little before, and a function without a loop is interrupted. pytest-timeout (its method `thread`: says where
everything stands and ends the process) is for what does not let itself be ended so: pytest-xdist reports the test by
its name and goes on with another worker, and what the dead one had started is ended here.
"""

import asyncio
import functools
import inspect
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

_SHARE = 0.8  # of the hard limit


def seconds_of(item: pytest.Item) -> float:
    """The hard limit of this test: its own mark, or the one for all."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0] if mark else item.config.getoption("timeout") or item.config.getini("timeout"))


def limited(test: Any, seconds: float) -> Any:
    """`test`, a coroutine function, failing by itself after `seconds`."""

    @functools.wraps(test)
    async def run(*args: Any, **kwargs: Any) -> None:
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                await test(*args, **kwargs)
        except TimeoutError as error:
            if limit.expired():
                raise AssertionError(_late(seconds)) from error
            raise

    return run


@contextmanager
def interrupted(seconds: float) -> Iterator[None]:
    """What runs inside, on the main thread, fails after `seconds`."""

    def interrupt(*_: object) -> NoReturn:
        raise AssertionError(_late(seconds))

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _late(seconds: float) -> str:
    return f"not finished after {seconds:.0f} s"


@pytest.hookimpl(wrapper=True)  # before whoever calls it
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    seconds = seconds_of(pyfuncitem) * _SHARE
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        pyfuncitem.obj = limited(pyfuncitem.obj, seconds)
        return (yield)
    with interrupted(seconds):
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker that was ended could not end the servers that its tests had started: they carry its name."""
    if error:
        marks = {f"PYTEST_XDIST_WORKER={node.gateway.id}", f"PYTEST_XDIST_TESTRUNUID={node.workerinput['testrunuid']}"}
        end_processes({mark.encode() for mark in marks})


def end_processes(marks: set[bytes]) -> None:
    """Ends the processes whose environment holds all these variables, where the system tells (Linux)."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            if marks <= set(path.read_bytes().split(b"\0")):
                os.kill(int(path.parent.name), signal.SIGKILL)


class Said:
    """Each failure at once, so that a run that is broken off has said what failed."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            last = report.longreprtext.splitlines()[-60:]
            self._reporter.write_line(f"\n{report.when} of {report.nodeid}, {report.duration:.0f} s:")
            self._reporter.write_line("\n".join(last))

"""Time limits that end a test instead of hanging the run, and failures said while the run still goes.

The alarm of pytest-timeout breaks an event loop out of its test without ending the test's task; the next step of the
loop's runner, a fixture's end, then waits for that task for ever. So a coroutine is cancelled from inside its own loop
a little before, and pytest-timeout (its method `thread`: says where everything stands and ends the process, which
pytest-xdist reports by the test's name) is for what does not let itself be cancelled.
"""

import asyncio
import functools
import inspect
from collections.abc import Iterator
from typing import Any

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
                raise AssertionError(f"not finished after {seconds:.0f} s") from error
            raise

    return run


@pytest.hookimpl(wrapper=True)  # before whoever calls it
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        pyfuncitem.obj = limited(pyfuncitem.obj, seconds_of(pyfuncitem) * _SHARE)
    return (yield)


class Said:
    """Each failure at once, so that a run that is broken off has said what failed."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            last = report.longreprtext.splitlines()[-60:]
            self._reporter.write_line(f"\n{report.when} of {report.nodeid}, {report.duration:.0f} s:")
            self._reporter.write_line("\n".join(last))

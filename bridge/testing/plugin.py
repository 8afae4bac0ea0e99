"""A pytest plugin, found by itself where the bridge is installed: accounts for tests, and which rules nobody asks.

`bridge_clock` is a virtual clock, `bridge_account` an account as the bridge lends one, on that clock. At the end of a
run each class of the conformance suite says how many rules it asks, which cannot apply to its connector, and which stay
unproven because a hook is missing. Nothing is loaded unless it is used.
"""

import sys
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

_KEY = "bridge_rules"


@pytest.fixture
def bridge_clock() -> Any:
    """A clock that only goes when it is told to."""
    from bridge.testing.clock import VirtualClock

    return VirtualClock()


@pytest.fixture
async def bridge_account(bridge_clock: Any) -> AsyncIterator[Any]:
    """What the bridge would lend to one account; needs `anyio_backend` or any other runner of asynchronous fixtures."""
    from bridge.testing.rig import lend_account

    async with lend_account(clock=bridge_clock) as account:
        yield account


def rules_of(case: Any) -> list[str]:
    """What is asked of a class, and what is not: one line, and one for each rule without a hook."""
    kit = sys.modules["bridge.testing.conformance"]
    names = [name for name in dir(kit.ConnectorConformance) if name.startswith("test_") and hasattr(case, name)]
    absent = [name for name in names if getattr(case, name) is None and name not in case.unproven]
    said = f"{case.__module__}.{case.__qualname__}: {len(names) - len(absent) - len(case.unproven)} rules"
    if absent:
        said += f"; {len(absent)} cannot apply: {', '.join(name.removeprefix('test_') for name in absent)}"
    missing = []
    for name, hook in sorted(case.unproven.items()):
        why = case.cannot_show.get(hook, "") or f"give the hook `{hook}`, or its reason in `cannot_show`"
        missing.append(f"  unproven: {name.removeprefix('test_')}: {why}")
    return [said, *missing]


class Rules:
    """Collects what the classes say, also from the workers of pytest-xdist."""

    def __init__(self) -> None:
        self.lines: dict[str, list[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests that are left are the ones that will run."""
        case = getattr(sys.modules.get("bridge.testing.conformance.case"), "ConnectorCase", None)
        if case is None or "bridge.testing.conformance" not in sys.modules:
            return
        classes = [getattr(item, "cls", None) for item in session.items]
        found: Iterable[Any] = {one for one in classes if one is not None}
        for one in found:
            if issubclass(one, case):
                self.lines[f"{one.__module__}.{one.__qualname__}"] = rules_of(one)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A worker hands over what it knows."""
        if hasattr(session.config, "workerinput"):
            vars(session.config)["workeroutput"][_KEY] = self.lines

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """The controller takes it."""
        self.lines |= getattr(node, "workeroutput", {}).get(_KEY, {})

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Briefly where many connectors are tested, in full with -v."""
        full = terminalreporter.config.option.verbose > 0 or len(self.lines) <= 3
        shown = [line for _, lines in sorted(self.lines.items()) for line in (lines if full else lines[1:])]
        if shown:
            terminalreporter.section("rules of the bridge")
            for line in shown:
                terminalreporter.line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Registered once, also where it is named by hand."""
    if not config.pluginmanager.hasplugin(_KEY):
        config.pluginmanager.register(Rules(), _KEY)

"""Tests that need something this machine lacks are left out with one line each; where CI=true nothing is left out."""

import os

import pytest

_REASONS: dict[str, str] = {}
CI = os.environ.get("CI") == "true"
_CARRIED = "left_out"  # what a worker of pytest-xdist hands to the process that prints


def leave_out(
    items: list[pytest.Item], config: pytest.Config, what: str, reason: str, chosen: list[pytest.Item]
) -> None:
    """Deselects `chosen` from `items` because of `reason`; an error where CI=true."""
    if not chosen:
        return
    if CI:
        raise pytest.UsageError(f"{what}: {reason}. CI leaves no test out")
    _REASONS[what] = f"{what}: left out {len(chosen)} tests ({reason})"
    config.hook.pytest_deselected(items=chosen)
    gone = set(chosen)
    items[:] = [item for item in items if item not in gone]


def hand_over(config: pytest.Config) -> None:
    """From a worker, which prints nothing itself."""
    if hasattr(config, "workeroutput"):
        config.workeroutput[_CARRIED] = _REASONS


def take_over(output: dict[str, dict[str, str]]) -> None:
    """What a worker left out; all of them leave out the same."""
    _REASONS.update(output.get(_CARRIED, {}))


def lines() -> list[str]:
    """One line for each thing that was left out."""
    return list(_REASONS.values())

"""The benchmark runs and its figures are of the right things. How fast anything is, no test says."""

import json
import os
import subprocess
import sys

import pytest

from tests.bench.__main__ import MEASURES, run
from tests.bench.figures import Results
from tests.bench.installed import ROOT, hidden, only_installed
from tests.bench.plan import Plan

SMALL = Plan(rounds=1, seconds=0.1, customers=8, messages=2, backlog=40, stored=50, quick=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ingest", {"bridge", "no-op Starlette route", "wechatpy in Starlette (stores nothing)"}),
        (
            "relay",
            {
                "bridge",
                "the loop, one shared plain httpx client",
                "the same with the fewest statements for the promises",
                "bridge, all messages of a customer at once",
            },
        ),
        ("size", {"start to ready, 50 stored"}),
        ("memory", {"with 100 open conversations, just started"}),
        ("console", {"overview, 50 stored, beside a relay, p95"}),
        ("consoles", {"relay with 5 consoles open"}),
        ("outage", {"memory of a queued message, 40 waiting"}),
    ],
)
def test_a_measure_runs_and_every_message_arrives_once_and_in_order(name: str, expected: set[str]) -> None:
    results = run([name], SMALL, pin=False, say=lambda _line: None)
    assert not results.failed
    assert expected <= {one.what for one in results.figures}
    assert all(value > 0 for one in results.figures if one.unit.endswith("/s") for value in one.rounds)
    assert json.loads(json.dumps(results.as_json()))["machine"]["cores"]


def test_each_measure_can_be_asked_for_by_name() -> None:
    assert set(MEASURES) == {
        "ingest", "xml", "slowdisk", "relay", "ack", "added", "memory", "size", "outage", "console", "consoles", "postgres",
    }  # fmt: skip


def test_a_missed_target_is_said_and_what_was_left_out_too() -> None:
    lines: list[str] = []
    results = Results(say=lines.append)
    results.ratio("m", "ours : theirs", [10.0, 12.0, 8.0], [10.0, 10.0, 10.0], 1.5)
    results.limit("m", "p99", "ms", 10, 3.0, 4.0, 50.0)
    results.skip("theirs: not installed")
    assert "MISSED" in lines[0] and "met" in lines[1]
    assert "left out: theirs: not installed" in results.table()
    assert [one["met"] for one in results.as_json()["targets"]] == [False, True]


def test_the_measured_memory_is_that_of_a_users_installation() -> None:
    """What it starts finds the packages of requirements.lock and none that only development needs."""
    names = hidden()
    assert {"pytest", "mypy", "rich", "pygments"} <= set(names)
    assert not {"bridge", "mappings", "connectors", "httpx", "structlog", "sqlalchemy", "psycopg"} & set(names)
    code = "import bridge.serve, bridge.cli.main, sys; print('uvicorn' in sys.modules, 'rich' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **only_installed()},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "True False", done.stderr

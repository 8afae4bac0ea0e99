"""The benchmark runs and its figures are of the right things. How fast anything is, no test says."""

import json
import os
import subprocess
import sys

import pytest

from tests.bench.__main__ import MEASURES, TABLE, run, written_down
from tests.bench.figures import Results
from tests.bench.installed import ROOT, hidden, only_installed
from tests.bench.plan import Plan
from tests.bench.wire import Messages

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
        ("lines", {f"12 × 2 lines until on the desk, {count}, p99" for count in ("1 process", "2 processes")}),
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
        "processes", "lines",
    }  # fmt: skip
    assert set(TABLE) < set(MEASURES)


def test_a_new_table_leaves_the_rows_of_what_was_not_measured() -> None:
    results = Results(say=lambda _line: None)
    results.machine = {"cores": 2, "machine": "m", "python": "3", "sqlite": "3", "load": 0.1}
    results.figure("relay", "bridge", "relayed/s", 900)
    old = "xml        bridge                          12,538     10,779     13,305  callbacks/s   cpu_us 92.5"
    page = f"above\n<!-- results -->\n2025-01-01, of old:\n\n```text\nmeasure    what\n{old}\nrelay      bridge  700\n```\n<!-- end of results -->\nbelow"
    for _ in range(2):
        page = written_down(page, results, "2026-01-05", SMALL)
    assert page.startswith("above\n<!-- results -->\n2026-01-05, 2 cores")
    assert page.endswith("<!-- end of results -->\nbelow")
    assert page.count(old) == page.count("relay      bridge") == 1
    assert "700" not in page


def test_statements_are_counted_on_their_way_however_they_are_cut() -> None:
    typed = [(b"Q", b"BEGIN\0"), (b"P", b"E" * 300), (b"B", b""), (b"E", b"\0" * 5), (b"E", b"\0" * 5), (b"S", b"")]
    sent = (8).to_bytes(4) + b"QQQQ" + b"".join(kind + (len(body) + 4).to_bytes(4) + body for kind, body in typed)
    for size in (1, 7, len(sent)):
        seen = Messages(startup=True)
        for place in range(0, len(sent), size):
            seen.feed(sent[place : place + size])
        assert seen.counts == {ord("Q"): 1, ord("P"): 1, ord("B"): 1, ord("E"): 2, ord("S"): 1}


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

"""Processes on one PostgreSQL by what they cost, not by the clock: a machine where they share cores with database and
load says nothing of how they scale. And twelve customers who write fifteen lines each, all at once.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, Self

import psycopg
from sqlalchemy import make_url

from tests.bench.figures import Results
from tests.bench.plan import Plan
from tests.bench.relay import checked
from tests.bench.rig import Facts, Program, Rig, desk_stats
from tests.bench.wire import Wire
from tests.postgres import Cluster, server_binaries

_COUNTS = (1, 2)
_CUSTOMERS, _EVERY, _SECONDS = 12, 0.2, 3.0  # fifteen lines each
_SAMPLE = 0.02
_FLUSHED = 1.2  # seconds until a server's counts are complete


def measure_processes(rig: Rig, plan: Plan, results: Results) -> None:
    """The bridge's CPU and the database's for a message, with one process and two."""
    with _cluster(rig, results) as cluster:
        if cluster is None:
            return
        runs: dict[int, list[Facts]] = {count: [] for count in _COUNTS}
        for _ in range(plan.rounds):
            for count, found in runs.items():
                found.append(_relay(rig, cluster, plan, count))
        wired = {count: _relay(rig, cluster, plan, count, wired=True) for count in _COUNTS}
    for count, found in runs.items():
        results.figure(
            "processes", f"CPU of the bridge for a message, {_named(count)}", "µs", *(one["cpu_us"] for one in found),
            database_us=median(one["database_us"] for one in found), statements=wired[count]["statements"],
            round_trips=wired[count]["trips"], transactions=median(one["transactions"] for one in found),
            waiting=median(one["waiting"] for one in found), deadlocks=sum(one["deadlocks"] for one in found),
        )  # fmt: skip
    # a process has one interpreter, which keeps one core busy at most
    rates = {count: [count / one["cpu_us"] for one in found] for count, found in runs.items()}
    results.ratio("processes", "messages by CPU, 2 processes on 2 cores : 1 on 1", rates[2], rates[1], 1.6)
    for count, found in runs.items():
        own, base = (median(one[name] for one in found) for name in ("cpu_us", "database_us"))
        results.figure("processes", f"a core of the bridge carries, {_named(count)}", "messages/s", 1e6 / own)
        results.figure("processes", f"a core of the database carries, {_named(count)}", "messages/s", 1e6 / base)


def measure_lines(rig: Rig, plan: Plan, results: Results) -> None:
    """Twelve customers whom nobody knows write fifteen lines each, one every 0.2 s: until each is on the desk."""
    seconds = 0.4 if plan.quick else _SECONDS
    with _cluster(rig, results) as cluster:
        if cluster is None:
            return
        runs: dict[int, list[Facts]] = {count: [] for count in _COUNTS}
        for _ in range(plan.rounds):
            for count, found in runs.items():
                with _bridge(rig, cluster.new_database(), count) as (desk, programs, url), Watch(url) as watch:
                    rate = _CUSTOMERS / _EVERY
                    sent = rig.load([one.port for one in programs], mode="steady", rate=rate, seconds=seconds,
                                    customers=_CUSTOMERS, feed_port=desk.port)  # fmt: skip
                    found.append(checked(sent, desk, programs[0], int(rate * seconds)) | watch.seen())
    for count, found in runs.items():
        for name, most in (("p50", 300), ("p99", 2000)):
            values = [one["relay_ms"][name] for one in found]
            what = f"12 × {int(seconds / _EVERY)} lines until on the desk, {_named(count)}, {name}"
            results.figure("lines", what, "ms", *values, deadlocks=sum(one["deadlocks"] for one in found),
                           waiting=median(one["waiting"] for one in found))  # fmt: skip
            results.limit("lines", what, "ms", most, *values)


class Watch:
    """What one database says of itself while something goes on."""

    def __init__(self, url: str) -> None:
        self._name = make_url(url).database
        self._plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._looks = self._waits = 0

    def __enter__(self) -> Self:
        self._before = self._counts()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def seen(self) -> Facts:
        """`waiting`: how many sessions waited for a lock at a moment, on average."""
        self._over.set()
        self._thread.join()
        time.sleep(_FLUSHED)
        transactions, deadlocks = self._counts()
        return {
            "transactions": transactions - self._before[0],
            "deadlocks": deadlocks - self._before[1],
            "waiting": self._waits / max(1, self._looks),
        }

    def _counts(self) -> tuple[int, int]:
        with psycopg.connect(self._plain, autocommit=True) as connection:
            asked = "SELECT xact_commit + xact_rollback, deadlocks FROM pg_stat_database WHERE datname = %s"
            row = connection.execute(asked, (self._name,)).fetchone()
        assert row is not None
        return row[0], row[1]

    def _look(self) -> None:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
        with psycopg.connect(self._plain, autocommit=True) as connection:
            while not self._over.wait(_SAMPLE):
                row = connection.execute(asked, (self._name,)).fetchone()
                self._looks += 1
                self._waits += row[0] if row is not None else 0


def _relay(rig: Rig, cluster: Cluster, plan: Plan, count: int, *, wired: bool = False) -> Facts:
    """One round: everybody has a ticket, and writes again when the desk has the last message."""
    url, total = cluster.new_database(), plan.customers * plan.messages
    common: dict[str, Any] = {"mode": "chat", "customers": plan.customers}
    with Wire(url) as wire, _bridge(rig, wire.url if wired else url, count) as (desk, programs, _):
        ports = [one.port for one in programs]
        rig.load(ports, messages=1, feed_port=desk.port, **common)
        desk_stats(desk, reset=True)
        with Watch(url) as watch:
            own, base = sum(one.cpu() for one in programs), cluster.cpu()
            statements, trips = wire.statements, wire.trips
            sent = rig.load(ports, messages=plan.messages, feed_port=desk.port, **common, **{"from": 1})
            found = checked(sent, desk, programs[0], total)
            own, base = sum(one.cpu() for one in programs) - own, cluster.cpu() - base
            counted = {"statements": (wire.statements - statements) / total, "trips": (wire.trips - trips) / total}
            seen = watch.seen()
    seen["transactions"] /= total
    return found | counted | seen | {"cpu_us": own / total * 1e6, "database_us": base / total * 1e6}


@contextmanager
def _cluster(rig: Rig, results: Results) -> Iterator[Cluster | None]:
    binaries = server_binaries()
    if binaries is None:
        results.skip("PostgreSQL: no server binaries in /usr/lib/postgresql or on PATH")
        yield None
        return
    rig.pin = False  # the database needs a core as well
    with Cluster(binaries, fsync=True) as cluster:
        yield cluster


@contextmanager
def _bridge(rig: Rig, url: str, count: int) -> Iterator[tuple[Program, list[Program], str]]:
    """A desk, and so many processes on one database."""
    desk = rig.desk()
    config = rig.config(desk.port, url)
    programs = [rig.bridge(config) for _ in range(count)]
    try:
        yield desk, programs, url
    finally:
        for program in [*programs, desk]:
            rig.stop(program)


def _named(count: int) -> str:
    return f"{count} process{'es' if count > 1 else ''}"

"""A desk that was away: what a waiting message costs, and how the backlog goes out."""

import time

from bridge.testing.ports import free_port
from tests.bench.figures import Results
from tests.bench.plan import Plan
from tests.bench.rig import Program, Rig, ask, desk_stats

_EACH = 4  # messages of a customer


def measure_outage(rig: Rig, plan: Plan, results: Results) -> None:
    """Fills the queue while the desk is down, then lets the desk come back."""
    port = free_port()
    pause = "2s"
    program = rig.bridge(rig.config(port, breaker_pause=pause, backoff_max="5s"))
    time.sleep(1)
    before = program.memory()
    customers = plan.backlog // _EACH
    total = customers * _EACH
    found = rig.load([program.port], mode="flood", customers=customers, messages=_EACH, seconds=600)
    if found["acked"] != total:
        raise RuntimeError(f"{found}: {program.text()[-1000:]}")
    _until_routed(program)
    growth = (program.memory() - before) * 1024 / total
    results.figure("outage", f"memory of a queued message, {total:,} waiting", "KiB", growth, mb=program.memory())
    began = time.monotonic()
    desk = rig.desk(port)
    stats = desk_stats(desk)
    while stats["arrived"] < total and time.monotonic() - began < 1800:
        time.sleep(0.2)
        stats = desk_stats(desk)
    if stats["arrived"] != total or stats["doubled"] or stats["disordered"]:
        raise RuntimeError(f"the backlog of {total} did not go out in order: {stats}: {program.text()[-1000:]}")
    away = stats["first_at"] / 1e9 - began
    seconds = (stats["last_at"] - stats["first_at"]) / 1e9
    results.figure("outage", f"desk back until the first message (pause {pause})", "s", away)
    results.figure("outage", f"backlog of {total:,}, in order, once each", "messages/s", total / max(seconds, 1e-3),
                   seconds=seconds, peak_calls_per_s=stats["peak"], connections=stats["connections"])  # fmt: skip


def _until_routed(program: Program, seconds: float = 600) -> None:
    """All payloads are routed: the inbox gauge has no ready ones."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page = ask(program.port, "/metrics")[1].decode()
        ready = [line for line in page.splitlines() if "inbox" in line and 'state="ready"' in line]
        if not any(float(line.rpartition(" ")[2]) for line in ready):
            return
        time.sleep(0.3)
    raise RuntimeError("the payloads were not routed")

"""Several processes on one PostgreSQL, which syncs its commits."""

from statistics import median
from typing import Any

from tests.bench.figures import Results
from tests.bench.plan import Plan
from tests.bench.relay import checked
from tests.bench.rig import Facts, Rig, desk_stats
from tests.postgres import Cluster, server_binaries


def measure_postgres(rig: Rig, plan: Plan, results: Results) -> None:
    """One, two (and four) processes that take callbacks and work."""
    binaries = server_binaries()
    if binaries is None:
        results.skip("PostgreSQL: no server binaries in /usr/lib/postgresql or on PATH")
        return
    cluster = Cluster(binaries, fsync=True)  # a benchmark of durability must sync
    cluster.start()
    rig.pin = False  # the database needs a core as well
    try:
        counts = (1, 2, 4) if plan.backlog > 20_000 else (1, 2)
        runs: dict[int, list[Facts]] = {count: [] for count in counts}
        for _ in range(plan.rounds):
            for count in counts:
                runs[count].append(_round(rig, cluster, plan, count))
    finally:
        cluster.stop()
    for count, found in runs.items():
        results.figure("postgres", f"relay, {count} process{'es' if count > 1 else ''}", "relayed/s",
                       *(one["relayed_per_s"] for one in found), cpu_us=median(one["cpu_us"] for one in found))  # fmt: skip
        results.figure("postgres", f"callbacks while relaying, {count} process{'es' if count > 1 else ''}", "callbacks/s",
                       *(one["flood"] for one in found))  # fmt: skip
    for count in counts[1:]:
        pairs = zip(runs[count], runs[1], strict=True)
        speed = [many["relayed_per_s"] / one["relayed_per_s"] for many, one in pairs]
        results.figure("postgres", f"relay, {count} processes : 1", "×", *speed)


def _round(rig: Rig, cluster: Cluster, plan: Plan, count: int) -> Facts:
    desk = rig.desk()
    config = rig.config(desk.port, cluster.new_database())
    programs = [rig.bridge(config) for _ in range(count)]
    ports = [program.port for program in programs]
    common: dict[str, Any] = {"customers": plan.customers, "feed_port": desk.port}
    rig.load(ports, mode="chat", messages=1, **common)
    desk_stats(desk, reset=True)
    cpu = sum(program.cpu() for program in programs)
    found = rig.load(ports, mode="chat", messages=plan.messages, **common, **{"from": 1})
    found["cpu_us"] = (sum(program.cpu() for program in programs) - cpu) / max(1, found["relayed"]) * 1e6
    checked(found, desk, programs[0], plan.customers * plan.messages)
    # all at once: here order can only come from the queue
    burst = rig.load(ports, mode="flood", messages=plan.messages, **common, **{"from": 1 + plan.messages})
    checked(burst, desk, programs[0], plan.customers * plan.messages)
    rate = rig.load(ports, mode="flood", customers=plan.customers, messages=20, seconds=plan.seconds,
                      **{"from": 1 + 2 * plan.messages})  # fmt: skip
    found["flood"] = rate["acked_per_s"]
    for program in [*programs, desk]:
        rig.stop(program)
    return found

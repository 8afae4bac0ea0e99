"""The whole way: callback → desk. How many a second, in order, and how much later."""

from statistics import median
from typing import Any

from tests.bench.figures import Results
from tests.bench.plan import Plan
from tests.bench.rig import Facts, Program, Rig, desk_stats


def converse(rig: Rig, desk: Program, program: Program, plan: Plan) -> Facts:
    """Everybody has a ticket already; each customer's next message goes when the desk has the last."""
    begin(rig, desk, program, plan.customers)
    cpu = program.cpu()
    found = rig.load([program.port], mode="chat", customers=plan.customers, messages=plan.messages,
                       feed_port=desk.port, **{"from": 1})  # fmt: skip
    found["cpu_us"] = (program.cpu() - cpu) / max(1, found["relayed"]) * 1e6
    return checked(found, desk, program, plan.customers * plan.messages)


def begin(rig: Rig, desk: Program, program: Program, customers: int) -> None:
    """The first message of everybody makes their tickets."""
    rig.load([program.port], mode="chat", customers=customers, messages=1, feed_port=desk.port)
    stats = desk_stats(desk, reset=True)
    if stats["arrived"] != customers:
        raise RuntimeError(f"{stats['arrived']} of {customers} tickets were made: {program.text()[-1000:]}")


def checked(found: Facts, desk: Program, program: Program, total: int) -> Facts:
    """The desk's own account: every message once, in order. Anything else is a failure, not a figure."""
    stats = desk_stats(desk, reset=True)
    if stats["arrived"] != total or stats["doubled"] or stats["disordered"] or found["refused"]:
        raise RuntimeError(f"not in order or not complete ({total}): {stats}, {found}: {program.text()[-1000:]}")
    return {**found, "calls": sum(stats["calls"].values()) / total, "stats": stats}


def burst(rig: Rig, desk: Program, program: Program, plan: Plan) -> Facts:
    """Everybody writes all their messages at once: order must come from the queue, joining is allowed."""
    begin(rig, desk, program, plan.customers)
    found = rig.load([program.port], mode="flood", customers=plan.customers, messages=plan.messages,
                            feed_port=desk.port, **{"from": 1})  # fmt: skip
    return checked(found, desk, program, plan.customers * plan.messages)


def measure_relay(rig: Rig, plan: Plan, results: Results) -> None:
    """Against the same loop with one shared httpx client."""
    names = ("bridge", "plain", "sniffio", "lean", "promises", "eight", "burst")
    runs: dict[str, list[Facts]] = {name: [] for name in names}
    for _ in range(plan.rounds):
        for name, found in runs.items():
            desk = rig.desk()
            if name in {"bridge", "burst"}:
                program = rig.bridge(rig.config(desk.port))
            elif name in {"promises", "eight"}:
                program = rig.peer("relay_promises", str(desk.port), "8" if name == "eight" else "32")
            else:
                program = rig.peer("relay_httpx", str(desk.port), name)
            run = burst if name == "burst" else converse
            found.append(run(rig, desk, program, plan))
            rig.stop(program)
            rig.stop(desk)
    titles = {
        "bridge": "bridge",
        "plain": "the loop, one shared plain httpx client",
        "sniffio": "the same with sniffio installed",
        "lean": "the same loop on the bridge's HTTP (no promise kept)",
        "promises": "the same with the fewest statements for the promises",
        "eight": "the same, eight steps at a time, as the bridge sends",
        "burst": "bridge, all messages of a customer at once",
    }
    for name, title in titles.items():
        results.figure("relay", title, "relayed/s", *rates(runs[name]), **means(runs[name], "cpu_us", "calls"))
    results.ratio("relay", "bridge : one shared plain httpx client", rates(runs["bridge"]), rates(runs["plain"]), 5)
    floors = {  # before any promise is kept, and with all of them at their lowest price
        "lean": "the loop on the bridge's HTTP",
        "promises": "with the fewest statements",
        "eight": "with them, eight at a time",
    }
    for name, title in floors.items():
        pairs = zip(rates(runs[name]), rates(runs["plain"]), strict=True)
        results.figure("relay", f"{title} : one plain httpx client", "×", *(a / b for a, b in pairs))
    results.ratio("relay", "bridge : the same with sniffio", rates(runs["bridge"]), rates(runs["sniffio"]), 5)


def rates(found: list[Facts]) -> list[float]:
    return [one["relayed_per_s"] for one in found]


def means(found: list[Facts], *names: str) -> dict[str, Any]:
    return {name: median(one[name] for one in found) for name in names if all(name in one for one in found)}


def measure_acknowledgement(rig: Rig, plan: Plan, results: Results) -> None:
    """1,000 callbacks a second, relayed at the same time as far as they can be."""
    rate = 200 if plan.quick else 1000
    runs = []
    for _ in range(plan.rounds):
        desk = rig.desk()
        program = rig.bridge(rig.config(desk.port))
        begin(rig, desk, program, plan.customers)

        runs.append(rig.load([program.port], mode="steady", rate=rate, seconds=max(0.5, plan.seconds * 2.5),
                               customers=plan.customers, **{"from": 1}))  # fmt: skip
        rig.stop(program)
        rig.stop(desk)
    for name in ("p50", "p99", "p999"):
        results.figure(
            "ack", f"acknowledgement at {rate:,}/s while relaying, {name}", "ms", *(one["ack_ms"][name] for one in runs)
        )
    results.limit(
        "ack", f"acknowledgement at {rate:,}/s while relaying, p99", "ms", 10, *(one["ack_ms"]["p99"] for one in runs)
    )


def measure_added(rig: Rig, plan: Plan, results: Results) -> None:
    """200 messages a second: from the moment a callback is due until the desk has it."""
    runs = []
    for _ in range(plan.rounds):
        desk = rig.desk()
        program = rig.bridge(rig.config(desk.port))
        begin(rig, desk, program, plan.customers)
        seconds = max(0.5, plan.seconds * 2.5)
        found = rig.load([program.port], mode="steady", rate=200, seconds=seconds, customers=plan.customers,
                           feed_port=desk.port, **{"from": 1})  # fmt: skip
        runs.append(checked(found, desk, program, int(200 * seconds)))
        rig.stop(program)
        rig.stop(desk)
    for name, target in (("p50", 3), ("p99", 10)):
        values = [one["relay_ms"][name] for one in runs]
        results.figure("added", f"callback until the desk has it, at 200/s, {name}", "ms", *values)
        results.limit("added", f"callback until the desk has it, at 200/s, {name}", "ms", target, *values)

"""Memory, start-up and the cost of a message, from an empty bridge to a long past."""

import time
from statistics import median

from tests.bench.figures import Results
from tests.bench.fill import filled
from tests.bench.installed import only_installed
from tests.bench.plan import Plan
from tests.bench.relay import checked
from tests.bench.rig import Rig


def measure_memory(rig: Rig, plan: Plan, results: Results) -> None:
    """Idle, and with 10,000 open conversations of which many speak, with what a user has installed and no more."""
    desk = rig.desk()
    installed = only_installed()
    program = rig.bridge(rig.config(desk.port), environment=installed)
    time.sleep(0.5 if plan.quick else 3)
    results.limit("memory", "idle bridge (packages of requirements.lock)", "MB", 80, program.memory())
    rig.stop(program)
    count = 100 if plan.quick else 10_000
    config, _ = filled(rig, desk, count)
    program = rig.bridge(config, environment=installed)
    time.sleep(0.5)
    start = program.memory()
    speaking = plan.customers * 5
    stride = max(1, count // speaking)
    speaking = min(speaking, count)
    rig.load(
        [program.port], mode="chat", customers=speaking, messages=1, stride=stride, feed_port=desk.port, **{"from": 1}
    )
    checked({"refused": 0}, desk, program, speaking)
    results.figure("memory", f"with {count:,} open conversations, just started", "MB", start)
    results.figure("memory", f"after {speaking:,} of them spoke", "MB", program.memory())


def measure_size(rig: Rig, plan: Plan, results: Results) -> None:
    """10^4, 10^5, 10^6 conversations and messages: start-up, cost of a message, memory."""
    desk = rig.desk()
    sizes = [size for size in (10_000, 100_000, 1_000_000) if size < plan.stored] + [plan.stored]
    if plan.quick:
        sizes = [200, plan.stored]
    configs = {}
    for size in sizes:
        began = time.monotonic()
        configs[size], base = filled(rig, desk, size)
        results.say(f"filled {size:,}: {base.stat().st_size / 2**20:,.0f} MB in {time.monotonic() - began:.0f} s")
    starts: dict[int, list[float]] = {size: [] for size in sizes}
    costs: dict[int, list[float]] = {size: [] for size in sizes}
    rates: dict[int, list[float]] = {size: [] for size in sizes}
    memory: dict[int, float] = {}
    for turn in range(plan.rounds):
        for size in sizes:
            program = rig.bridge(configs[size], ready=False)
            starts[size].append(program.until_ready())
            customers = min(plan.customers, size // 2)
            cpu = program.cpu()
            found = rig.load(
                [program.port], mode="chat", customers=customers, messages=plan.messages, stride=size // customers,
                feed_port=desk.port, **{"from": 1 + turn * plan.messages},
            )  # fmt: skip
            costs[size].append((program.cpu() - cpu) / (customers * plan.messages) * 1e6)
            checked(found, desk, program, customers * plan.messages)
            rates[size].append(found["relayed_per_s"])
            memory[size] = program.memory()
            rig.stop(program, gently=True)
    for size in sizes:
        results.figure("size", f"start to ready, {size:,} stored", "s", *starts[size], memory_mb=memory[size])
        results.figure(
            "size", f"CPU of a relayed message, {size:,} links", "µs", *costs[size], per_s=median(rates[size])
        )
    ratios = [large / small for large, small in zip(costs[sizes[-1]], costs[sizes[0]], strict=True)]
    results.limit("size", f"CPU of a message at {sizes[-1]:,} : at {sizes[0]:,}", "×", 1.3, *ratios)

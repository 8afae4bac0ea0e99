"""The bridge under cProfile, each thread by itself: `python -m tests.bench.profiled` prints where the time goes.

As a child it is `python -m tests.bench.profiled FOLDER serve …`: the bridge's own command line.
"""

import cProfile
import io
import pstats
import sys
import threading
import time
from pathlib import Path

from bridge.testing.ports import free_port
from tests.bench.plan import Plan
from tests.bench.relay import converse
from tests.bench.rig import Rig

_TOP = 25


def child(folder: Path, arguments: list[str]) -> None:
    """Runs the bridge; at its end every thread leaves its profile."""
    plain = threading.Thread.run

    def run(thread: threading.Thread) -> None:
        profile = cProfile.Profile()
        try:
            profile.runcall(plain, thread)
        finally:
            profile.dump_stats(folder / f"{thread.name}.prof")

    threading.Thread.run = run  # type: ignore[method-assign] # every thread, also those of libraries
    profile = cProfile.Profile()
    sys.argv = ["bridge", *arguments]
    from bridge.cli.main import main

    try:
        profile.runcall(main)
    finally:
        profile.dump_stats(folder / "loop.prof")


def report(folder: Path, messages: int) -> str:
    """The costliest functions by own time, by thread, with µs for each message."""
    out = io.StringIO()
    for path in sorted(folder.glob("*.prof")):
        stats = pstats.Stats(str(path), stream=out)
        own = sorted(stats.stats.items(), key=lambda entry: entry[1][2], reverse=True)  # type: ignore[attr-defined] # not in the stubs
        waits = ("acquire", "select", "run_until_complete", "SimpleQueue", "'get'")
        busy = [(where, found) for where, found in own if not any(word in where[2] for word in waits)]
        total = sum(found[2] for _, found in busy)
        if total < 0.2:
            continue
        print(f"\n{path.stem}: {total:.2f} s busy, {total / messages * 1e6:,.0f} µs a message", file=out)
        print(f"{'µs own':>8} {'µs cum':>8} {'calls':>7}  function (a message)", file=out)
        for (file, line, name), (_, calls, alone, with_all, _) in busy[:_TOP]:
            short = "/".join(Path(file).parts[-3:])
            print(
                f"{alone / messages * 1e6:8.1f} {with_all / messages * 1e6:8.1f} {calls / messages:7.1f}  {short}:{line} {name}",
                file=out,
            )
        print("by total time, our own code:", file=out)
        ours = [entry for entry in busy if any(f"/{part}/" in entry[0][0] for part in ("bridge", "mappings", "connectors"))
                and "site-packages" not in entry[0][0]]  # fmt: skip
        for (file, line, name), (_, calls, alone, with_all, _) in sorted(ours, key=lambda entry: -entry[1][3])[:_TOP]:
            short = "/".join(Path(file).parts[-3:])
            print(
                f"{alone / messages * 1e6:8.1f} {with_all / messages * 1e6:8.1f} {calls / messages:7.1f}  {short}:{line} {name}",
                file=out,
            )
    return out.getvalue()


def main() -> None:
    plan = Plan(customers=200, messages=5)
    for what in ("ingest", "relay"):
        rig = Rig()
        try:
            folder = rig.folder / "profiles"
            folder.mkdir()
            desk, port = rig.desk(), free_port()
            flags = ["--no-work"] if what == "ingest" else []
            command = [sys.executable, "-m", "tests.bench.profiled", str(folder), "serve", "--config",
                       str(rig.config(desk.port)), "--port", str(port), *flags]  # fmt: skip
            program = rig.start(*command, port=port)
            if what == "ingest":
                found = rig.load([port], mode="flood", customers=400, messages=20, seconds=20)
                messages = found["acked"]
            else:
                found = converse(rig, desk, program, plan)
                messages = plan.customers * (plan.messages + 1)
            time.sleep(0.3)
            rig.stop(program, gently=True)
            sys.stdout.write(f"== {what}: {messages} messages under the profiler (about half as fast as without)\n")
            sys.stdout.write(report(folder, messages))
        finally:
            rig.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(Path(sys.argv[1]), sys.argv[2:])
    else:
        main()

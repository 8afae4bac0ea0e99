"""`python -m tests.bench`: a table while it runs and at the end, and everything as JSON on the last line."""

import argparse
import json
import os
import platform
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from tests.bench import console, ingest, outage, postgres, processes, relay, size
from tests.bench.figures import Results
from tests.bench.plan import FULL, NORMAL, QUICK, SHORT, Plan
from tests.bench.rig import ROOT, Rig

_PAGE = ROOT / "docs/performance.md"
_BEGIN, _END = "<!-- results -->", "<!-- end of results -->"
Measure = Callable[[Rig, Plan, Results], None]
MEASURES: dict[str, Measure] = {
    "ingest": ingest.measure_ingest,
    "xml": ingest.measure_xml,
    "slowdisk": ingest.measure_slow_disk,
    "relay": relay.measure_relay,
    "ack": relay.measure_acknowledgement,
    "added": relay.measure_added,
    "memory": size.measure_memory,
    "size": size.measure_size,
    "outage": outage.measure_outage,
    "console": console.measure_console,
    "consoles": console.measure_open_consoles,
    "postgres": postgres.measure_postgres,
    "processes": processes.measure_processes,
    "lines": processes.measure_lines,
}
# what docs/performance.md speaks of first
TABLE = ("relay", "postgres", "processes", "lines", "added", "ack", "ingest", "size")


def run(names: list[str], plan: Plan, *, pin: bool = True, say: Callable[[str], None] = print) -> Results:
    """The measures asked for, each on a rig of its own."""
    results = Results(say=say)
    results.machine = {
        "cores": os.cpu_count(), "machine": platform.machine(), "system": platform.platform(),
        "python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "load": os.getloadavg()[0],
        "pinned": pin,
    }  # fmt: skip
    for name in names:
        rig = Rig(pin=pin)
        began = time.monotonic()
        try:
            MEASURES[name](rig, plan, results)
        except Exception as error:  # one measure's trouble must not cost the others
            results.fail(name, str(error) or type(error).__name__)
        finally:
            rig.close()
        say(f"-- {name}: {time.monotonic() - began:.0f} s")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", help=f"measures, with commas: {', '.join(MEASURES)}")
    parser.add_argument("--quick", action="store_true", help="proves that it runs; the figures mean nothing")
    parser.add_argument("--full", action="store_true", help="the longest backlog")
    parser.add_argument(
        "--table",
        action="store_true",
        help="what docs/performance.md begins with, in eight minutes, as it stands there",
    )
    parser.add_argument("--rounds", type=int, help="instead of 5")
    parser.add_argument("--kept", default="", metavar="DIR", help="keep the filled database there, and use it again")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--no-pin", action="store_true", help="leave the choice of cores to the system")
    chosen = parser.parse_args()
    names = chosen.only.split(",") if chosen.only else list(TABLE if chosen.table else MEASURES)
    if unknown := [name for name in names if name not in MEASURES]:
        parser.error(f"no such measure: {', '.join(unknown)}")
    plan = QUICK if chosen.quick else FULL if chosen.full else SHORT if chosen.table else NORMAL
    plan = replace(plan, rounds=chosen.rounds or plan.rounds, kept=chosen.kept)
    began = time.strftime("%Y-%m-%d")
    results = run(names, plan, pin=not chosen.no_pin, say=_say)
    if chosen.write:
        _PAGE.write_text(written_down(_PAGE.read_text("utf-8"), results, began, plan), "utf-8")
    shown = block(results, began, plan) if chosen.table else results.table()
    sys.stdout.write(f"{shown}\n{json.dumps(results.as_json(), ensure_ascii=False)}\n")
    sys.exit(1 if results.failed else 0)


def block(results: Results, day: str, plan: Plan) -> str:
    """The table as it stands in docs/performance.md."""
    machine = results.machine
    where = (
        f"{day}, {machine['cores']} cores ({machine['machine']}), Python {machine['python']}, SQLite {machine['sqlite']}, "
        f"{plan.rounds} rounds, load {machine['load']:.1f} before the start:"
    )
    return f"{where}\n\n```text\n{results.table().rstrip()}\n```"


def written_down(page: str, results: Results, day: str, plan: Plan) -> str:
    """The page with the table between its marks. Rows of what was not measured this time stand below it, as they are."""
    before, _, rest = page.partition(_BEGIN)
    old, _, after = rest.partition(_END)
    measured = {one.measure for one in (*results.figures, *results.ratios)}
    rows = [line for line in old.splitlines() if line[:10].strip() not in measured and line[11:].strip()]
    kept = [line for line in rows if line[10:11] == " " and not line.startswith(("measure ", "```", "20"))]
    older = f"\n\nOlder rows:\n\n```text\n{chr(10).join(kept)}\n```" if kept else ""
    return f"{before}{_BEGIN}\n{block(results, day, plan)}{older}\n{_END}{after}"


def _say(line: str) -> None:
    """Beside the results: they go to standard output when all is done."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()

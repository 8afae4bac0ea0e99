"""`python -m tests.bench.crowd`: four processes on one PostgreSQL write to a hundred conversations for a minute, from both
sides, with notes, commands and hand-overs. Prints the deadlocks; fails when there is one, or when a word is missing.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.databases import bring_up_to_date
from tests.engine.crowd import check, run_crowd
from tests.engine.test_locks import deadlocks
from tests.postgres import Cluster, server_binaries


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.crowd", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--links", type=int, default=100)
    options = parser.parse_args()
    binaries = server_binaries()
    if binaries is None:
        parser.error("no server binaries of PostgreSQL")
    with Cluster(binaries, fsync=True) as cluster, tempfile.TemporaryDirectory() as folder:
        url = bring_up_to_date(cluster.new_database())
        began = time.monotonic()
        said, arrived = run_crowd(url, Path(folder), **vars(options))
        found = deadlocks(url)
        sys.stdout.write(
            f"{sum(said.values())} messages of {len(said)} customers, {len(arrived)} arrivals, {found} deadlocks, "
            f"{time.monotonic() - began:.0f} s\n"
        )
        check(said, arrived)
        sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

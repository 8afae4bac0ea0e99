"""Every surface under requests that hardly anybody would send: no 500, no hang, memory flat. `make fuzz` does it for long."""

import asyncio
import os
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.harness import callback, memory, opened, push, sign_in

SECONDS = float(os.environ.get("FUZZ_SECONDS", "1.5"))  # for each surface
SEED = int(os.environ.get("FUZZ_SEED", "0")) or time.time_ns()
GROWTH = 20 * 2**20
FEWEST = 24  # requests of each surface
LIMIT = int(SECONDS * 24 + 240)  # for thirteen surfaces, of which a test has four fifths (tests/limits.py)
pytestmark = pytest.mark.timeout(LIMIT)


async def test_every_surface(tmp_path: Path) -> None:
    async with opened(tmp_path) as (bridge, surfaces, phone):
        for name, make in surfaces.targets.items():  # what is loaded once is no growth
            for number in range(60):
                await push(bridge.port, make(Random(f"warm {name} {number}")))
        await sign_in(bridge, surfaces)
        before = memory(bridge)
        seen: dict[str, Counter[bytes]] = {}
        sizes = {"": before}  # after each surface, so that a leak has a name
        for name, make in surfaces.targets.items():
            counts = seen[name] = Counter()
            ends = time.monotonic() + SECONDS
            number = 0
            while time.monotonic() < ends or number < FEWEST:  # however busy the machine is
                for _ in range(8):
                    number += 1
                    data = make(Random(f"{SEED} {name} {number}"))
                    try:
                        answer = await push(bridge.port, data)
                    except TimeoutError:
                        pytest.fail(f"no answer: seed {SEED}, {name} {number}: {data[:400]!r}")
                    status = answer[9:12]
                    counts[status] += 1
                    assert status != b"500", f"seed {SEED}, {name} {number}: {data[:400]!r}"
            sizes[name] = memory(bridge)
        await asyncio.sleep(1)
        grown = memory(bridge) - before
        assert grown < GROWTH + 2**20 * SECONDS / 600, f"seed {SEED}: {grown} bytes more; {sizes}; {seen}"
        log = bridge.text()
        assert "bug while" not in log and "Traceback" not in log, log[-3000:]
        query, body = phone.push(phone.message("oStill_here", Content="hello"))
        assert (await push(bridge.port, callback(query, body))).endswith(b"success")
        assert all(sum(counts.values()) >= FEWEST for counts in seen.values()), seen

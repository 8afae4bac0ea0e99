"""A test that hangs ends by itself, and its fixtures after it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.limits import limited

HUNG = """
import asyncio
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.fixture
async def thing():
    yield
    await asyncio.sleep(0)
    print("put away")

async def test_that_hangs(thing):
    await asyncio.sleep(1000)

async def test_behind_it(thing):
    pass
"""


async def test_a_coroutine_is_cancelled_at_its_limit() -> None:
    ended = []

    async def hangs() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append(True)

    with pytest.raises(AssertionError, match="not finished after 0 s"):
        await limited(hangs, 0.01)()
    assert ended


async def test_a_test_s_own_time_out_stays_what_it_is() -> None:
    async def impatient() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(1000)

    with pytest.raises(TimeoutError):
        await limited(impatient, 60)()


def test_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "test_hung.py").write_text(HUNG)
    (tmp_path / "pyproject.toml").write_text('[tool.pytest]\nanyio_mode = "auto"\n')
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "tests.limits", "--timeout=10", str(tmp_path)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, timeout=60)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "not finished after 8 s" in done.stdout and done.stdout.count("put away") >= 2

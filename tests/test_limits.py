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


DEAF = """
import pathlib, signal, subprocess, time
import pytest

def test_deaf():
    pathlib.Path("{folder}/pid").write_text(str(subprocess.Popen(["sleep", "1000"]).pid))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(1000)

@pytest.mark.parametrize("number", range(3))
def test_other(number): pass
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


def run(folder: Path, text: str, *options: str) -> str:
    """What pytest says of a test file, with the limits of this project."""
    (folder / "test_hung.py").write_text(text)
    (folder / "pyproject.toml").write_text('[tool.pytest]\nanyio_mode = "auto"\ntimeout_method = "thread"\n')
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "tests.limits", *options, str(folder)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, timeout=60)
    return done.stdout + done.stderr


def test_the_run_goes_on(tmp_path: Path) -> None:
    said = run(tmp_path, HUNG, "--timeout=10")
    assert "1 failed, 1 passed" in said, said
    assert "not finished after 8 s" in said and said.count("put away") >= 2


def test_the_run_goes_on_behind_a_test_without_a_loop(tmp_path: Path) -> None:
    said = run(tmp_path, "import time\ndef test_a(): time.sleep(1000)\ndef test_b(): pass\n", "--timeout=2")
    assert "1 failed, 1 passed" in said and "not finished after 2 s" in said, said


def test_the_run_goes_on_without_a_worker_that_had_to_be_ended(tmp_path: Path) -> None:
    """What nothing interrupts takes its process with it, and what that one had started."""
    said = run(tmp_path, DEAF.format(folder=tmp_path), "--timeout=2", "-n2")
    assert "1 failed, 3 passed" in said and "crashed while running" in said and "test_deaf" in said, said
    server = int((tmp_path / "pid").read_text())
    state = Path(f"/proc/{server}/stat")
    assert not state.exists() or state.read_text().rsplit(") ", 1)[1][0] == "Z", "its server lives on"

"""Somebody who starts `bridge up` in an empty folder and opens what it prints."""

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path

from playwright.async_api import Page

from bridge.testing.ports import free_port

ADMIN, PASSWORD = "ada", "a long password"
_CODE = re.compile(r"Code\s+([A-Z0-9]{4}-[A-Z0-9]{4})")


class Newcomer:
    """One folder, one `bridge up` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / "up.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    async def start(self, *more: str) -> None:
        self.folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "bridge", "up", "--port", str(self.port), *more]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)

    def text(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    async def code(self, number: int = 1) -> str:
        """The last code that was printed, once there are so many."""
        async with asyncio.timeout(90):
            while len(found := _CODE.findall(self.text())) < number:
                assert self._process is not None
                assert self._process.poll() is None, self.text()
                await asyncio.sleep(0.1)
        return str(found[-1])

    async def ended(self) -> int:
        """Waits for its end; the exit code."""
        assert self._process is not None
        async with asyncio.timeout(60):
            while self._process.poll() is None:
                await asyncio.sleep(0.05)
        return self._process.returncode

    async def stop(self, number: int = signal.SIGTERM) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        return await self.ended()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid


async def enter(page: Page, who: Newcomer, number: int = 1) -> None:
    """Opens the set-up with the code of the terminal."""
    code = await who.code(number)
    await page.goto(who.base)
    await page.fill("#code", code.lower())
    await page.press("#code", "Enter")
    await page.wait_for_selector("nav.steps")


async def fill_you(page: Page, language: str = "en") -> None:
    await page.fill("#name", ADMIN)
    await page.fill("#password", PASSWORD)
    await page.select_option("#language", language)
    await page.click("main button.main")
    await page.wait_for_url("**/setup/address")


async def give_address(page: Page, address: str) -> None:
    await page.fill("input[name=url]", address)
    await page.press("input[name=url]", "Enter")


async def values(page: Page) -> dict[str, str]:
    """What is to be entered at the vendor, by the key of the account."""
    found: dict[str, str] = await page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('.value')].map((one) => [one.dataset.value, one.textContent]))"
    )
    return found

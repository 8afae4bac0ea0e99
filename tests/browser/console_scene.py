"""A serving bridge between a simulated platform and a simulated desk, with people who may sign in to its console."""

import asyncio
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize

from bridge.testing.e2e.process import Process, until
from connectors.rt.simulator import Simulator as DeskSimulator
from connectors.wechat.simulator import Simulator as PhoneSimulator

PASSWORD = "a long password"
EVIL = "<script>document.title='stolen'</script><img src=x onerror=alert(1)>"
PAGES = (
    "overview",
    "conversations",
    "problems",
    "people",
    "accounts",
    "routes",
    "bots",
    "figures",
    "audit",
    "settings",
)
WIDE: ViewportSize = {"width": 1366, "height": 768}
PHONE: ViewportSize = {"width": 390, "height": 844}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@dataclass
class ConsoleScene:
    """Everything around one bridge."""

    phone: PhoneSimulator
    desk: DeskSimulator
    bridge: Process
    browser: Browser
    console_errors: list[str] = field(default_factory=list)

    async def add_user(self, name: str, role: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command("console", "add-user", name, "--role", role),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, error = await process.communicate(f"{PASSWORD}\n".encode())
        assert process.returncode == 0, error.decode()

    def _command(self, *arguments: str) -> list[str]:
        import sys

        return [sys.executable, "-m", "bridge", *arguments, "--config", str(self.bridge.config)]

    async def context(self, **options: Any) -> BrowserContext:
        context = await self.browser.new_context(**{"locale": "en-GB", "viewport": WIDE, **options})
        context.set_default_timeout(30_000)
        return context

    async def signed_in(self, name: str, **options: Any) -> Page:
        """Somebody at the overview."""
        page = await (await self.context(**options)).new_page()
        page.on("console", lambda said: self.console_errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        await page.goto(self.url(""))
        await page.fill("input[name=name]", name)
        await page.fill("input[name=password]", PASSWORD)
        await page.press("input[name=password]", "Enter")
        await page.wait_for_selector("main h1:has-text('Overview'), main h1:has-text('概览')")
        return page

    def url(self, path: str) -> str:
        return f"{self.bridge.base}/console/{path}"

    async def language(self, page: Page, language: str, theme: str = "") -> None:
        await page.goto(self.url("settings"))
        await page.select_option("select[name=language]", language)
        await page.select_option("select[name=theme]", theme)
        await page.click("form[action='/console/settings/look'] button")
        await page.wait_for_selector(f"html[lang={'zh-CN' if language == 'zh' else 'en'}] .said")

    async def answers(self, ticket: str, text: str) -> None:
        await self.desk.agent_says(ticket, text)

    async def fill(self) -> None:
        """Something of everything: talks, answers, a failure, a refusal, something unreadable, words that bite."""
        phone, desk = self.phone, self.desk
        for number, words in enumerate(
            ("你好，请问这款还有货吗？", "Where is my order 4711?", f"look: {EVIL}", "发票什么时候开？")
        ):
            await phone.enters(f"oCustomer_{number}", session_from=f"pages/order-{number}")
            await phone.says(f"oCustomer_{number}", words)
            await until(lambda made=number + 1: len(desk.state.tickets) == made)  # their numbers are their customers'
        first, second, third, fourth = map(str, sorted(desk.state.tickets))
        await desk.agent_says(first, "有货，今天下单明天送达。")
        await desk.agent_says(third, f"answer {EVIL}")
        await until(lambda: len(phone.received("oCustomer_0")) == 1 and len(phone.received("oCustomer_2")) == 1)
        phone.fail(45166, f"invalid content {EVIL}")
        await desk.agent_says(second, "It left our house this morning.")
        await until(lambda: "45166" in self.bridge.text())
        phone.fail(40003, "invalid openid")
        await desk.agent_says(fourth, "今天下午开具。")
        await until(lambda: "40003" in self.bridge.text())
        other = type(phone)(
            hook_url=phone.hook_url,
            deliveries=1,
            token="another",
            encoding_aes_key=phone.encoding_aes_key,
            app_id=phone.app_id,
        )
        async with other:
            await other.says("oCustomer_0", "nobody may read this")
        await asyncio.sleep(2.5)  # what was refused is written down every two seconds

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """The bridge's process can make no file longer: to it every disk is full."""
        assert self.bridge._process is not None
        pid = self.bridge._process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            yield
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    def make_read_only(self) -> None:
        """Another program holds the database's writer: reads go on."""
        self._holding = sqlite3.connect(self.bridge.folder / "bridge.db", isolation_level=None, timeout=20)
        self._holding.execute("BEGIN EXCLUSIVE")

    def make_writable(self) -> None:
        self._holding.execute("ROLLBACK")
        self._holding.close()


def a_bridge(folder: Path, phone: PhoneSimulator, desk: DeskSimulator) -> Process:
    """Not started yet."""
    accounts = {"shop": phone.settings(), "desk": desk.settings()}
    bridge = Process(
        folder,
        f"sqlite+aiosqlite:///{folder}/bridge.db",
        accounts,
        [{"channel": "shop", "desk": "desk", "tags": ["vip"]}],
    )
    phone.hook_url, desk.hook_url = bridge.hook("shop"), bridge.hook("desk")
    return bridge

"""A real browser, a serving bridge, a shop. Left out with one line where there is no Chromium."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from bridge.testing.e2e.process import Process
from tests import optional
from tests.browser.page_harness import AGENTS, PASSWORD, Shop, chromium, make_bridge

_HERE = Path(__file__).parent
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


async def until(page: Page, expression: str, seconds: float = 30) -> None:
    """Asks the page again and again: its own polling would need eval, which the shop's policy forbids, and a promise
    that waits for an event waits for ever when the event was earlier.
    """
    try:
        async with asyncio.timeout(seconds):
            while not await page.evaluate(expression):
                await asyncio.sleep(0.05)
    except TimeoutError:
        state = (
            "() => [document.visibilityState, document.readyState, document.documentElement.outerHTML.slice(0, 2000)]"
        )
        seen = await asyncio.wait_for(page.evaluate(state), 5)
        raise AssertionError(f"never true at {page.url}: {expression}: {seen}") from None


async def loaded(page: Page) -> None:
    """The loader's script, which the page does not wait for, has come."""
    await until(page, "() => Boolean(window.bridgeChat && window.bridgeChat.open)")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = [item for item in items if item.path.is_relative_to(_HERE)]
    for item in here:
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.timeout(400))
    if not chromium():
        optional.leave_out(items, config, "browser", "no chromium on PATH; or name one in $CHROMIUM", here)


@dataclass
class FakeVendors:
    """A bridge, a shop, a browser. Every person has a context (cookies, storage) of their own."""

    bridge: Process
    shop: Shop
    browser: Browser

    async def person(self, **options: Any) -> BrowserContext:
        context = await self.browser.new_context(**{"locale": "en-GB", **options})
        context.set_default_timeout(30_000)
        return context

    async def visitor(self, **options: object) -> Page:
        """Somebody in the shop, the chat not yet open."""
        page = await (await self.person(**options)).new_page()
        await page.goto(self.shop.base + "/p/17")
        await loaded(page)
        return page

    async def agent(self, name: str = AGENTS[0], **options: object) -> Page:
        """An agent who is signed in at the desk."""
        page = await (await self.person(**{"viewport": {"width": 1366, "height": 800}, **options})).new_page()
        await page.goto(self.bridge.base + "/desk/site/")
        await page.fill("input[name=name]", name)
        await page.fill("input[name=password]", PASSWORD)
        await page.click("#sign button")
        await page.wait_for_selector("#desk:not([hidden])")
        return page


@pytest.fixture
async def vendors(tmp_path: Path) -> AsyncIterator[FakeVendors]:
    shop = Shop("")
    bridge = make_bridge(tmp_path, allowed_origins=[shop.base])
    shop.bridge = bridge.base
    await bridge.start()
    await shop.start()
    async with async_playwright() as player:
        browser = await player.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield FakeVendors(bridge, shop, browser)
        await browser.close()
    await shop.stop()
    await bridge.close()

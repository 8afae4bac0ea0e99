"""`bridge demo` as its visitor sees it: a phone, the desk, the messages' way, and a shop with the widget."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Browser, Frame, Page, async_playwright

from bridge.contract import ConnectorError, Http
from bridge.testing.ports import free_port
from tests.browser.conftest import ARGUMENTS, until
from tests.browser.page_harness import chromium
from tests.browser.test_access import faults
from tests.browser.test_both_sides import open_first, panel, picture, say


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "bridge", "demo", "--port", str(port), "--data", str(tmp_path / "demo")]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        await answers(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        assert process.wait(20) == 0
    assert "Traceback" not in (tmp_path / "log").read_text("utf-8")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as player:
        browser = await player.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        await browser.close()


async def answers(address: str) -> None:
    http = Http(timeout=5, home=address)
    async with asyncio.timeout(60):
        while True:
            with suppress(ConnectorError):
                if (await http.request("GET", address)).ok:
                    break
            await asyncio.sleep(0.1)
    await http.close()


async def desk_of(page: Page) -> Frame:
    element = await page.wait_for_selector("iframe#desk")
    frame = await element.content_frame()
    assert frame is not None
    await frame.wait_for_selector("#desk:not([hidden])")
    return frame


async def test_both_sides_of_one_page_talk(address: str, browser: Browser) -> None:
    page = await browser.new_page()
    await page.goto(address)
    desk = await desk_of(page)
    assert await faults(page) == [], "the product"
    await page.click("#contact")
    await page.fill("#text", "Is the mug in stock?")
    await page.press("#text", "Enter")
    await open_first(desk)
    await desk.wait_for_selector(".msg:has-text('Is the mug in stock?')")
    await page.wait_for_selector("#bubbles .customer:has-text('Is the mug in stock?')")
    stations = ("received", "stored", "delivered", "accepted")
    await until(
        page,
        f"() => [...document.querySelectorAll('#way li')].some((one) => {list(stations)}.every((word) => one.textContent.includes(word)))",
    )
    await say(desk, "Three of them.")
    await page.wait_for_selector("#bubbles .service:has-text('Three of them.')")
    await page.set_input_files("#file", [{"name": "mug.jpg", "mimeType": "image/jpeg", "buffer": picture()}])
    await desk.wait_for_selector(".msg .pic img")
    await page.click("#card")
    await desk.wait_for_selector(".msg:has-text('Mug, 350 ml')")
    assert await page.locator("#bubbles .fault, #way li.bad").count() == 0
    assert await faults(page) == []
    assert await faults(desk) == []


async def test_the_shop_beside_it_has_the_widget(address: str, browser: Browser) -> None:
    page = await browser.new_page(locale="en-GB")
    await page.goto(address)
    desk = await desk_of(page)
    async with page.context.expect_page() as opened:
        await page.click("nav a")
    shop = await opened.value
    chat = await panel(shop)
    await say(chat, "from the shop")
    await open_first(desk)
    await desk.wait_for_selector(".msg:has-text('from the shop')")
    await say(desk, "hello, shop")
    await chat.wait_for_selector(".msg:not(.me):has-text('hello, shop')")
    assert await faults(shop) == []

"""`bridge demo` as its visitor sees it: a phone, the desk, the messages' way, and a shop with the widget."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Browser, Frame, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

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
        try:
            await answers(f"http://127.0.0.1:{port}/readyz")
            yield f"http://127.0.0.1:{port}"
        finally:
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


STATE = "async () => (await fetch('/demo/state')).json()"


async def frame_of(page: Page, selector: str) -> Frame:
    element = await page.wait_for_selector(selector)
    frame = await element.content_frame()
    assert frame is not None
    return frame


async def desk_of(page: Page) -> Frame:
    frame = await frame_of(page, "iframe#desk")
    await frame.wait_for_selector("#desk:not([hidden])")
    return frame


async def separators(page: Page) -> list[str]:
    """What stands between messages of these moments, on a Sunday at 13:06."""
    moments = ["2026-11-29T13:05", "2026-11-28T23:59", "2026-11-27T00:00", "2026-11-01T09:30", "2025-12-31T23:59"]
    script = "moments => moments.map((at) => phone.time(Date.parse(at), new Date('2026-11-29T13:06')))"
    found: list[str] = await page.evaluate(script, moments)
    return found


async def ask(page: Page, text: str) -> None:
    """The customer writes."""
    if await page.is_visible("#contact"):
        await page.click("#contact")
    await page.fill("#text", text)
    await page.press("#text", "Enter")
    await page.wait_for_selector(f"#bubbles .customer:has-text('{text}')")


async def break_it(page: Page, verb: str, said: str) -> None:
    """Presses a button of the panel, and waits for what it says."""
    if not await page.is_visible("#pane-break"):
        await page.click("#tab-break")
    await page.click(f"[data-break={verb}]")
    await page.wait_for_selector(f"#break-{verb} .now:has-text('{said}')", timeout=60_000)


async def desk_shows(page: Page, text: str, times: int = 1) -> Frame:
    """The desk, with the words in the conversation exactly so often."""
    async with asyncio.timeout(60):
        while True:
            with suppress(PlaywrightError, AssertionError):  # the frame is loaded anew now and then
                frame = await desk_of(page)
                if not await frame.locator(".msg").count():
                    await open_first(frame)
                if await frame.locator(f".msg:not(.note) .bubble:text-is('{text}')").count() == times:
                    return frame
            await asyncio.sleep(0.2)


async def test_both_sides_of_one_page_talk(address: str, browser: Browser) -> None:
    page = await browser.new_page()
    await page.goto(address)
    desk = await desk_of(page)
    assert await faults(page) == [], "the product"
    await ask(page, "When do you ship?")
    await page.wait_for_selector("#bubbles .service:has-text('within 24 hours')")
    await page.wait_for_selector("#bubbles .generated")
    await ask(page, "human")
    await page.wait_for_selector("#bubbles .service:has-text('handing you over')")
    await open_first(desk)
    for words in ("When do you ship?", "human"):
        await desk.wait_for_selector(f".msg:not(.note):has-text('{words}')")
    await desk.wait_for_selector(".msg.note:has-text('within 24 hours')")
    await desk.wait_for_selector(".msg.note:has-text('the customer asks for a person')")
    await page.wait_for_selector("#step1.ticked")
    assert "ticked" not in (await page.get_attribute("#step2", "class") or ""), "no machine does the visitor's steps"
    stations = ("received", "stored", "delivered", "accepted")
    await until(
        page,
        f"() => [...document.querySelectorAll('#way li')].some((one) => {list(stations)}.every((word) => one.textContent.includes(word)))",
    )
    await say(desk, "Three of them.")
    await page.wait_for_selector("#bubbles .service:has-text('Three of them.')")
    await page.wait_for_selector("#step2.ticked")
    await ask(page, "When do you ship it?")
    await desk.wait_for_selector(".msg:not(.note):has-text('When do you ship it?')")
    assert await page.locator("#bubbles .service").count() == 3, "the bot is silent once a person has answered"
    await page.set_input_files("#file", [{"name": "mug.jpg", "mimeType": "image/jpeg", "buffer": picture()}])
    await desk.wait_for_selector(".msg .pic img")
    shown = "() => [...document.querySelectorAll('.msg .pic img')].every((one) => one.complete && one.naturalWidth > 1)"
    async with asyncio.timeout(30):
        while not await desk.evaluate(shown):
            await asyncio.sleep(0.1)
    await page.click("#card")
    await desk.wait_for_selector(".msg:has-text('Mug, 350 ml')")
    assert await page.locator("#bubbles .at").count() == 1, "the time stands above, once"
    assert await separators(page) == ["13:05", "Yesterday 23:59", "Friday 00:00", "Nov 1 09:30", "Dec 31, 2025 23:59"]
    assert await page.locator("#bubbles .said.card").count() == 1
    assert await page.locator("#bubbles .fault, #way li.bad").count() == 0
    assert await faults(page) == []
    assert await faults(desk) == []


async def test_the_answer_that_is_too_many_waits_as_the_page_says(address: str, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 1366, "height": 800})
    await page.goto(address)
    await ask(page, "hello")
    desk = await desk_shows(page, "hello")
    await page.wait_for_selector("#bubbles .service .said")  # the bot has said its word: four replies are left
    for number in range(1, 6):
        await say(desk, f"answer {number}")
        if number < 5:  # as somebody who looks at the phone: what is written meanwhile would share a reply
            await page.wait_for_selector(f"#bubbles .service:has-text('answer {number}')")
    await page.wait_for_selector("#step3 .waits:not([hidden])")
    await until(page, "() => document.querySelectorAll('#bubbles .service').length === 5")
    await page.click("#tab-console")
    console = await frame_of(page, "#console")
    await console.wait_for_selector("h1")
    await console.wait_for_selector("text=answer 5")
    assert "/console/conversations/" in console.url
    await page.click("#tab-desk")
    await ask(page, "still there?")
    await page.wait_for_selector("#bubbles .service:has-text('answer 5')")
    await page.wait_for_selector("#step3.ticked")
    shown = await page.locator("#bubbles .service:has-text('answer')").all_inner_texts()
    assert [text.split("answer ")[1] for text in shown] == ["1", "2", "3", "4", "5"]
    assert await page.locator("#bubbles .service").count() == 6


async def test_what_is_broken_heals_as_it_says(address: str, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 1366, "height": 800})
    page.set_default_timeout(90_000)  # a process is started anew, on a machine that may have much else to do
    await page.goto(address)
    await ask(page, "first words")
    await say(await desk_shows(page, "first words"), "I have it")  # from here on a person speaks
    await page.wait_for_selector("#bubbles .service:has-text('I have it')")
    said = await page.locator("#bubbles .service").count()
    # the desk is down: what is said meanwhile waits, and comes in order
    await break_it(page, "desk", "The desk is down")
    await ask(page, "while the desk is down, one")
    await ask(page, "while the desk is down, two")
    await page.wait_for_selector(
        "#break-desk .now:has-text('wait for it: 2'), #break-desk .now:has-text('wait for it: 1')"
    )
    assert await page.locator("#bubbles .fault").count() == 0, "the platform was told that it was taken"
    await break_it(page, "desk", "still wait: 0")
    await desk_shows(page, "while the desk is down, one")
    await desk_shows(page, "while the desk is down, two")
    # the serving process is killed: what is said meanwhile comes once
    before = (await page.evaluate(STATE))["broken"]["kill"]["pid"]
    await break_it(page, "kill", f"Process {before} was killed. Nobody serves.")
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    await break_it(page, "spend", "The bridge was killed. Start it again")
    await ask(page, "while it is dead")
    await break_it(page, "kill", f"Process {before} was killed, process")
    assert (await page.evaluate(STATE))["broken"]["kill"]["pid"] != before
    await desk_shows(page, "while it is dead")
    await desk_shows(page, "first words")
    # WeChat delivers twice
    await break_it(page, "twice", "WeChat called 2 times with one message. How often it reached the desk: 1")
    await desk_shows(page, "Is it dishwasher safe?")
    # the replies are spent
    await break_it(page, "spend", "Replies left: 0. Answers that wait: 1")
    assert await page.locator("#bubbles .service").count() == said + 5
    await ask(page, "go on")
    await page.wait_for_selector("#bubbles .service:has-text('Answer 6')")
    # two days later an answer waits for the customer
    await break_it(page, "later", "It is 48 hours later")
    desk = await desk_shows(page, "go on")
    await say(desk, "too late?")
    await page.click("#tab-trace")
    await page.wait_for_selector("#way li:has-text('waits for the customer')")
    assert await page.locator("#bubbles .service:has-text('too late?')").count() == 0
    await ask(page, "back again")
    await page.wait_for_selector("#bubbles .service:has-text('too late?')")
    assert await page.locator("#bubbles .at").count() == 2, "two days lie between"
    await page.click("#tab-break")
    assert await faults(page) == []


async def test_it_speaks_the_visitors_language(address: str, browser: Browser) -> None:
    page = await browser.new_page(locale="zh-CN")
    await page.goto(address)
    await page.wait_for_selector("#step1:has-text('提问')")
    assert await page.evaluate("() => document.documentElement.lang") == "zh-CN"
    assert await separators(page) == ["13:05", "昨天 23:59", "星期五 00:00", "11月1日 09:30", "2025年12月31日 23:59"]
    await ask(page, "多久发货？")
    await page.wait_for_selector("#bubbles .service:has-text('24 小时')")
    await page.wait_for_selector("#bubbles .generated:has-text('内容由 AI 生成')")
    await ask(page, "人工")
    await page.wait_for_selector("#bubbles .service:has-text('正在为您转接人工客服')")
    await page.wait_for_selector("#way li:has-text('发往客服台：已接受')")
    await page.click("#tab-break")
    shown = await page.inner_text("body")
    assert not re.search(r"\b(the|desk|bridge demo|waits|replies)\b", shown), shown
    desk = await desk_of(page)
    await open_first(desk)
    await desk.wait_for_selector(".msg.note:has-text('客户要求人工服务')")
    await page.click("#tab-trace")
    await page.wait_for_selector("#way li:has-text('发往机器人：已接受')")
    for number in range(6):
        await say(desk, f"回复 {number}")
    await desk.wait_for_selector(".msg.note:has-text('客户')")
    await page.click("nav a[lang=en]")
    await page.wait_for_selector("#step1:has-text('Ask')")


async def test_the_shop_beside_it_has_the_widget(address: str, browser: Browser) -> None:
    page = await browser.new_page(locale="en-GB")
    await page.goto(address)
    desk = await desk_of(page)
    async with page.context.expect_page() as opened:
        await page.click("nav a")
    shop = await opened.value
    chat = await panel(shop)
    await say(chat, "When do you ship?")
    await chat.wait_for_selector(".msg:not(.me):has-text('within 24 hours')")
    await say(chat, "human")
    await chat.wait_for_selector(".msg:not(.me):has-text('handing you over')")
    await open_first(desk)
    for words in ("When do you ship?", "human"):
        await desk.wait_for_selector(f".msg:not(.note):has-text('{words}')")
    await desk.wait_for_selector(".msg.note:has-text('within 24 hours')")
    await say(desk, "hello, shop")
    await chat.wait_for_selector(".msg:not(.me):has-text('hello, shop')")
    await say(chat, "and when do you ship abroad?")
    await desk.wait_for_selector(".msg:not(.note):has-text('ship abroad')")
    assert await chat.locator(".msg:not(.me)").count() == 3, "the bot is silent once a person has answered"
    assert "ticked" not in (await page.get_attribute("#step2", "class") or ""), "no machine does the visitor's steps"
    assert await faults(shop) == []
    for one in (page, shop):
        await one.emulate_media(color_scheme="dark")
        assert await faults(one, "color-contrast") == []

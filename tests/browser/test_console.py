"""The console in a real browser: every page empty, filled and with a database that takes no writes; repairs; two at once."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from bridge.testing.e2e.process import until as until_here
from connectors.rt.simulator import Simulator as DeskSimulator
from connectors.wechat.simulator import Simulator as PhoneSimulator
from tests.browser.conftest import ARGUMENTS, until
from tests.browser.console_scene import PAGES, PHONE, ConsoleScene, a_bridge
from tests.browser.page_harness import chromium
from tests.browser.test_access import faults

FILLED = [
    *PAGES,
    "conversations/2",
    "conversations/3",
    "accounts/shop",
    "accounts/desk",
    "people/1",
    "accounts/shop/checks",
]
LOOKS = [("en", "light", None), ("zh", "dark", PHONE)]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ConsoleScene]:
    async with PhoneSimulator() as phone, DeskSimulator() as desk, async_playwright() as player:
        bridge = a_bridge(tmp_path, phone, desk)
        await bridge.start()
        browser = await player.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        vendors = ConsoleScene(phone, desk, bridge, browser)
        await vendors.add_user("Ada", "admin")
        yield vendors
        await browser.close()
        await bridge.close()


async def looked_at(page: Page, vendors: ConsoleScene, paths: list[str]) -> None:
    """Each page: one main, its own heading, a language, nothing that axe finds, nothing wider than the screen."""
    wrong: dict[str, object] = {}
    headings = set()
    for path in paths:
        answer = await page.goto(vendors.url(path))
        assert answer is not None and answer.status == 200, (path, vendors.bridge.text()[-3000:])
        await page.wait_for_selector("main h1")
        if await page.locator("#checks").count():
            await page.wait_for_selector("#found dl, #found .good, #found .bad")
        shape = await page.evaluate(
            "() => [document.querySelectorAll('main').length, document.querySelectorAll('h1').length, document.title,"
            " document.documentElement.lang, document.documentElement.scrollWidth - window.innerWidth]"
        )
        headings.add(await page.inner_text("h1"))
        found = await faults(page)
        if shape[:2] != [1, 1] or "stolen" in shape[2] or not shape[3] or shape[4] > 0 or found:
            wrong[path] = [shape, found]
    assert wrong == {}
    assert len(headings) == len(paths)
    assert vendors.console_errors == [], "the policy was broken, or a script failed"


@pytest.mark.parametrize(("language", "theme", "screen"), LOOKS, ids=["english by day", "chinese by night on a phone"])
async def test_every_page_empty_and_filled(
    here: ConsoleScene, language: str, theme: str, screen: dict[str, int] | None
) -> None:
    door = await (await here.context(**({"viewport": screen} if screen else {}), color_scheme=theme)).new_page()
    await door.goto(here.url(""))
    assert await faults(door) == []
    page = await here.signed_in("Ada", **({"viewport": screen} if screen else {}))
    await here.language(page, language, theme)
    await looked_at(page, here, list(PAGES))
    await here.fill()
    await looked_at(page, here, FILLED)
    await page.goto(here.url("problems"))
    await page.click("tr[data-id] a")
    await page.wait_for_selector("#preview")
    assert await faults(page) == []
    await page.click("form[action$='/drop'] button")
    await page.wait_for_selector("button.danger")
    assert await faults(page) == []


async def test_pages_show_and_say_so_when_the_database_takes_no_writes(here: ConsoleScene) -> None:
    await here.fill()
    page = await here.signed_in("Ada")
    here.make_read_only()
    try:
        await looked_at(page, here, FILLED)
        await page.goto(here.url("conversations/2"))
        await page.click("form[action$='/hold'] button")
        await page.wait_for_selector(".alert, .said")
        assert "The database cannot be used just now" in await page.inner_text("main"), here.bridge.text()[-2000:]
        stranger = await (await here.context()).new_page()
        await stranger.goto(here.url(""))
        await stranger.fill("input[name=name]", "Ada")
        await stranger.fill("input[name=password]", "a long password")
        await stranger.press("input[name=password]", "Enter")
        await stranger.wait_for_selector(".alert")
    finally:
        here.make_writable()
    await until_here(lambda: "still" not in here.bridge.text(), 5)
    await page.goto(here.url("conversations/2"))
    await page.click("form[action$='/hold'] button")
    await page.wait_for_selector(".said")


async def test_an_operator_repairs_and_a_viewer_may_not(here: ConsoleScene) -> None:
    await here.add_user("Olga", "operator")
    await here.add_user("Vi", "viewer")
    await here.fill()
    viewer = await here.signed_in("Vi")
    await viewer.goto(here.url("problems"))
    await viewer.click("tr[data-id]:has-text('45166') a")
    await viewer.wait_for_selector("#preview")
    assert await viewer.locator("form[action$='/replay']").count() == 0
    assert "It left our house" not in await viewer.inner_text("main")
    operator = await here.signed_in("Olga")
    await operator.goto(here.url("problems"))
    await operator.click("tr[data-id]:has-text('45166') a")
    await operator.wait_for_selector("li:has-text('would go now')")
    assert "It left our house" in await operator.inner_text("main")
    await operator.click("form[action$='/replay'] button.main")
    await operator.wait_for_selector(".said:has-text('Begun: 1')")
    await until(operator, "() => document.querySelector('progress')?.value === 1")
    await until_here(lambda: here.phone.received("oCustomer_1") == ["It left our house this morning."])
    await operator.wait_for_selector("tr[data-id]:has-text('40003')")
    assert await operator.locator("tr[data-id]:has-text('45166')").count() == 0, "without loading the page again"
    await operator.goto(here.url("audit"))
    await operator.wait_for_selector("tr:has-text('console: Olga'):has-text('replay all of a cause')")


async def test_two_admins_see_each_others_acts_and_an_ended_session_cannot_act(here: ConsoleScene) -> None:
    await here.add_user("Ben", "admin")
    ada, ben = await here.signed_in("Ada"), await here.signed_in("Ben")
    await ada.wait_for_selector("#live-state:has-text('live')")
    await ben.goto(here.url("accounts/desk"))
    await ben.click("form[action$='/pause'] button")
    await ben.click("form[action$='/pause'] button.danger")
    await ben.wait_for_selector(".said")
    await ada.wait_for_selector("article[data-id=desk]:has-text('paused'):has-text('by Ben')")
    await here.phone.says("oCustomer_9", "anybody there?")
    await ada.wait_for_selector("article[data-id=desk] .tag:has-text('1 waiting')")
    await ada.goto(here.url("accounts/desk"))
    await ada.click("form[action$='/resume'] button")
    await ada.wait_for_selector(".said")
    await ben.wait_for_selector("#status:has-text('works')")
    await until_here(lambda: len(here.desk.state.tickets) == 1)
    await ada.goto(here.url("settings"))
    await ada.click("tr:has(td:text-is('ben')) form[action$='/users/sessions/end'] button")
    await ada.wait_for_selector(".said")
    await ben.click("form[action$='/pause'] button")
    await ben.wait_for_selector(".alert:has-text('You are signed out')")
    await ben.goto(here.url("overview"))
    await ben.wait_for_selector("input[name=password]")
    assert [error for error in here.console_errors if "401" not in error and "status of 4" not in error] == []


async def test_it_can_be_used_without_a_mouse(here: ConsoleScene) -> None:
    await here.fill()
    page = await here.signed_in("Ada")
    await page.keyboard.press("Tab")
    assert await page.evaluate("() => document.activeElement.className") == "skip"
    await page.keyboard.press("g")
    await page.keyboard.press("c")
    await page.wait_for_url(re.compile("/conversations$"))
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/conversations/\d+$"))
    await page.keyboard.press("/")
    await page.keyboard.type("oCustomer_1")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("tr[data-id='2']")
    assert await page.locator("tr[data-id]").count() == 1
    await page.go_back()
    await page.wait_for_url(re.compile(r"/conversations/\d+$"))

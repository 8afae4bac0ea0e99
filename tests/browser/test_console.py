"""The console in a real browser: every page empty, filled and with a database that takes no writes; repairs; two at once."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from bridge.testing.e2e.process import until as until_here
from bridge.web.answers import Whole, answer_page
from bridge.web.rating_page import form_page, word_page
from connectors.rt.simulator import Simulator as DeskSimulator
from connectors.wechat.simulator import Simulator as PhoneSimulator
from tests.browser.conftest import ARGUMENTS, until
from tests.browser.console_scene import PAGES, PHONE, SCHEMES, WIDE, ConsoleScene, a_bridge
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
    """Each page: one main, its own heading, a language, nothing that axe finds by day and by night, nothing wider than the
    screen, not even a phone's.
    """
    wrong: dict[str, object] = {}
    headings = set()
    for path in paths:
        answer = await page.goto(vendors.url(path))
        assert answer is not None and answer.status == 200, (path, vendors.bridge.text()[-3000:])
        headings.add(await page.inner_text("h1"))
        if found := await seen(page):
            wrong[path] = found
    assert wrong == {}
    assert len(headings) == len(paths)
    assert vendors.console_errors == [], "the policy was broken, or a script failed"


_SHAPE = """() => [document.querySelectorAll('main').length, document.querySelectorAll('h1').length, document.title,
  document.documentElement.lang, document.documentElement.scrollWidth - window.innerWidth]"""


async def seen(page: Page) -> list[object]:
    """What is wrong with a page as it stands, in both themes and on both screens."""
    if await page.locator("#checks").count():
        await page.wait_for_selector("#found dl, #found .good, #found .bad")
    mains, headings, title, language, _ = await page.evaluate(_SHAPE)
    found: list[object] = []
    if (mains, headings) != (1, 1) or "stolen" in title or not language:
        found.append([mains, headings, title, language])
    found += await faults(page)
    await page.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
    found += [f"by night: {one}" for one in await faults(page, "color-contrast")]
    for screen in (PHONE, WIDE):
        await page.set_viewport_size(screen)
        wider = (await page.evaluate(_SHAPE))[-1]
        found += [f"{wider} px wider than {screen['width']}"] if wider > 0 else []
    if language.startswith("zh"):
        found += [f"not in Chinese: {one}" for one in await page.evaluate(ENGLISH)]
    return found


# words of ours that are left in English, outside of code, ids, and what customers and vendors said: two in a row, or four
# in a Chinese sentence, which may name a vendor's menu
ENGLISH = r"""() => {
  const two = /(?:[A-Za-z][A-Za-z'’]*[,.:;]? )+[A-Za-z]{2,}/, four = /(?:[A-Za-z][A-Za-z'’]*[,.:;]? ){3,}[A-Za-z]{2,}/;
  const words = { test: (text) => (/[\u4e00-\u9fff]/.test(text) ? four : two).test(text) }, found = [];
  const theirs = 'script, code, pre, .mono, textarea, .said-words, [data-theirs]';
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), where = walk.currentNode.parentElement;
    if (words.test(text) && !where.closest(theirs)) found.push(text.slice(0, 200));
  }
  for (const one of document.querySelectorAll('*')) {
    for (const name of ['title', 'aria-label', 'alt', 'data-on', 'data-off', 'data-done', 'data-name']) {
      const text = one.getAttribute(name) ?? '';
      if (words.test(text) && !one.closest(theirs)) found.push(`${name}: ${text}`);
    }
  }
  return found;
}"""


async def test_every_page_empty_and_filled(here: ConsoleScene) -> None:
    """In both languages, by day and by night, on a desk and on a phone; and the pages that ask whether one is sure."""
    door = await (await here.context(locale="zh-CN")).new_page()
    await door.goto(here.url(""))
    assert await seen(door) == []
    for language in ("en", "zh"):  # what customers see who follow a link to say how it was
        for text in (
            form_page(language, 5, comment=True, wrong=True), form_page(language, 3, comment=False), word_page(language, "used"),
            answer_page(Whole("All of an answer.\n\n- one\n- two", language, generated=True)),
        ):  # fmt: skip
            await door.set_content(text)
            for scheme in SCHEMES:
                await door.emulate_media(color_scheme=scheme)
                assert await faults(door) == []
    await here.add_user("Vi", "viewer")
    page = await here.signed_in("Ada", color_scheme="light")
    await looked_at(page, here, list(PAGES))
    await here.fill()
    for language in ("en", "zh"):
        await here.language(page, language, "light")
        await looked_at(page, here, FILLED)
        await page.goto(here.url("problems"))
        await page.click("tr[data-id] a")
        await page.wait_for_selector("#preview")
        assert await seen(page) == []
        await page.click("form[action$='/drop'] button")
        await page.wait_for_selector("button.danger")
        assert await seen(page) == []
        for where, button in (
            ("accounts/shop", "/pause"), ("settings", "/users/remove"), ("people/1", "/erase"), ("conversations/2", "/cancel"),
        ):  # fmt: skip
            await page.goto(here.url(where))
            ask = page.locator(f"form[action$='{button}'] button").first
            await ask.evaluate("(button) => { button.disabled = false }")  # there is nothing to cancel just now
            await ask.click(timeout=5000)
            await page.wait_for_selector("button.danger")
            assert await seen(page) == [], button
        for path, status in (("conversations/999", 404), ("accounts/shop/plan", 409)):
            answer = await page.goto(here.url(path))
            assert answer is not None and answer.status == status
            assert await seen(page) == [], path
        said = [re.sub(r".*status of (\d+).*", r"\1", one) for one in here.console_errors]
        assert said == ["404", "409"], "the browser names the two that were asked for, and nothing else"
        here.console_errors.clear()
    async with asyncio.timeout(60):  # figures are a few seconds old
        while not await page.locator(".plot.drawn canvas").count():
            await page.goto(here.url("figures"))
    assert await page.locator(".plot.drawn > svg").first.is_hidden()
    assert await seen(page) == []


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


async def test_a_disk_that_takes_nothing_is_said_and_stops_no_page(here: ConsoleScene) -> None:
    """Not the database alone: files, the log, what an export needs."""
    await here.fill()
    page = await here.signed_in("Ada")
    with here.full_disk():
        await looked_at(page, here, ["overview", "conversations/2", "accounts/shop", "people/1"])
        for where, act in (("conversations/2", "/hold"), ("people/1", "/export")):
            await page.goto(here.url(where))
            await page.click(f"form[action$='{act}'] button")
            await page.wait_for_selector(".alert")
            assert "nothing was done" in await page.inner_text("main"), act
        async with asyncio.timeout(30):
            while await page.locator("main .alert:has-text('taken no writes')").count() == 0:
                await page.goto(here.url("overview"))
        assert await faults(page) == []
    await page.goto(here.url("conversations/2"))
    async with asyncio.timeout(20):
        while True:
            await page.click("form[action$='/hold'] button, form[action$='/release'] button")
            await page.wait_for_selector(".said, .alert")
            if await page.locator(".said").count():
                break
            await page.goto(here.url("conversations/2"))
    here.console_errors.clear()  # 503 is an error to the browser
    assert "Traceback" not in here.bridge.text() and "bug in the console" not in here.bridge.text()


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
    other = await ben.context.new_page()
    await other.goto(here.url("accounts/shop"))
    await other.wait_for_selector("#live-state:has-text('live')")
    await ada.goto(here.url("settings"))
    await ada.click("tr:has(td:text-is('ben')) form[action$='/users/sessions/end'] button")
    await ada.wait_for_selector(".said")
    await ben.click("form[action$='/pause'] button")
    await ben.wait_for_selector(".alert:has-text('You are signed out')")
    await ben.goto(here.url("overview"))
    await ben.wait_for_selector("input[name=password]")
    assert "Your session has ended" in await ben.inner_text("main")
    await other.wait_for_url("**/console/?next=%2Fconsole%2Faccounts%2Fshop")  # a page that nobody touches says it, too
    assert "Your session has ended" in await other.inner_text("main")
    assert [error for error in here.console_errors if "401" not in error and "status of 4" not in error] == []


async def test_rules_are_published_and_serve_without_a_shell(here: ConsoleScene) -> None:
    """From the draft to the conversation that goes by it, in Chinese; a callback that comes while the process starts
    anew is answered; nobody is signed out.
    """
    page = await here.signed_in("Ada")
    await here.language(page, "zh")
    await page.goto(here.url("routes"))
    await page.fill("#draft-text", '[[routes]]\nname = "night"\nchannel = "shop"\ndesk = "desk"\ntags = ["night"]\n')
    await page.click("button[formaction='/console/routes/publish']")
    await page.wait_for_selector(".lines .taken:has-text('vip')")
    assert await seen(page) == []
    await page.click("form[action='/console/routes/publish'] button.main")
    await page.wait_for_selector(".said:has-text('已发布')")
    assert await seen(page) == []
    await page.click("#standing form button")
    await page.wait_for_selector("h1:has-text('重新启动服务？')")
    assert await seen(page) == []
    await page.click("form[action='/console/routes/renew'] button.main")
    await page.wait_for_selector(".said:has-text('正在重新启动')")
    await here.phone.says("oCustomer_1", "hello")
    await page.wait_for_selector("#standing:not(:has(.note))", state="attached")
    await until_here(lambda: len(here.desk.state.tickets) == 1)
    await until_here(lambda: here.bridge.text().count('"serving"') + here.bridge.text().count(" serving ") >= 2)
    await here.phone.says("oCustomer_2", "hello")
    await until_here(lambda: len(here.desk.state.tickets) == 2)
    await page.goto(here.url("routes"))
    assert "night" in await page.inner_text("section[aria-labelledby=rules]")
    await page.goto(here.url("audit"))
    assert "发布路由规则" in await page.inner_text("main") and "重新启动" in await page.inner_text("main")
    assert here.console_errors == [] and "Traceback" not in here.bridge.text()


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

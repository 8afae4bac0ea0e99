"""`bridge up` from an empty folder to a conversation that goes both ways, as a newcomer clicks through it."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from bridge.contract import Http
from connectors.rt.simulator import TOKEN
from connectors.rt.simulator import Simulator as RtSimulator
from connectors.wechat.simulator import Simulator as WeChat
from tests.browser.conftest import ARGUMENTS
from tests.browser.newcomer import ADMIN, PASSWORD, Newcomer, enter, fill_you, give_address, values
from tests.browser.page_harness import chromium
from tests.browser.test_access import faults
from tests.e2e.process import until

CUSTOMER = "oA9bC8dE7fG6hI5jK4lM3nO2pQ1r"


@pytest.fixture
async def newcomer(tmp_path: Path) -> AsyncIterator[Newcomer]:
    who = Newcomer(tmp_path / "empty")
    await who.start()
    yield who
    assert await who.stop() == 0
    assert "Traceback" not in who.text()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as player:
        browser = await player.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        await browser.close()


async def open_channel(page: Page, who: Newcomer, vendor: WeChat, language: str = "en") -> dict[str, str]:
    """To the page of the channel, its keys entered and checked; the values to copy."""
    await enter(page, who)
    await fill_you(page, language)
    await give_address(page, who.base)
    await page.wait_for_selector("#live .result.good")
    await page.click("button[value=next]")
    await page.wait_for_url("**/setup/channel")
    await page.fill("[name=app_id]", vendor.app_id)
    await page.fill("[name=app_secret]", vendor.app_secret)
    await page.click("summary")
    await page.fill("[name=api_base]", vendor.base)
    await page.click("button[value=save]")
    await page.wait_for_selector("#check .result")
    return await values(page)


def as_shown(vendor: WeChat, shown: dict[str, str]) -> None:
    """The vendor's page is filled in as the wizard says."""
    vendor.hook_url, vendor.token, vendor.encoding_aes_key = (
        shown["hook_url"],
        shown["token"],
        shown["encoding_aes_key"],
    )


async def test_from_an_empty_folder_to_a_round_trip(newcomer: Newcomer, browser: Browser) -> None:
    page = await browser.new_page(locale="en-GB")
    async with WeChat() as vendor, RtSimulator(hook_url=f"{newcomer.base}/hooks/support") as desk:
        shown = await open_channel(page, newcomer, vendor)
        await page.wait_for_selector("#check .result.good")
        assert await faults(page) == []
        assert shown["hook_url"] == f"{newcomer.base}/hooks/shop"
        as_shown(vendor, shown)
        await page.wait_for_selector("#live .pulse")
        assert await vendor.check_url()
        await page.wait_for_selector("#live .result.good")
        assert not newcomer.config.exists()
        await page.click("button[value=next]")
        await page.wait_for_url("**/setup/desk")
        await page.fill("[name=api_base]", desk.base)
        await page.fill("[name=token]", TOKEN)
        await page.fill("[name=queue]", "Support")
        await page.click("button[value=save]")
        await page.wait_for_selector("#check .result.good")
        desk.hook_secret = (await values(page))["hook_secret"]
        await page.wait_for_selector("#check pre:has-text('User Defined'), #check li:has-text('Scrips')")
        assert await faults(page) == []
        await page.click("button[value=next]")
        await page.wait_for_url("**/setup/trip")
        assert stat.S_IMODE(newcomer.config.stat().st_mode) == 0o600
        await page.wait_for_selector(".trip .now")
        await vendor.says(CUSTOMER, "Is the mug in stock?")
        link = await page.wait_for_selector(".trip a[target=_blank]")
        ticket = next(iter(desk.state.tickets))
        assert str(ticket) in str(await link.get_attribute("href"))
        assert any("Is the mug in stock?" in seen.text for seen in desk.ticket(str(ticket)))
        await desk.agent_says(str(ticket), "Three of them.")
        await page.wait_for_selector("#live .said")
        assert await page.locator(".trip .tag").count() == 2, "the stop-watch"
        assert vendor.received(CUSTOMER) == ["Three of them."]
        assert await faults(page) == []
        pid = newcomer.pid
        await page.click("button[value=finish]")
        await page.wait_for_url("**/console/**")
        await page.fill("[name=name]", ADMIN)
        await page.fill("[name=password]", PASSWORD)
        await page.press("[name=password]", "Enter")
        await page.wait_for_url("**/console/overview**")
        assert newcomer.pid == pid, "no restart"
        await vendor.says(CUSTOMER, "Good. One, please.")
        await until(lambda: any("One, please" in seen.text for seen in desk.ticket(str(ticket))))
        await page.goto(f"{newcomer.base}/console/setup")
        assert await page.locator("#code").count() == 0, "only while there is no configuration"
    text = newcomer.config.read_text("utf-8")
    assert text.startswith("# Written by the set-up") and f'token            = "{shown["token"]}"' in text
    assert not (newcomer.folder / ".bridge-setup").exists()
    http = Http(timeout=5, home=newcomer.base)
    assert (await http.request("GET", f"{newcomer.base}/readyz")).ok
    await http.close()

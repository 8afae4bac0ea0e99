"""`bridge up` from an empty folder to a conversation that goes both ways, as a newcomer clicks through it."""

import asyncio
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from bridge.contract import ConnectorError, Http
from bridge.testing.e2e.process import until
from connectors.rt.simulator import TOKEN
from connectors.rt.simulator import Simulator as RtSimulator
from connectors.wechat.simulator import Simulator as WeChat
from tests.browser.conftest import ARGUMENTS
from tests.browser.newcomer import ADMIN, PASSWORD, Newcomer, enter, fill_you, give_address, values
from tests.browser.page_harness import chromium
from tests.browser.test_console import seen

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
        assert await seen(page) == []
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
        await page.wait_for_selector("#check li:has-text('Scrips')")
        assert await seen(page) == []
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
        assert await seen(page) == []
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
    printed = newcomer.text().count("Code ")
    assert await newcomer.stop() == 0
    await newcomer.start()  # from now on it serves as it is
    async with asyncio.timeout(60):
        while True:
            with suppress(ConnectorError):
                if (await http.request("GET", f"{newcomer.base}/readyz")).ok:
                    break
            await asyncio.sleep(0.1)
    await http.close()
    assert newcomer.text().count("Code ") == printed
    assert newcomer.text().count(f"The console: {newcomer.base}/console/") == 2


async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, mark: bytes) -> None:
    """A proxy that puts something before every answer, as web servers with a BOM in their files do."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        head = await reader.readuntil(b"\r\n\r\n")
        inner, outward = await asyncio.open_connection("127.0.0.1", port)
        outward.write(head.replace(b"connection: keep-alive", b"connection: close"))
        answer = await inner.read()
        first, _, body = answer.partition(b"\r\n\r\n")
        lines = [line for line in first.split(b"\r\n") if not line.lower().startswith(b"content-length")]
        length = f"content-length: {len(mark + body)}".encode()
        writer.write(b"\r\n".join([*lines, length]) + b"\r\n\r\n" + mark + body)
        await writer.drain()
        outward.close()
    writer.close()


async def cause(page: Page, what: str) -> str:
    """The text of a cause, once the page shows it."""
    return await (await page.wait_for_selector(f"[data-cause={what}]", timeout=60_000)).inner_text()


async def test_each_fault_of_a_set_up_is_named(newcomer: Newcomer, browser: Browser) -> None:
    page = await browser.new_page(locale="en-GB")
    async with WeChat() as vendor, RtSimulator(hook_url=f"{newcomer.base}/hooks/support") as desk:
        await enter(page, newcomer)
        await fill_you(page)
        altered = await asyncio.start_server(
            lambda reader, writer: proxy(reader, writer, newcomer.port, b"\xef\xbb\xbf"), "127.0.0.1", 0
        )
        async with altered:
            await give_address(page, f"http://127.0.0.1:{altered.sockets[0].getsockname()[1]}")
            await page.wait_for_selector("#live .bad:has-text('byte order mark')")
        await page.wait_for_selector("#live .bad:has-text('Nobody answers')")
        await give_address(page, newcomer.base)
        await page.wait_for_selector("#live .result.good")
        await page.click("button[value=next]")
        await page.wait_for_url("**/setup/channel")
        await page.fill("[name=app_id]", "no app id!")
        await page.fill("[name=app_secret]", vendor.app_secret)
        await page.click("summary")
        await page.fill("[name=api_base]", vendor.base)
        await page.click("button[value=save]")
        await page.wait_for_selector(".field:has([name=app_id]) .bad")
        await page.fill("[name=app_id]", vendor.app_id)
        vendor.platform.allowed_addresses = {"203.0.113.9"}
        await page.click("button[value=save]")
        await page.wait_for_selector("#check .bad:has-text('40164'), #check .bad:has-text('allow-list')")
        assert "127.0.0.1" in await page.inner_text("#check .bad code"), "the address to enter"
        vendor.platform.allowed_addresses = None
        await page.click("#check button:has-text('Check again')")
        await page.wait_for_selector("#check .result.good")
        assert "The address works from here" in await cause(page, "none"), "no call at all"
        old = await values(page)
        as_shown(vendor, old)
        await page.click("dd:has([data-value=token]) button[value=new]")
        await page.wait_for_selector(".said")
        assert not await vendor.check_url()
        assert "is the one that you replaced at" in await cause(page, "former")
        shown = await values(page)
        assert shown["token"] != old["token"] and shown["encoding_aes_key"] == old["encoding_aes_key"]
        vendor.token = shown["encoding_aes_key"]
        assert not await vendor.check_url()
        assert "EncodingAESKey stands in the place of Token" in await cause(page, "swapped")
        vendor.token = shown["token"].upper()
        assert not await vendor.check_url()
        assert "upper and lower case" in await cause(page, "case")
        vendor.token = "somethingelse"
        assert not await vendor.check_url()
        assert "copy it again" in await cause(page, "signature")
        as_shown(vendor, shown)
        vendor.hook_url = f"{newcomer.base}/hooks/shopp"
        assert not await vendor.check_url()
        assert "/hooks/shopp" in await cause(page, "path")
        as_shown(vendor, shown)
        assert await vendor.check_url()
        await page.wait_for_selector("#live .result.good")
        await page.click("button[value=next]")
        await page.wait_for_url("**/setup/desk")
        await page.fill("[name=api_base]", desk.base)
        await page.fill("[name=token]", "1-1-wrong")
        await page.fill("[name=queue]", "Support")
        await page.click("button[value=save]")
        await page.wait_for_selector("#check .bad")
        await page.fill("[name=token]", TOKEN)
        await page.click("button[value=save]")
        await page.wait_for_selector("#check .result.good")
        await page.click("button[value=next]")
        await page.wait_for_url("**/setup/trip")
        vendor.encoding_aes_key, vendor.deliveries = "a" * 42 + "M", 1
        await vendor.says(CUSTOMER, "sealed with another key")
        await page.wait_for_selector("#live .alert:has-text('cannot be decrypted')")
        vendor.encoding_aes_key, vendor.mode = shown["encoding_aes_key"], "plain"
        await vendor.says(CUSTOMER, "in clear")
        await page.wait_for_selector("#live .alert:has-text('is set to 明文模式')")
        vendor.mode = "secure"
        await vendor.says(CUSTOMER, "as it should be")
        await page.wait_for_selector(".trip a[target=_blank]")


async def test_nothing_half_done_is_lost(newcomer: Newcomer, browser: Browser) -> None:
    """The browser is closed, the process killed: both come back to where they were."""
    page = await browser.new_page(locale="zh-CN")
    async with WeChat() as vendor:
        shown = await open_channel(page, newcomer, vendor, "zh")
        assert await seen(page) == []
        cookies: list[Any] = [*await page.context.cookies()]
        await page.context.close()
        assert await newcomer.stop(signal.SIGKILL) != 0
        folder = [path.read_bytes() for path in newcomer.folder.rglob("*") if path.is_file()]
        assert not any(vendor.app_secret.encode() in data or shown["token"].encode() in data for data in folder)
        await newcomer.start()
        await newcomer.code(3)
        as_shown(vendor, shown)
        assert await vendor.check_url(), "callbacks are taken before anybody opens a page"
        context = await browser.new_context(locale="en-GB")
        await context.add_cookies(cookies)
        page = await context.new_page()
        await page.goto(newcomer.base)
        await page.wait_for_url("**/setup/channel")
        assert await values(page) == shown
        assert await page.input_value("[name=app_id]") == vendor.app_id
        await page.goto(f"{newcomer.base}/console/setup/desk")
        await page.click("button[name=language][value=zh]")
        await page.wait_for_selector("html[lang=zh-CN]")
        kinds = await page.locator("button[name=kind]").evaluate_all("(all) => all.map((one) => one.value)")
        assert len(kinds) > 5
        for kind in kinds:  # each connector's form, which it describes itself
            await page.click(f"button[name=kind][value={kind}]")
            await page.wait_for_selector(f"button[value={kind}][aria-pressed=true]")
            assert await seen(page) == [], kind
        other = await browser.new_page()
        await other.goto(f"{newcomer.base}/console/setup/channel")
        assert await seen(other) == []
        assert await other.locator("#code").count() == 1, "another browser needs a code"
        first = (await newcomer.code(1)).replace("-", "")
        await other.fill("#code", "AAAA-AAAA")
        await other.press("#code", "Enter")
        await other.wait_for_selector(".alert")
        await other.fill("#code", first)
        await other.press("#code", "Enter")
        await other.wait_for_selector("nav.steps")


async def test_on_a_network_without_tls_it_does_not_start(tmp_path: Path) -> None:
    who = Newcomer(tmp_path / "open")
    await who.start("--host", "0.0.0.0")  # it is refused
    assert await who.ended() == 2
    assert "TLS" in who.text() and "BRIDGE_CONSOLE__ALLOW_INSECURE" in who.text() and "Traceback" not in who.text()

"""The widget on somebody's page: launcher, keys, badge, languages, phones, sites that may not."""

import asyncio
import time
from pathlib import Path

from tests.browser.conftest import FakeVendors, until
from tests.browser.page_harness import Shop, jwt
from tests.browser.test_both_sides import bubbles, open_first, panel, say, settled


async def test_a_strict_page_shows_it_without_a_complaint(vendors: FakeVendors) -> None:
    page = await (await vendors.person()).new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(vendors.shop.base)
    await page.wait_for_timeout(500)
    assert [url.rpartition("/")[2] for url in asked if "/chat/" in url] == ["loader.js"], (
        "nothing more before it is opened"
    )
    chat = await panel(page)
    await say(chat, "hello")
    await settled(chat, 1)
    assert not complaints


async def test_keys_and_names_for_those_who_cannot_see(vendors: FakeVendors) -> None:
    page = await vendors.visitor()
    await page.focus("#other")
    for _ in range(3):
        await page.keyboard.press("Tab")
        if await page.evaluate("() => document.activeElement !== document.body && !document.activeElement.id"):
            break
    await page.keyboard.press("Enter")
    chat = await panel(page)
    await chat.wait_for_selector("#text:focus")
    assert await chat.get_attribute("#panel", "role") == "dialog"
    assert await chat.get_attribute("#log", "role") == "log"
    await chat.wait_for_selector("#log[aria-live=polite]", state="attached")
    for name in ("text", "send", "file", "shut"):
        assert await chat.get_attribute(f"#{name}", "aria-label")
    await chat.press("#text", "Escape")
    await page.wait_for_timeout(100)
    assert not await chat.locator("#text").evaluate("(field) => document.hasFocus()"), "the focus is back on the page"
    await page.keyboard.press("Enter")
    await chat.wait_for_selector("#text:focus")


async def test_the_badge_counts_what_waits_and_reading_ends_it(vendors: FakeVendors) -> None:
    visitor, agent = await vendors.visitor(), await vendors.agent()
    chat = await panel(visitor)
    await say(chat, "hello")
    await open_first(agent)
    await visitor.evaluate(
        "() => { window.counts = []; bridgeChat.on('unread', (n) => counts.push(n)); bridgeChat.close(); }"
    )
    await say(agent, "one")
    await say(agent, "two")
    await settled(agent, 3)
    await agent.wait_for_selector(".progress.delivered >> nth=1")
    assert await visitor.evaluate("() => counts.at(-1)") == 2
    await visitor.add_init_script("addEventListener('bridge-chat:unread', (event) => { window.told = event.detail; })")
    await visitor.goto(vendors.shop.base + "/another/page")
    await until(visitor, "() => window.told === 2")
    chat = await panel(visitor)
    await agent.wait_for_selector(".msg.me:last-of-type .progress.read")
    await chat.wait_for_selector(".msg:has-text('two')")


async def test_a_page_that_is_never_idle_has_it_nevertheless(vendors: FakeVendors) -> None:
    context = await vendors.person()
    await context.add_init_script(
        "window.requestIdleCallback = (start, wait) => wait?.timeout && setTimeout(start, wait.timeout)"
    )
    page = await context.new_page()
    await page.goto(vendors.shop.base + "/p/17")
    await panel(page)


async def test_a_site_that_is_not_allowed_shows_nothing(vendors: FakeVendors) -> None:
    stranger = Shop(vendors.bridge.base)
    await stranger.start()
    page = await (await vendors.person()).new_page()
    await page.goto(stranger.base)
    await page.wait_for_timeout(300)
    await page.evaluate("() => window.bridgeChat.open()")
    await page.wait_for_timeout(800)
    for frame in page.frames[1:]:
        assert await frame.locator("#panel").count() == 0
    answer = await page.evaluate(
        "(base) => fetch(base + '/chat/site/v1/sessions', { method: 'POST' }).then((a) => a.status, () => 'blocked')",
        vendors.bridge.base,
    )
    assert answer == "blocked"
    await stranger.stop()


async def test_a_signed_identity_follows_and_a_reset_forgets(vendors: FakeVendors) -> None:
    visitor, agent = await vendors.visitor(), await vendors.agent()
    token = jwt({"sub": "c-17", "name": "Customer A", "exp": time.time() + 300})
    await visitor.evaluate("(jwt) => window.bridgeChat.identify(() => Promise.resolve({ jwt }))", token)
    chat = await panel(visitor)
    await say(chat, "hello")
    await open_first(agent)
    await agent.wait_for_selector("#side dd:text-is('c-17')")
    assert await agent.inner_text("#head h1") == "Customer A"
    second = await vendors.visitor()
    await second.evaluate("(jwt) => window.bridgeChat.identify(() => Promise.resolve({ jwt }))", token)
    other = await panel(second)
    await settled(other, 1)
    assert await bubbles(other) == ["hello"]
    await second.evaluate("() => window.bridgeChat.reset()")
    await other.wait_for_selector(".msg", state="detached")
    await say(other, "a stranger now")
    await settled(other, 1)
    assert "a stranger now" not in " ".join(await bubbles(chat))


async def test_too_many_at_once_are_said_and_sent_later(vendors: FakeVendors) -> None:
    visitor = await vendors.visitor()
    chat = await panel(visitor)
    for number in range(23):
        await say(chat, f"message {number}")
    await chat.wait_for_selector("#notice:has-text('That was quick')")
    await settled(chat, 23)
    assert await bubbles(chat) == [f"message {number}" for number in range(23)]


FLOOD = """async (count) => {
    const ask = (path, body, key) => fetch("/chat/site/v1/" + path, {
        method: "POST", body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...(key && { authorization: "Bearer " + key }) },
    });
    const [loud, calm] = await Promise.all([1, 2].map(() => ask("sessions", {}).then((answer) => answer.json())));
    const say = (key, name) => ask("messages", { client_id: name, text: name }, key);
    const began = performance.now();
    const answers = await Promise.all([...Array(count)].map((_, number) => say(loud.access_token, `flood-${number}-x`)));
    const seconds = (performance.now() - began) / 1000;
    const refused = answers.find((answer) => answer.status === 429);
    const why = refused && (await refused.json()).error;
    const other = (await say(calm.access_token, "calm-message")).status;
    return { seconds, why, other, statuses: answers.map((answer) => answer.status) };
}"""


async def test_a_thousand_messages_at_once_are_refused_in_words_and_harm_nobody(vendors: FakeVendors) -> None:
    """As fast as a browser can: with a key of its own, from the panel's page."""
    chat = await panel(await vendors.visitor())
    found = await chat.evaluate(FLOOD, 1000)
    kept = found["statuses"].count(201)
    assert 20 <= kept <= 20 + found["seconds"] / 2 + 1, found["seconds"]
    assert found["statuses"].count(429) == 1000 - kept
    assert found["why"]["code"] == "rate_limited" and found["why"]["retry_after_ms"] > 0
    assert found["other"] == 201
    await say(chat, "the panel still talks")
    await settled(chat, 1)


async def test_the_token_of_one_visitor_opens_nothing_of_another(vendors: FakeVendors) -> None:
    one, other = await panel(await vendors.visitor()), await panel(await vendors.visitor())
    await say(one, "mine alone")
    await settled(one, 1)
    found = await other.evaluate(
        """async () => {
            const session = await (await fetch("/chat/site/v1/sessions", { method: "POST", body: "{}",
                headers: { "content-type": "application/json" } })).json();
            const get = (path, key) => fetch("/chat/site/v1/" + path, { headers: { authorization: "Bearer " + key } });
            const listed = await (await get("messages", session.access_token)).text();
            const forged = session.access_token.slice(0, -4) + "AAAA";
            return { listed, forged: (await get("messages", forged)).status, none: (await get("messages", "")).status };
        }"""
    )
    assert "mine alone" not in found["listed"] and found["forged"] == found["none"] == 401
    assert await bubbles(other) == []


async def test_a_forged_identity_is_refused_and_the_visitor_stays_a_stranger(vendors: FakeVendors) -> None:
    visitor, agent = await vendors.visitor(), await vendors.agent()
    forged = jwt({"sub": "c-17", "name": "Somebody Else", "exp": time.time() + 300}, "another secret")
    chat = await panel(visitor)
    await say(chat, "hello")
    await settled(chat, 1)
    async with visitor.expect_response(lambda answer: answer.url.endswith("/identify")) as answer:
        await visitor.evaluate("(jwt) => window.bridgeChat.identify(() => Promise.resolve({ jwt }))", forged)
    assert (await answer.value).status == 401
    await say(chat, "still a stranger")
    await settled(chat, 2)
    await open_first(agent)
    await agent.wait_for_selector(".msg:has-text('still a stranger')")
    beside = await agent.inner_text("#head") + await agent.inner_text("#side")
    assert "Somebody Else" not in beside and "c-17" not in beside


async def test_refused_files_are_said_in_words(vendors: FakeVendors, tmp_path: Path) -> None:
    visitor = await vendors.visitor()
    chat = await panel(visitor)
    await chat.set_input_files(
        "#file", [{"name": "a.svg", "mimeType": "image/svg+xml", "buffer": b"<svg onload='alert(1)'/>"}]
    )
    await chat.wait_for_selector("#files .err:has-text('cannot be sent')")
    large = tmp_path / "large.pdf"
    large.write_bytes(b"%PDF-1.7" + b"x" * (50 * 2**20))
    await chat.set_input_files("#file", large)
    await chat.wait_for_selector("#files .err:has-text('Larger than 10 MB')")
    assert await chat.is_disabled("#send")
    status = await chat.evaluate(  # and without the panel's own look at its size
        """async () => {
            const session = await (await fetch("/chat/site/v1/sessions", { method: "POST", body: "{}",
                headers: { "content-type": "application/json" } })).json();
            const upload = (body, type) => fetch("/chat/site/v1/uploads", { method: "POST", body,
                headers: { "content-type": type, "x-name": "a", authorization: "Bearer " + session.access_token },
            }).then((answer) => answer.status, () => "cut off");
            const file = new Blob([new Uint8Array(50 * 2 ** 20)]);
            const drawing = new Blob(["<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"]);
            return [await upload(file, "application/pdf"), await upload(drawing, "image/svg+xml")];
        }"""
    )
    assert status[0] in {413, "cut off"} and status[1] in {400, 415, 422}, status


async def test_a_phone_has_the_whole_screen_and_chinese(vendors: FakeVendors) -> None:
    page = await (
        await vendors.person(viewport={"width": 360, "height": 640}, is_mobile=True, has_touch=True, locale="zh-CN")
    ).new_page()
    await page.goto(vendors.bridge.base + "/chat/site/")
    await page.wait_for_selector("#line:text-is('有问题请随时联系我们')")
    assert await page.evaluate("() => document.documentElement.lang") == "zh-CN"
    await page.fill("#text", "你好")
    await page.press("#text", "Enter")
    assert "你好" in await page.input_value("#text"), "on a phone Enter breaks the line"
    await page.tap("#send")
    await settled(page, 1)
    wide = "长" * 30 + " " + "x" * 300
    await page.fill("#text", wide)
    await page.tap("#send")
    await settled(page, 2)
    assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    small = await page.evaluate(
        "() => [...document.querySelectorAll('button, label.icon')].filter((one) => one.offsetParent && (one.offsetWidth < 24 || one.offsetHeight < 24)).map((one) => one.outerHTML)"
    )
    assert not small
    await page.reload()
    await settled(page, 2)


async def test_it_works_where_storage_is_forbidden(vendors: FakeVendors) -> None:
    context = await vendors.person()
    await context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    page = await context.new_page()
    await page.goto(vendors.shop.base)
    await page.wait_for_timeout(400)
    chat = await panel(page)
    await chat.wait_for_selector("#notice:has-text('this chat ends when you close the page')")
    await say(chat, "hello")
    await settled(chat, 1)


async def test_six_tabs_of_one_browser_all_work(vendors: FakeVendors) -> None:
    """HTTP/1.1 allows six connections: the streams of tabs in the background make room."""
    context = await vendors.person()
    pages = []
    for _ in range(6):
        page = await context.new_page()
        await page.goto(vendors.shop.base)
        await page.wait_for_timeout(200)
        pages.append(page)
    first = await panel(pages[0])
    await say(first, "from the first tab")
    await settled(first, 1)
    for page in pages[1:]:
        await page.bring_to_front()
        chat = await panel(page)
        async with asyncio.timeout(20):
            await chat.wait_for_selector(".msg:has-text('from the first tab')")
    await say(chat, "from the last tab")
    await settled(chat, 2)

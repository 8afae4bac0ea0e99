"""Both sides in a real browser: talk in both directions, over lost lines and killed servers."""

import asyncio
import io
import time

from PIL import Image
from playwright.async_api import Frame, Page

from tests.browser.conftest import FakeVendors, loaded, until
from tests.browser.page_harness import jwt

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
HOSTILE_NAME = '<img src=x onerror="document.title=1">'


def picture(colour: str = "steelblue") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 200), colour).save(out, "JPEG")
    return out.getvalue()


async def panel(page: Page) -> Frame:
    """The chat's frame, opened."""
    await loaded(page)
    await page.evaluate("() => window.bridgeChat.open()")
    async with asyncio.timeout(30):
        while not (frame := next((one for one in page.frames if one.url.endswith("/chat/site/frame")), None)):
            await asyncio.sleep(0.05)
    await frame.wait_for_selector("#line:text-is('We are here to help')")
    return frame


async def say(where: Page | Frame, text: str) -> None:
    await where.fill("#text", text)
    await where.press("#text", "Enter")


async def bubbles(where: Page | Frame, kind: str = "") -> list[str]:
    return [text.strip() for text in await where.locator(f".msg{kind} .bubble").all_inner_texts()]


async def open_first(agent: Page) -> None:
    await agent.click("#list .row >> nth=0")
    await agent.wait_for_selector("#entries .msg")


async def settled(where: Page | Frame, count: int, kind: str = "") -> None:
    """Waits until so many messages are shown, none of them still on its way."""
    await where.wait_for_selector(f".msg{kind} >> nth={count - 1}", timeout=40_000)
    await where.wait_for_selector(".tick.wait, .progress.sending", state="hidden", timeout=40_000)


async def test_text_picture_and_file_in_both_directions(vendors: FakeVendors) -> None:
    agent, visitor = await vendors.agent(), await vendors.visitor()
    assert await agent.inner_text("#list .empty strong") == "All answered"
    chat = await panel(visitor)
    assert await chat.is_visible("#empty")
    await say(chat, "Is the lamp in stock? https://shop.example/p/17")
    await open_first(agent)
    assert await agent.get_attribute("#entries .bubble a", "href") == "https://shop.example/p/17"
    await say(agent, "Yes, three of them.")
    await chat.wait_for_selector(".msg:not(.me) .bubble:text('Yes, three of them.')")
    assert await chat.inner_text(".msg:not(.me) .name") == "Agent A"
    await agent.wait_for_selector(".msg.me .progress.read")  # the chat is open: seen
    await chat.wait_for_selector(".msg.me .tick.read")  # and so is the desk
    for side, other in ((chat, agent), (agent, chat)):
        files = [
            {"name": "lamp <b>.jpg", "mimeType": "image/jpeg", "buffer": picture()},
            {"name": "invoice.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n" + b"x" * 2000},
        ]
        await side.set_input_files("#file", files)
        await side.wait_for_selector("#files li >> nth=1")
        await side.wait_for_selector("#send:not([disabled])")
        await say(side, "Files of one side")
        await other.wait_for_selector(".msg:has-text('Files of one side') .doc:has-text('invoice.pdf')")
        shown = other.locator(".msg:has-text('Files of one side') .pic img").last
        await shown.wait_for()
        await other.wait_for_function(
            "(image) => image.complete && image.naturalWidth === 320", arg=await shown.element_handle()
        )
        await other.locator(".msg:has-text('Files of one side')").last.evaluate("(item) => item.remove()")
    first = agent.url
    await agent.click("#side button:text('New conversation with this customer')")  # the agent writes first
    await agent.fill("#side textarea", "Your lamp is on its way")
    await agent.click("#side form button:text('Send')")
    await chat.wait_for_selector(".msg:not(.me) .bubble:text('Your lamp is on its way')")
    assert agent.url != first
    await say(chat, "Thank you!")
    await agent.wait_for_selector("#entries .msg .bubble:text('Thank you!')")
    assert await bubbles(agent) == ["Your lamp is on its way", "Thank you!"]


async def test_nothing_that_anybody_types_runs(vendors: FakeVendors) -> None:
    agent, visitor = await vendors.agent(), await vendors.visitor()
    dialogs: list[str] = []
    for page in (agent, visitor):
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await visitor.evaluate("(text) => { document.title = text; }", HOSTILE)
    named = jwt({"sub": "c-1", "name": HOSTILE_NAME, "exp": time.time() + 300})
    await visitor.evaluate("(jwt) => window.bridgeChat.identify(() => Promise.resolve({ jwt }))", named)
    chat = await panel(visitor)
    await chat.set_input_files(
        "#file", [{"name": f"{HOSTILE}.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}]
    )
    await chat.wait_for_selector("#send:not([disabled])")
    await say(chat, HOSTILE)
    await open_first(agent)
    await say(agent, HOSTILE)
    await chat.wait_for_selector(".msg:not(.me)")
    for side in (agent, chat):
        assert HOSTILE in await bubbles(side)
        assert await side.locator(".msg script, .msg .bubble img, #side script, #list script").count() == 0
    assert await agent.inner_text("#head h1") == HOSTILE_NAME, "a name is text like any other"
    assert await agent.inner_text("#side") and await agent.title() != "1" and not dialogs


async def test_choosing_a_word_with_enter_never_sends(vendors: FakeVendors) -> None:
    agent, visitor = await vendors.agent(), await vendors.visitor()
    chat = await panel(visitor)
    await say(chat, "hello")
    await open_first(agent)
    script = """(field) => {
      const key = (extra) => field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...extra }));
      field.focus();
      field.value = '你好';
      field.dispatchEvent(new Event('input', { bubbles: true }));
      field.dispatchEvent(new CompositionEvent('compositionstart'));
      key({ isComposing: true });
      key({ keyCode: 229 });
      field.dispatchEvent(new CompositionEvent('compositionend', { data: '你好' }));
      key({});   // some browsers report the confirming Enter only now
      return field.value;
    }"""
    for side in (chat, agent):
        assert await side.locator("#text").evaluate(script) == "你好"
        await visitor.wait_for_timeout(100)
        await side.press("#text", "Enter")
        assert await side.input_value("#text") == ""
    await settled(chat, 3)
    assert await bubbles(chat) == ["hello", "你好", "你好"]


async def test_offline_and_back_everything_comes_once_and_in_order(vendors: FakeVendors) -> None:
    agent, visitor = await vendors.agent(), await vendors.visitor()
    chat = await panel(visitor)
    await say(chat, "before")
    await open_first(agent)
    await settled(chat, 1)
    await visitor.context.set_offline(True)
    await chat.wait_for_selector("#notice:has-text('You are offline')")
    for number in range(3):
        await say(chat, f"offline {number}")
        await say(agent, f"meanwhile {number}")
    await settled(agent, 3, ".me")
    await visitor.context.set_offline(False)
    await settled(chat, 7)
    await agent.wait_for_selector(".msg:has-text('offline 2')")
    for side in (chat, agent):
        said = await bubbles(side)
        assert [text for text in said if text.startswith("offline")] == [f"offline {number}" for number in range(3)]
        assert [text for text in said if text.startswith("meanwhile")] == [f"meanwhile {number}" for number in range(3)]
    await chat.wait_for_selector("#notice", state="hidden")


async def test_the_server_is_killed_and_nothing_is_lost_or_doubled(vendors: FakeVendors) -> None:
    agent, visitor = await vendors.agent(), await vendors.visitor()
    chat = await panel(visitor)
    await say(chat, "before")
    await open_first(agent)
    await say(agent, "before, too")
    await settled(chat, 2)
    for turn in range(2):
        vendors.bridge.kill()
        for number in range(2):
            await say(chat, f"visitor {turn}.{number}")
            await say(agent, f"agent {turn}.{number}")
        await agent.wait_for_selector("#lost:not([hidden])")
        await vendors.bridge.start()
        await settled(chat, 2 + 4 * (turn + 1))
        await settled(agent, 2 + 4 * (turn + 1))
        await agent.wait_for_selector("#lost", state="hidden", timeout=40_000)
    wanted = {
        who: [f"{who} {turn}.{number}" for turn in range(2) for number in range(2)] for who in ("visitor", "agent")
    }
    for side in (chat, agent):
        said = await bubbles(side)
        for who, texts in wanted.items():
            assert [text for text in said if text.startswith(who)] == texts
    await visitor.reload()
    chat = await panel(visitor)
    await settled(chat, 10)
    assert sorted(await bubbles(chat)) == sorted(["before", "before, too", *wanted["visitor"], *wanted["agent"]])


async def test_what_was_typed_offline_survives_the_page(vendors: FakeVendors) -> None:
    visitor = await vendors.visitor()
    chat = await panel(visitor)
    await say(chat, "first")
    await settled(chat, 1)
    vendors.bridge.kill()
    await say(chat, "written while the server was away")
    await chat.wait_for_selector(".tick.wait")
    await chat.fill("#text", "half a thought")
    await visitor.wait_for_timeout(500)
    await visitor.goto("about:blank")
    await vendors.bridge.start()
    await visitor.goto(vendors.shop.base)
    chat = await panel(visitor)
    await settled(chat, 2)
    assert await bubbles(chat) == ["first", "written while the server was away"]
    assert await chat.input_value("#text") == "half a thought"


async def test_what_one_tab_has_not_sent_survives_another_tabs_saving(vendors: FakeVendors) -> None:
    context = await vendors.person()
    first, second = await context.new_page(), await context.new_page()
    await first.bring_to_front()
    await first.goto(vendors.shop.base)
    one = await panel(first)
    await say(one, "hello")
    await settled(one, 1)
    await second.bring_to_front()
    await second.goto(vendors.shop.base)
    two = await panel(second)
    await settled(two, 1)
    await first.bring_to_front()
    vendors.bridge.kill()
    await say(one, "written while the server was away")
    await one.wait_for_selector(".tick.wait")
    await second.bring_to_front()
    await two.fill("#text", "half a thought")  # which that tab stores
    await second.wait_for_timeout(800)
    await first.close()
    await second.close()
    await vendors.bridge.start()
    third = await context.new_page()
    await third.goto(vendors.shop.base)
    chat = await panel(third)
    await settled(chat, 2)
    assert await bubbles(chat) == ["hello", "written while the server was away"]
    assert await chat.input_value("#text") == "half a thought"


async def test_two_agents_see_each_others_actions_live(vendors: FakeVendors) -> None:
    visitor = await vendors.visitor()
    chat = await panel(visitor)
    await say(chat, "hello")
    one, other = await vendors.agent("Agent A"), await vendors.agent("Agent B")
    await open_first(one)
    await open_first(other)
    await one.type("#text", "We ")
    await other.wait_for_selector("#typing:has-text('Agent A is writing')")
    await chat.wait_for_selector("#typing:has-text('Agent A is typing')")
    await one.type("#text", "look.")
    await one.press("#text", "Enter")
    await other.wait_for_selector(".msg.me:has-text('We look.')")
    await other.wait_for_selector(".event:has-text('Agent A took this over')")
    # the timeline may be fetched before the ticket's own news are here
    await until(other, "() => document.querySelector('#head select').value === 'Agent A'")
    await one.keyboard.press("Escape")
    await one.keyboard.press("n")
    await say(one, "check shelf 4")
    await other.wait_for_selector(".msg.note:has-text('check shelf 4')")
    await other.select_option("#head select", "Agent B")
    await one.wait_for_selector(".event:has-text('Agent B took this over')")
    await other.click("#settle")
    await one.wait_for_selector(".event:has-text('Agent B solved this')")
    await one.wait_for_selector("#settle:has-text('Reopen')")
    assert "check shelf 4" not in await chat.inner_text("body")
    await say(chat, "one more thing")
    await one.wait_for_selector(".event:has-text('The customer wrote again')")
    await one.wait_for_selector("#settle:has-text('Solve')")


async def test_an_agent_who_missed_a_colleagues_answer_decides(vendors: FakeVendors) -> None:
    visitor = await vendors.visitor()
    chat = await panel(visitor)
    await say(chat, "hello")
    one, other = await vendors.agent("Agent A"), await vendors.agent("Agent B")
    await open_first(one)
    await open_first(other)
    await other.route("**/entries?after=*", lambda route: route.abort())  # news do not come through
    await say(one, "from the first")
    await chat.wait_for_selector(".msg:has-text('from the first')")
    await say(other, "from the second")
    await other.wait_for_selector("#newer:has-text('came while you wrote')")
    await other.wait_for_selector(".msg:has-text('from the first')")
    assert await other.input_value("#text") == "from the second", "nothing is lost"
    assert "from the second" not in " ".join(await bubbles(chat))
    await other.unroute("**/entries?after=*")
    await other.click("#newer button")
    await chat.wait_for_selector(".msg:has-text('from the second')")

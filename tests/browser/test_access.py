"""What axe-core finds wrong for people who cannot see or point well: nothing, on no page, in no state, by day and night."""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Frame, Page

from tests.browser.conftest import FakeVendors
from tests.browser.test_both_sides import open_first, panel, picture, say, settled

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def faults(where: Page | Frame, *rules: str) -> list[str]:
    """Each fault with its rule and where it is; all rules, or some. `where` is looked at alone, not the frames in it."""
    if not await where.evaluate("() => Boolean(window.axe)"):
        await where.evaluate(AXE_SCRIPT)
    wanted: Any = {"type": "rule", "values": rules} if rules else _RULES
    found: dict[str, Any] = await where.evaluate(
        "(wanted) => axe.run({ runOnly: wanted, iframes: false, resultTypes: ['violations'] })", wanted
    )
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_panel_in_every_state(vendors: FakeVendors, scheme: str) -> None:
    found: dict[str, list[str]] = {}
    visitor, agent = await vendors.visitor(color_scheme=scheme), await vendors.agent(color_scheme=scheme)
    found["the shop with its launcher"] = await faults(visitor)
    chat = await panel(visitor)
    found["empty"] = await faults(chat)
    await say(chat, "hello")
    await settled(chat, 1)
    await open_first(agent)
    await say(agent, "Good morning. https://shop.example/p/17")
    await chat.wait_for_selector(".msg:not(.me)")
    picked = [{"name": "lamp.jpg", "mimeType": "image/jpeg", "buffer": picture()},
              {"name": "a.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"}]  # fmt: skip
    await chat.set_input_files("#file", picked)
    await chat.wait_for_selector("#files .err")
    found["a talk, a file, a refused file"] = await faults(chat)
    vendors.bridge.kill()
    await say(chat, "nobody hears this")
    await chat.wait_for_selector(".tick.wait")
    found["the server is away"] = await faults(chat)
    assert not any(found.values()), "\n".join(f"{state}: {wrong}" for state, each in found.items() for wrong in each)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_desk_in_every_state(vendors: FakeVendors, scheme: str) -> None:
    found: dict[str, list[str]] = {}
    gate = await (await vendors.person(color_scheme=scheme)).new_page()
    await gate.goto(vendors.bridge.base + "/desk/site/")
    await gate.wait_for_selector("#sign button")
    found["before the sign-in"] = await faults(gate)
    await gate.fill("input[name=name]", "Nobody")
    await gate.fill("input[name=password]", "wrong")
    await gate.click("#sign button")
    await gate.wait_for_selector("#sign .bad:not([hidden])")
    found["a wrong password"] = await faults(gate)
    agent, visitor = await vendors.agent(color_scheme=scheme), await vendors.visitor()
    found["nobody waits"] = await faults(agent)
    await agent.set_viewport_size({"width": 390, "height": 844})
    found["nobody waits, on a phone"] = await faults(agent)
    await agent.set_viewport_size({"width": 1366, "height": 800})
    chat = await panel(visitor)
    await say(chat, "hello")
    await open_first(agent)
    await say(agent, "Good morning.")
    await agent.wait_for_selector(".progress.read, .progress.delivered")
    await agent.keyboard.press("Escape")
    await agent.keyboard.press("n")
    await say(agent, "check shelf 4")
    await agent.wait_for_selector(".msg.note")
    found["a talk with a note"] = await faults(agent)
    vendors.bridge.kill()
    await agent.wait_for_selector("#lost:not([hidden])")
    found["the server is away"] = await faults(agent)
    assert not any(found.values()), "\n".join(f"{state}: {wrong}" for state, each in found.items() for wrong in each)

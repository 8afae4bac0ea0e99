"""The main job against a real Request Tracker: there and back, with its webhook, without it, and through outages."""

import asyncio
import io
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bridge.engine.conversation.notices import say
from bridge.testing.e2e.process import Process
from connectors.rt.text import address
from connectors.wechat.simulator import Simulator
from tests.real.rt_server import RealRt

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def real_rt() -> Iterator[RealRt]:
    with tempfile.TemporaryDirectory(prefix="bridge-rt-") as place:
        Path(place).chmod(0o755)  # RT's server is another user
        rt = RealRt(Path(place) / "data").start()
        yield rt
        rt.clean()


class Way:
    """A customer's phone, the bridge, and the real desk."""

    def __init__(self, phone: Simulator, rt: RealRt, bridge: Process, customer: str) -> None:
        self.phone, self.rt, self.bridge, self.customer = phone, rt, bridge, customer

    async def ticket(self) -> str:
        (ticket,) = await self.rt.tickets(address(self.customer, "bridge.invalid"))
        return ticket

    async def said(self) -> list[str]:
        """The customer's lines on all their tickets."""
        lines = []
        for ticket in await self.rt.tickets(address(self.customer, "bridge.invalid")):
            for kind, who, text, _ in await self.rt.seen(ticket):
                if kind != "Comment" and who != "agent":
                    lines += [line for line in text.splitlines() if line and not line.startswith("[")]
        return lines

    async def reaches_the_desk(self, *lines: str) -> None:
        await poll(lambda: self._there(lines))

    async def _there(self, lines: tuple[str, ...]) -> bool:
        found = await self.said()
        return [line for line in found if line in lines] == list(lines)

    async def reaches_the_customer(self, *texts: str) -> None:
        await poll(lambda: self._received(texts))

    async def _received(self, texts: tuple[str, ...]) -> bool:
        return self.phone.received(self.customer) == list(texts)


async def poll(condition: Callable[[], Awaitable[bool]], seconds: float = 90) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.3)


@pytest.fixture
async def way(real_rt: RealRt, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Way]:
    async with Simulator() as phone:
        engine = {
            "request_timeout": "20s",
            "settle": "3s",
            "reconcile_every": "1s",
            "backoff_max": "1s",
            "lease": "30s",
        }
        account = dict(getattr(request, "param", {}))
        more = account.pop("route", {})
        accounts = {"shop": phone.settings(), "desk": real_rt.account(**account)}
        url = f"sqlite+aiosqlite:///{tmp_path}/bridge.db"
        route = {"channel": "shop", "desk": "desk", **more}
        bridge = Process(tmp_path, url, accounts, [route], engine=engine)
        phone.hook_url = bridge.hook("shop")
        await bridge.start()
        name = "".join(letter for letter in request.node.name if letter.isalnum())[-24:]
        yield Way(phone, real_rt, bridge, f"o{name}")
        await bridge.close()


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(out, "JPEG")
    return out.getvalue()


async def test_text_picture_and_card_arrive_on_one_ticket(way: Way) -> None:
    image = picture("red")
    await way.phone.says(way.customer, "你好 {{x}} <script>")
    await way.phone.sends_image(way.customer, image)
    await way.phone.sends_card(way.customer, title="Order 17", path="pages/order?id=17")
    await way.phone.says(way.customer, "last")
    await way.reaches_the_desk("你好 {{x}} <script>", "Order 17", "last")
    seen = await way.rt.seen(await way.ticket())
    assert seen[0][2].startswith("你好 {{x}} <script>")
    files = {name: size for _, _, _, found in seen for name, size in found.items()}
    assert len(image) in files.values(), "the picture is readable as it was sent"
    assert "page: pages/order?id=17" in "\n".join(text for _, _, text, _ in seen)


async def test_an_answer_comes_back_and_a_comment_does_not(way: Way) -> None:
    await way.phone.says(way.customer, "question")
    await way.reaches_the_desk("question")
    ticket = await way.ticket()
    await way.rt.answers(ticket, "internal", verb="comment")
    image = picture("blue")
    await way.rt.answers(
        ticket, "<p>yes, <b>today</b></p>\n<p>&nbsp;</p>", html=True, files=(("图.jpg", "image/jpeg", image),)
    )
    await poll(lambda: _answered(way, 2))
    text, image = (bubble for bubble in way.phone.chat(way.customer) if bubble.who == "service")
    assert (text.kind, text.text, image.kind) == ("text", "yes, today", "image")
    assert await way.said() == ["question"], "our own voice did not come back"


async def _answered(way: Way, count: int) -> bool:
    return len([bubble for bubble in way.phone.chat(way.customer) if bubble.who == "service"]) == count


async def test_solved_and_written_again(way: Way) -> None:
    await way.phone.says(way.customer, "one")
    await way.reaches_the_desk("one")
    ticket = await way.ticket()
    await way.rt.set_status(ticket, "resolved")
    await way.phone.says(way.customer, "two")
    await way.reaches_the_desk("one", "two")
    assert await way.ticket() == ticket
    assert await way.rt.status(ticket) == "open"


async def test_rejected_and_written_again(way: Way) -> None:
    await way.phone.says(way.customer, "one")
    await way.reaches_the_desk("one")
    old = await way.ticket()
    await way.rt.set_status(old, "rejected")
    await way.phone.says(way.customer, "two")
    await way.reaches_the_desk("one", "two")
    first, second = await way.rt.tickets(address(way.customer, "bridge.invalid"))
    assert first == old
    assert f"[continues ticket #{old}]" in (await way.rt.seen(second))[0][2]
    await way.rt.answers(second, "answer on the new one")
    await way.reaches_the_customer("answer on the new one")


async def test_the_desk_is_away_for_a_while(way: Way) -> None:
    await way.phone.says(way.customer, "before")
    await way.reaches_the_desk("before")
    way.rt.stop()
    for line in ("during 1", "during 2"):
        await way.phone.says(way.customer, line)
    way.rt.start()
    await way.phone.says(way.customer, "after")
    await way.reaches_the_desk("before", "during 1", "during 2", "after")
    await way.rt.answers(await way.ticket(), "we are back")
    await way.reaches_the_customer("we are back")


async def test_the_bridge_is_killed_in_between(way: Way) -> None:
    await way.phone.says(way.customer, "before")
    await way.reaches_the_desk("before")
    # killed before, it would look for that message once the time of the attempt is over, and only then know the ticket
    await way.bridge.has_settled()
    way.bridge.kill()
    await way.rt.answers(await way.ticket(), "while nobody listened")
    await way.bridge.start(failpoint="answered")
    await way.bridge.died()
    await way.bridge.start()
    await way.phone.says(way.customer, "after")
    await way.reaches_the_desk("before", "after")
    await way.reaches_the_customer("while nobody listened")
    notes = [text for kind, _, text, _ in await way.rt.seen(await way.ticket()) if kind == "Comment"]
    assert len(notes) == 1
    assert notes[0].startswith(say("en", "unconfirmed", channel="shop"))


async def test_a_closed_window_is_told_on_the_ticket(way: Way) -> None:
    await way.phone.says(way.customer, "hello")
    await way.reaches_the_desk("hello")
    way.phone.fail(45015)
    await way.rt.answers(await way.ticket(), "too late")
    await poll(lambda: _has_note(way, say("en", "window.over", channel="shop")))
    await way.phone.says(way.customer, "I am back")
    await way.reaches_the_customer("too late")


async def _has_note(way: Way, beginning: str) -> bool:
    seen = await way.rt.seen(await way.ticket())
    return any(kind == "Comment" and text.startswith(beginning) for kind, _, text, _ in seen)


async def test_by_its_webhook_it_is_at_once(way: Way) -> None:
    """Polling is off: only RT's signed note can be the reason."""
    way.bridge.kill()
    way.bridge._more["engine"] = {**way.bridge._more["engine"], "reconcile_every": "1h"}
    await way.bridge.start()
    way.rt.stop()
    way.rt.start(webhook=way.bridge.hook("desk"))
    try:
        await way.phone.says(way.customer, "hello")
        await way.reaches_the_desk("hello")
        await way.rt.answers(await way.ticket(), "by webhook")
        await way.reaches_the_customer("by webhook")
        assert 'bridge_callbacks_total{account="desk",answer="accepted"}' in await way.bridge.get("/metrics")
    finally:
        way.rt.stop()
        way.rt.start()


@pytest.mark.browser
async def test_typed_in_rts_own_page(way: Way) -> None:
    from playwright.async_api import async_playwright

    await way.phone.says(way.customer, "hello")
    await way.reaches_the_desk("hello")
    ticket = await way.ticket()
    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        page = await browser.new_page()
        await page.goto(way.rt.facts["base_url"])
        await page.fill("input[name=user]", way.rt.facts["agent"])
        await page.fill("input[name=pass]", way.rt.facts["agent_password"])
        async with page.expect_navigation():  # a click does not wait, and the next page would break it off
            await page.click("input[type=submit]")
        base = way.rt.facts["base_url"]
        await page.goto(f"{base}/Ticket/Update.html?Action=Comment&id={ticket}")
        await _type(page, "typed remark, internal")
        await page.goto(f"{base}/Ticket/Update.html?Action=Respond&id={ticket}")
        await _type(page, "typed in RT's own page")
        await browser.close()
    seen = [(kind, text) for kind, _, text, _ in await way.rt.seen(ticket)]
    assert any(kind == "Correspond" and "typed in RT" in text for kind, text in seen), seen
    await way.reaches_the_customer("typed in RT's own page")


async def _type(page: Any, text: str) -> None:
    """RT's editor is rich where its script runs, and a plain field in any case. An editor that is not ready yet would
    overwrite the field with nothing.
    """
    await page.wait_for_function(
        """() => !window.CKEDITOR || Object.values(CKEDITOR.instances).some((one) => one.status === 'ready')""",
        timeout=30_000,
    )
    await page.evaluate(
        """text => new Promise((done) => {
            const editor = window.CKEDITOR && Object.values(CKEDITOR.instances)[0];
            if (editor) editor.setData('<p>' + text + '</p>', { callback: () => { editor.updateElement(); done(); } });
            else { document.querySelector('textarea[name=UpdateContent]').value = text; done(); }
        })""",
        text,
    )
    async with page.expect_navigation():
        await page.click("input[name=SubmitTicket]")


@pytest.mark.parametrize("way", [{"mail_gateway": "http://127.0.0.1:9"}], indirect=True, ids=["gateway"])
async def test_through_the_mail_gateway_the_customer_is_the_author(way: Way) -> None:
    way.bridge.kill()
    way.bridge._accounts["desk"]["mail_gateway"] = way.rt.facts["base_url"]
    await way.bridge.start()
    await way.phone.says(way.customer, "first")
    await way.reaches_the_desk("first")
    await way.phone.says(way.customer, "second, 作者是客户")
    await way.phone.sends_image(way.customer, picture("green"))
    await way.reaches_the_desk("first", "second, 作者是客户")
    seen = await way.rt.seen(await way.ticket())
    authors = {who for kind, who, text, _ in seen if kind == "Correspond"}
    assert authors == {address(way.customer, "bridge.invalid")}
    await way.rt.answers(await way.ticket(), "answer")
    await way.reaches_the_customer("answer")


@pytest.mark.parametrize("way", [{"route": {"replies_left_field": "Replies left"}}], indirect=True, ids=["fields"])
async def test_the_allowance_is_told_and_shown_on_the_ticket(way: Way) -> None:
    """A closed window as a comment, commands as comments, what is left in a custom field."""
    way.rt.add_field("Replies left")
    await way.phone.says(way.customer, "question")
    await way.reaches_the_desk("question")
    ticket = await way.ticket()
    await poll(lambda: shows(way, ticket, "5"))
    way.phone.platform.allowances[way.customer].left = 0
    await way.rt.answers(ticket, "first")
    await poll(lambda: remarked(way, ticket, say("en", "window.spent", channel="shop")))
    await way.rt.answers(ticket, "second")
    await way.rt.answers(ticket, "#status", verb="comment")
    await poll(lambda: remarked(way, ticket, "Replies left: 0."))
    await poll(lambda: shows(way, ticket, "0"))
    assert way.phone.received(way.customer) == []
    await way.phone.says(way.customer, "hello?")
    await poll(lambda: answered_with(way, "first\nsecond"))
    await poll(lambda: shows(way, ticket, "4", "3"))
    way.phone.fail(48002)
    await way.rt.answers(ticket, "refused once")
    await poll(lambda: remarked(way, ticket, "#retry"))
    await way.rt.answers(ticket, "#retry", verb="comment")
    await poll(lambda: answered_with(way, "first\nsecond\nrefused once"))
    notes = [text for kind, who, text, _ in await way.rt.seen(ticket) if kind == "Comment" and who != "agent"]
    assert len([note for note in notes if note.startswith("Not delivered yet")]) == 1, "one note per cause"


async def test_a_picture_with_its_caption_is_planned_whole(way: Way) -> None:
    """One reply is left and two are needed: nothing goes, the comment says so, and the trace shows the count."""
    await way.phone.says(way.customer, "question")
    await way.reaches_the_desk("question")
    ticket = await way.ticket()
    for number in range(4):
        await way.rt.answers(ticket, f"answer {number}")
        await poll(lambda number=number: holds(way, number + 1))
    await way.rt.answers(ticket, "the plan", files=(("plan.jpg", "image/jpeg", picture("blue")),))
    await poll(lambda: remarked(way, ticket, say("en", "window.short", channel="shop", cost=2, left=1)[:38]))
    assert kinds(way) == ["text"] * 4
    await way.phone.says(way.customer, "again")
    await poll(lambda: holds(way, 6))
    assert sorted(kinds(way)[4:]) == ["image", "text"] and way.phone.left(way.customer) == 3
    code, out, _ = await way.bridge.run("trace", ticket, "--json")
    answers = [step for step in json.loads(out)["links"][0]["steps"] if step["to"] == "shop"]
    assert code == 0
    assert [step["ledger"]["means"].split()[0] for step in answers] == ["5", "4", "3", "2", "5", "5"]


def kinds(way: Way) -> list[str]:
    return [bubble.kind for bubble in way.phone.chat(way.customer) if bubble.who == "service"]


async def holds(way: Way, count: int) -> bool:
    return len(kinds(way)) == count


async def shows(way: Way, ticket: str, *left: str) -> bool:
    return (await way.rt.fields(ticket)).get("Replies left") in [[one] for one in left]


async def remarked(way: Way, ticket: str, words: str) -> bool:
    return any(
        words in text for kind, who, text, _ in await way.rt.seen(ticket) if kind == "Comment" and who != "agent"
    )


async def answered_with(way: Way, text: str) -> bool:
    return "\n".join(way.phone.received(way.customer)) == text

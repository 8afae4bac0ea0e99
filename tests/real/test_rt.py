"""The main job against a real Request Tracker: there and back, with its webhook, without it, and through outages."""

import asyncio
import io
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bridge.engine.conversation.notices import say
from bridge.testing.e2e.process import Process
from connectors.rt.text import address
from connectors.wechat.simulator import Simulator
from connectors.wecom.simulator import Simulator as WeCom
from connectors.wecom.simulator.vendor import KFID
from tests.real.rt_server import RealRt

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def real_rt() -> Iterator[RealRt]:
    with tempfile.TemporaryDirectory(prefix="bridge-rt-") as place:
        Path(place).chmod(0o755)  # RT's server is another user
        rt = RealRt(Path(place) / "data").start()
        yield rt
        rt.clean()


class Journey:
    """A customer's phone, the bridge, and the real desk."""

    def __init__(self, phone: Simulator, rt: RealRt, bridge: Process, customer: str) -> None:
        self.phone, self.rt, self.bridge, self.customer = phone, rt, bridge, customer
        self.requestor = address(customer, "bridge.invalid")

    async def ticket(self) -> str:
        (ticket,) = await self.rt.tickets(self.requestor)
        return ticket

    async def said(self) -> list[str]:
        """The customer's lines on all their tickets."""
        lines = []
        for ticket in await self.rt.tickets(self.requestor):
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
        while True:
            began = asyncio.get_running_loop().time()
            if await condition():
                return
            took = asyncio.get_running_loop().time() - began
            await asyncio.sleep(max(0.3, took))  # who waits leaves the tracker half of its time at least


@pytest.fixture
async def journey(real_rt: RealRt, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Journey]:
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
        yield Journey(phone, real_rt, bridge, f"o{name}")
        await bridge.close()


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(out, "JPEG")
    return out.getvalue()


async def test_text_picture_and_card_arrive_on_one_ticket(journey: Journey) -> None:
    image = picture("red")
    await journey.phone.says(journey.customer, "你好 {{x}} <script>")
    await journey.phone.sends_image(journey.customer, image)
    await journey.phone.sends_card(journey.customer, title="Order 17", path="pages/order?id=17")
    await journey.phone.says(journey.customer, "last")
    await journey.reaches_the_desk("你好 {{x}} <script>", "Order 17", "last")
    seen = await journey.rt.seen(await journey.ticket())
    assert seen[0][2].startswith("你好 {{x}} <script>")
    files = {name: size for _, _, _, found in seen for name, size in found.items()}
    assert len(image) in files.values(), "the picture is readable as it was sent"
    assert "page: pages/order?id=17" in "\n".join(text for _, _, text, _ in seen)


async def test_an_answer_comes_back_and_a_comment_does_not(journey: Journey) -> None:
    await journey.phone.says(journey.customer, "question")
    await journey.reaches_the_desk("question")
    ticket = await journey.ticket()
    await journey.rt.answers(ticket, "internal", verb="comment")
    image = picture("blue")
    await journey.rt.answers(
        ticket, "<p>yes, <b>today</b></p>\n<p>&nbsp;</p>", html=True, files=(("图.jpg", "image/jpeg", image),)
    )
    await poll(lambda: _answered(journey, 2))
    text, image = (bubble for bubble in journey.phone.chat(journey.customer) if bubble.who == "service")
    assert (text.kind, text.text, image.kind) == ("text", "yes, today", "image")
    assert await journey.said() == ["question"], "our own voice did not come back"


async def _answered(journey: Journey, count: int) -> bool:
    return len([bubble for bubble in journey.phone.chat(journey.customer) if bubble.who == "service"]) == count


async def test_solved_and_written_again(journey: Journey) -> None:
    await journey.phone.says(journey.customer, "one")
    await journey.reaches_the_desk("one")
    ticket = await journey.ticket()
    await journey.rt.set_status(ticket, "resolved")
    await journey.phone.says(journey.customer, "two")
    await journey.reaches_the_desk("one", "two")
    assert await journey.ticket() == ticket
    assert await journey.rt.status(ticket) == "open"


async def test_rejected_and_written_again(journey: Journey) -> None:
    await journey.phone.says(journey.customer, "one")
    await journey.reaches_the_desk("one")
    old = await journey.ticket()
    await journey.rt.set_status(old, "rejected")
    await journey.phone.says(journey.customer, "two")
    await journey.reaches_the_desk("one", "two")
    first, second = await journey.rt.tickets(address(journey.customer, "bridge.invalid"))
    assert first == old
    assert f"[continues ticket #{old}]" in (await journey.rt.seen(second))[0][2]
    await journey.rt.answers(second, "answer on the new one")
    await journey.reaches_the_customer("answer on the new one")


async def test_the_desk_is_away_for_a_while(journey: Journey) -> None:
    await journey.phone.says(journey.customer, "before")
    await journey.reaches_the_desk("before")
    journey.rt.stop()
    for line in ("during 1", "during 2"):
        await journey.phone.says(journey.customer, line)
    journey.rt.start()
    await journey.phone.says(journey.customer, "after")
    await journey.reaches_the_desk("before", "during 1", "during 2", "after")
    await journey.rt.answers(await journey.ticket(), "we are back")
    await journey.reaches_the_customer("we are back")


async def test_the_bridge_is_killed_in_between(journey: Journey) -> None:
    await journey.phone.says(journey.customer, "before")
    await journey.reaches_the_desk("before")
    # killed before, it would look for that message once the time of the attempt is over, and only then know the ticket
    await journey.bridge.has_settled()
    journey.bridge.kill()
    await journey.rt.answers(await journey.ticket(), "while nobody listened")
    await journey.bridge.start(failpoint="answered")
    await journey.bridge.died()
    await journey.bridge.start()
    await journey.phone.says(journey.customer, "after")
    await journey.reaches_the_desk("before", "after")
    await journey.reaches_the_customer("while nobody listened")
    notes = [text for kind, _, text, _ in await journey.rt.seen(await journey.ticket()) if kind == "Comment"]
    assert len(notes) == 1
    assert notes[0].startswith(say("en", "unconfirmed", channel="shop"))


async def test_a_closed_window_is_told_on_the_ticket(journey: Journey) -> None:
    await journey.phone.says(journey.customer, "hello")
    await journey.reaches_the_desk("hello")
    journey.phone.fail(45015)
    await journey.rt.answers(await journey.ticket(), "too late")
    await poll(lambda: _has_note(journey, say("en", "window.over", channel="shop")))
    await journey.phone.says(journey.customer, "I am back")
    await journey.reaches_the_customer("too late")


async def _has_note(journey: Journey, beginning: str) -> bool:
    seen = await journey.rt.seen(await journey.ticket())
    return any(kind == "Comment" and text.startswith(beginning) for kind, _, text, _ in seen)


async def test_by_its_webhook_it_is_at_once(journey: Journey) -> None:
    """Polling is off: only RT's signed note can be the reason."""
    journey.bridge.kill()
    journey.bridge._more["engine"] = {**journey.bridge._more["engine"], "reconcile_every": "1h"}
    await journey.bridge.start()
    journey.rt.stop()
    journey.rt.start(webhook=journey.bridge.hook("desk"))
    try:
        await journey.phone.says(journey.customer, "hello")
        await journey.reaches_the_desk("hello")
        await journey.rt.answers(await journey.ticket(), "by webhook")
        await journey.reaches_the_customer("by webhook")
        assert 'bridge_callbacks_total{account="desk",answer="accepted"}' in await journey.bridge.get("/metrics")
    finally:
        journey.rt.stop()
        journey.rt.start()


@pytest.mark.browser
async def test_typed_in_rts_own_page(journey: Journey) -> None:
    from playwright.async_api import async_playwright

    await journey.phone.says(journey.customer, "hello")
    await journey.reaches_the_desk("hello")
    ticket = await journey.ticket()
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
        await page.goto(journey.rt.facts["base_url"])
        await page.fill("input[name=user]", journey.rt.facts["agent"])
        await page.fill("input[name=pass]", journey.rt.facts["agent_password"])
        async with page.expect_navigation():  # a click does not wait, and the next page would break it off
            await page.click("input[type=submit]")
        base = journey.rt.facts["base_url"]
        await page.goto(f"{base}/Ticket/Update.html?Action=Comment&id={ticket}")
        await _type(page, "typed remark, internal")
        await page.goto(f"{base}/Ticket/Update.html?Action=Respond&id={ticket}")
        await _type(page, "typed in RT's own page")
        await browser.close()
    seen = [(kind, text) for kind, _, text, _ in await journey.rt.seen(ticket)]
    assert any(kind == "Correspond" and "typed in RT" in text for kind, text in seen), seen
    await journey.reaches_the_customer("typed in RT's own page")


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


@pytest.mark.parametrize("journey", [{"mail_gateway": "http://127.0.0.1:9"}], indirect=True, ids=["gateway"])
async def test_through_the_mail_gateway_the_customer_is_the_author(journey: Journey) -> None:
    journey.bridge.kill()
    journey.bridge._accounts["desk"]["mail_gateway"] = journey.rt.facts["base_url"]
    await journey.bridge.start()
    await journey.phone.says(journey.customer, "first")
    await journey.reaches_the_desk("first")
    await journey.phone.says(journey.customer, "second, 作者是客户")
    await journey.phone.sends_image(journey.customer, picture("green"))
    await journey.reaches_the_desk("first", "second, 作者是客户")
    seen = await journey.rt.seen(await journey.ticket())
    authors = {who for kind, who, text, _ in seen if kind == "Correspond"}
    assert authors == {address(journey.customer, "bridge.invalid")}
    await journey.rt.answers(await journey.ticket(), "answer")
    await journey.reaches_the_customer("answer")


@pytest.mark.parametrize("journey", [{"route": {"replies_left_field": "Replies left"}}], indirect=True, ids=["fields"])
async def test_the_allowance_is_told_and_shown_on_the_ticket(journey: Journey) -> None:
    """A closed window as a comment, commands as comments, what is left in a custom field."""
    journey.rt.add_field("Replies left")
    await journey.phone.says(journey.customer, "question")
    await journey.reaches_the_desk("question")
    ticket = await journey.ticket()
    await poll(lambda: shows(journey, ticket, "5"))
    journey.phone.platform.allowances[journey.customer].left = 0
    await journey.rt.answers(ticket, "first")
    await poll(lambda: remarked(journey, ticket, say("en", "window.spent", channel="shop")))
    await journey.rt.answers(ticket, "second")
    await journey.rt.answers(ticket, "#status", verb="comment")
    await poll(lambda: remarked(journey, ticket, "Replies left: 0."))
    await poll(lambda: shows(journey, ticket, "0"))
    assert journey.phone.received(journey.customer) == []
    await journey.phone.says(journey.customer, "hello?")
    await poll(lambda: answered_with(journey, "first\nsecond"))
    await poll(lambda: shows(journey, ticket, "4", "3"))
    journey.phone.fail(48002)
    await journey.rt.answers(ticket, "refused once")
    await poll(lambda: remarked(journey, ticket, "#retry"))
    await journey.rt.answers(ticket, "#retry", verb="comment")
    await poll(lambda: answered_with(journey, "first\nsecond\nrefused once"))
    notes = [text for kind, who, text, _ in await journey.rt.seen(ticket) if kind == "Comment" and who != "agent"]
    held = [note for note in notes if note.startswith("Not delivered yet")]
    quoted = [line.removeprefix("> ") for note in held for line in note.splitlines() if line.startswith("> ")]
    assert quoted == ["first", "second"], "each held answer is noted once, whatever was joined to its note"


async def test_a_picture_with_its_caption_is_planned_whole(journey: Journey) -> None:
    """One reply is left and two are needed: nothing goes, the comment says so, and the trace shows the count."""
    await journey.phone.says(journey.customer, "question")
    await journey.reaches_the_desk("question")
    ticket = await journey.ticket()
    for number in range(4):
        await journey.rt.answers(ticket, f"answer {number}")
        await poll(partial(holds, journey, number + 1))
    await journey.rt.answers(ticket, "the plan", files=(("plan.jpg", "image/jpeg", picture("blue")),))
    await poll(lambda: remarked(journey, ticket, say("en", "window.short", channel="shop", cost=2, left=1)[:38]))
    assert kinds(journey) == ["text"] * 4
    await journey.phone.says(journey.customer, "again")
    await poll(lambda: holds(journey, 6))
    assert sorted(kinds(journey)[4:]) == ["image", "text"] and journey.phone.left(journey.customer) == 3
    code, out, _ = await journey.bridge.run("trace", ticket, "--json")
    answers = [step for step in json.loads(out)["links"][0]["steps"] if step["to"] == "shop"]
    assert code == 0
    assert [step["allowance"]["means"].split()[0] for step in answers] == ["5", "4", "3", "2", "5", "5"]


def kinds(journey: Journey) -> list[str]:
    return [bubble.kind for bubble in journey.phone.chat(journey.customer) if bubble.who == "service"]


async def holds(journey: Journey, count: int) -> bool:
    return len(kinds(journey)) == count


async def shows(journey: Journey, ticket: str, *left: str) -> bool:
    return (await journey.rt.fields(ticket)).get("Replies left") in [[one] for one in left]


async def remarked(journey: Journey, ticket: str, words: str) -> bool:
    return any(
        words in text for kind, who, text, _ in await journey.rt.seen(ticket) if kind == "Comment" and who != "agent"
    )


async def answered_with(journey: Journey, text: str) -> bool:
    return "\n".join(journey.phone.received(journey.customer)) == text


async def test_wecoms_customer_service_exactly_once_and_in_order(
    real_rt: RealRt, database_url: str, tmp_path: Path
) -> None:
    """Killed while the second message is on its way to the desk, and while the first answer is on its way back: the
    platform knows our id again, so that even that one is neither lost nor seen twice.
    """
    customer = f"wm{database_url[:6]}_0123456789".replace(":", "")
    async with WeCom() as phone:
        accounts = {"shop": phone.settings(), "desk": real_rt.account()}
        engine = {"request_timeout": "9s", "settle": "2s", "reconcile_every": "1s", "backoff_max": "1s", "lease": "5s"}
        bridge = Process(tmp_path, database_url, accounts, [{"channel": "shop", "desk": "desk"}], engine=engine)
        phone.hook_url = bridge.hook("shop")
        journey = Journey(phone, real_rt, bridge, f"{KFID}:{customer}")  # type: ignore[arg-type] # the same verbs
        journey.requestor = address(customer, "bridge.invalid")
        lines = [f"line {number}" for number in range(4)]
        try:
            async with bridge.supervised(failpoint="begun:2") as ends:
                await phone.says(customer, lines[0])
                await journey.reaches_the_desk(lines[0])
                for line in lines[1:]:
                    await phone.says(customer, line)
                await poll(lambda: _true(bool(ends)))
                await journey.reaches_the_desk(*lines)
                assert (await journey.said()) == lines
            assert await bridge.terminate() == 0
            ticket = await journey.ticket()
            await real_rt.answers(ticket, "first")
            async with bridge.supervised(failpoint="begun") as ends:
                await poll(lambda: _true(bool(ends)))
                await real_rt.answers(ticket, "second")
                await poll(lambda: _true(len(phone.received(customer)) >= 2))
                assert phone.received(customer) == ["first", "second"]
            notes = [text for kind, _, text, _ in await real_rt.seen(ticket) if kind == "Comment"]
            doubt = say("en", "unconfirmed", channel="shop")
            assert not any(note.startswith(doubt) for note in notes), "its outcome was found out"
        finally:
            await bridge.close()


async def _true(value: bool) -> bool:
    return value

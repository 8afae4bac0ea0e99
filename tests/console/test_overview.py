"""The overview and the accounts: how each is, why, and the one thing that helps."""

import asyncio
from datetime import timedelta

import pytest

from bridge.console.sparks import Sparks
from bridge.contract import Cause, Health, Problem, Unauthentic, Words
from bridge.telemetry import metrics
from mappings import callbacks, state
from tests.console.console_harness import ConsoleScene


async def test_all_is_well_says_so(scene: ConsoleScene) -> None:
    page = (await (await scene.person("viewer")).get("/overview")).text
    assert "All is well." in page and 'data-id="shop"' in page and 'data-id="desk"' in page
    assert "Nobody waits for an answer" in page


async def refused(scene: ConsoleScene, cause: Cause, client: str = "101.226.1.1") -> None:
    scene.up.callers.refused("shop", Unauthentic("no", cause=cause), client)
    await scene.up.callers.write_down()


async def test_refused_callbacks_stand_with_their_reason_for_a_day(scene: ConsoleScene) -> None:
    await refused(scene, Cause.SIGNATURE)
    await refused(scene, Cause.KEY, "<script>alert(1)</script>")
    viewer = await scene.person("viewer")
    overview = (await viewer.get("/overview")).text
    assert "✗ callbacks refused" in overview and "/console/accounts/shop#callbacks" in overview
    page = (await viewer.get("/accounts/shop")).text
    for words in ("wrong secret or token", "does not decrypt", "101.226.1.1", "copy it again"):
        assert words in page, words
    assert "<script>alert" not in page
    await viewer.send("/settings/look", language="zh", theme="")
    assert "密钥或令牌不一致" in (await viewer.get("/accounts/shop")).text
    scene.clock.advance(days=1, seconds=1)
    assert await scene.up.store.read(callbacks.last_refused, "shop", scene.clock()) == []


async def test_a_flood_of_refusals_is_a_few_rows(scene: ConsoleScene) -> None:
    for _ in range(50):
        for _ in range(100):
            scene.up.callers.refused("shop", Unauthentic("no", cause=Cause.SIGNATURE), "203.0.113.5")
        await scene.up.callers.write_down()
    found = await scene.up.store.read(callbacks.last_refused, "shop", scene.clock(), 1000)
    assert len(found) == 100
    scene.up.callers.accepted("shop")
    await scene.up.callers.write_down()
    assert "✓</span> The last authentic one" in (await (await scene.person()).get("/accounts/shop")).text


async def test_an_operator_pauses_an_account_and_resumes_it(scene: ConsoleScene) -> None:
    operator, viewer = await scene.person("operator", "Olga"), await scene.person("viewer")
    assert (await viewer.send("/accounts/desk/pause", sure="1")).status_code == 403
    asked = await operator.send("/accounts/desk/pause")
    assert asked.status_code == 200 and "Pause sending to desk?" in asked.text
    assert (await operator.send("/accounts/desk/pause", sure="1")).status_code == 303
    await scene.says("anna", "hello")
    await scene.quiet()
    assert scene.vendors.tickets == {}
    assert scene.up.engine is not None
    await scene.up.engine.timetable.check_paused()
    await scene.up.store.write(state.pause, "desk", "throttled", scene.clock(), scene.clock() + timedelta(seconds=1))
    await scene.pass_time(60)
    await scene.quiet()
    assert scene.vendors.tickets == {}, "nothing lifts by itself what somebody paused"
    scene.up.console  # noqa: B018 # the snapshot is a second old at most
    await asyncio.sleep(1.1)
    page = (await operator.get("/accounts/desk")).text
    assert "‖ paused" in page and "by Olga" in page and "Resume sending" in page
    assert "by Olga" in (await operator.get("/overview")).text
    assert (await operator.send("/accounts/desk/resume")).status_code == 303
    await scene.quiet()
    assert len(scene.vendors.tickets) == 1
    assert (await operator.send("/accounts/desk/resume")).status_code == 409
    assert [what for _, what, _ in await scene.audit()][:2] == ["resume", "pause"]


async def test_an_account_shows_what_it_can_and_how_it_is(scene: ConsoleScene) -> None:
    admin = await scene.person("admin")
    page = (await admin.get("/accounts/shop")).text
    assert "https://bridge.example.com/hooks/shop" in page and "What it can do" in page
    assert "All checks are well" in (await admin.get("/accounts/shop/checks")).text
    assert (await admin.get("/accounts/shop/plan")).status_code == 409, "nothing to set up at this vendor"
    assert (await admin.get("/accounts/nobody")).status_code == 404
    assert (await (await scene.person("operator")).get("/accounts/shop/plan")).status_code == 403


@pytest.mark.parametrize(
    "path", ["/overview", "/accounts", "/accounts/desk", "/routes", "/bots", "/audit", "/settings", "/people"]
)
async def test_pages_without_content_are_there(scene: ConsoleScene, path: str) -> None:
    for role in ("admin", "viewer"):
        someone = await scene.person(role)
        for language, lang in (("en", "en"), ("zh", "zh-CN")):
            await someone.send("/settings/look", language=language, theme="")
            answer = await someone.get(path)
            assert answer.status_code == 200 and f'<html lang="{lang}"' in answer.text, (role, path)
            assert answer.text.count("<main") == 1 and answer.text.count("<h1>") == 1


async def test_a_line_is_drawn_from_what_was_counted() -> None:
    sparks = Sparks(["spark-test"])
    assert sparks.line("spark-test") == ""
    for count in (3, 0, 6):
        metrics.raws.count("spark-test", by=count)
        await sparks.sample()
    assert sparks.sums("spark-test") == (9, 0)
    assert sparks.line("spark-test") == "115.9,15.0 118.0,29.0 120.0,1.0"


async def test_pages_hear_of_what_others_did(scene: ConsoleScene) -> None:
    """Two admins: what one does, the other's page is told of."""
    live = scene.up.console
    first = await scene.person("admin")
    await first.get("/overview")
    heard: list[bytes] = []

    async def listen() -> None:
        async for part in live._app._desk.live._events(lambda: asyncio.sleep(0, True), "one"):
            heard.append(part)
            if b"changed" in part:
                return

    task = asyncio.create_task(listen())
    await asyncio.sleep(0.2)
    await (await scene.person("admin", "Second")).send("/settings/look", language="en", theme="dark")
    async with asyncio.timeout(5):
        await task
    assert b"event: hello" in heard[0] and b"event: changed" in heard[-1]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_a_check_finds_stands_with_its_remedy(scene: ConsoleScene, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the reader's language, and a value to enter at the vendor to be copied."""
    found = Health(
        problems=(
            Problem(what="the token may not write", remedy="Grant it.", what_zh="令牌无写入权限", zh="请授予权限。"),
            Problem(what="40164 invalid ip", remedy="Allow it.", zh="请加入白名单。", enter="203.0.113.9"),
        ),
        facts={"version": Words("old", "旧版")},
        unchecked=(Words("whether it arrives", "能否送达"),),
    )

    async def check(_self: object) -> Health:
        return found

    monkeypatch.setattr(scene.channel_class, "check", check)
    viewer = await scene.person("viewer")
    page = (await viewer.get("/accounts/shop/checks")).text
    for words in ("the token may not write", "Grant it.", "203.0.113.9", "old", "whether it arrives"):
        assert words in page, words
    await viewer.send("/settings/look", language="zh", theme="")
    page = (await viewer.get("/accounts/shop/checks")).text
    for words in ("令牌无写入权限", "请授予权限。", "40164 invalid ip", "请加入白名单。", "旧版", "能否送达"):
        assert words in page, words

"""Problems: grouped by cause, looked at before anything is done, repaired one by one or all together."""

import asyncio
import re
from pathlib import Path

from bridge.contract import Rejected, Step
from bridge.replays import BITE, take_bite
from mappings import replays
from mappings.causes import alike
from tests.console.console_harness import ConsoleScene


async def failing(scene: ConsoleScene, count: int, *, code: str = "E7") -> None:
    """So many customers whose answers the platform refuses."""
    numbers = iter(range(1000, 9999))

    def trouble(account: str, step: Step, phase: str) -> None:
        if account == "shop" and phase == "before":
            raise Rejected(f"refused, trace {next(numbers)}ab: <script>alert(1)</script>", code=code)

    scene.vendors.trouble = None
    for number in range(count):
        await scene.says(f"customer{number}", "hello")
    await scene.quiet()
    scene.vendors.trouble = trouble
    for ticket in list(scene.vendors.tickets):
        scene.vendors.agent_says(ticket, f"answer to {scene.vendors.tickets[ticket].customer}")
    scene.look()
    await scene.collected()
    await scene.quiet()
    scene.vendors.trouble = None


def delivered(scene: ConsoleScene) -> list[str]:
    return sorted(one.text for phone in scene.vendors.phones.values() for one in phone)


async def the_cause(scene: ConsoleScene) -> str:
    someone = await scene.person("viewer", "Finder")
    (key,) = re.findall(r'<tr data-id="([0-9a-f]{16})"', (await someone.get("/problems")).text)
    return key


async def test_a_cause_is_told_in_the_readers_language_before_the_vendors_answer(scene: ConsoleScene) -> None:
    reason = {"en": "WeChat does not allow this text.", "zh": "微信不允许发送此内容。"}

    def trouble(account: str, step: Step, phase: str) -> None:
        if account == "shop" and phase == "before":
            raise Rejected("45166 invalid content rid: 6b0d750f-abcdefab-76b6b57a", code="45166", reason=reason)

    await scene.says("anna", "hello")
    await scene.quiet()
    scene.vendors.trouble = trouble
    scene.vendors.agent_says(scene.only_ticket, "an answer")
    scene.look()
    await scene.collected()
    await scene.quiet()
    operator = await scene.person("operator")
    key = await the_cause(scene)
    for path in ("/problems", f"/problems/{key}", "/conversations/1"):
        page = (await operator.get(path)).text
        assert reason["en"] in page and "45166: 45166 invalid content rid" in page, path
        assert page.index(reason["en"]) < page.index("45166 invalid"), path
    await operator.send("/settings/look", language="zh", theme="")
    for path in ("/problems", f"/problems/{key}", "/conversations/1"):
        page = (await operator.get(path)).text
        assert reason["zh"] in page and reason["en"] not in page.partition('class="talk"')[0], path


def test_words_are_alike_but_for_numbers() -> None:
    assert alike("rid: 6b0d750f-abcdefab-76b6b57a") == alike("rid: 7f0d750f-12cdefab-76b6b57b")
    assert alike("trace 12ab-99: no field 3601") == alike("trace 7f: no field 1")
    assert alike("no such user") != alike("no such field")


async def test_without_problems_the_page_says_so(scene: ConsoleScene) -> None:
    page = (await (await scene.person()).get("/problems")).text
    assert "<h1>Problems</h1>" in page and "Nothing failed" in page


async def test_what_failed_alike_is_one_row_with_a_preview(scene: ConsoleScene) -> None:
    await failing(scene, 3)
    someone = await scene.person("operator")
    page = (await someone.get("/problems")).text
    assert "<strong>3</strong>" in page and "E7" in page and "<script>alert" not in page
    key = await the_cause(scene)
    preview = (await someone.get(f"/problems/{key}")).text
    assert "<strong>3</strong> would go now" in preview and "answer to customer1" in preview
    assert "<script>alert" not in preview
    viewer = await scene.person("viewer")
    masked = (await viewer.get(f"/problems/{key}")).text
    assert "answer to" not in masked and "customer1" not in masked and "/replay" not in masked
    await someone.send("/conversations/1/hold")
    assert "<strong>1</strong> stays: somebody holds" in (await someone.get(f"/problems/{key}")).text
    assert delivered(scene) == [], "a look has no effect"


async def test_all_of_a_cause_goes_again_once(scene: ConsoleScene) -> None:
    await failing(scene, BITE + 3)
    operator = await scene.person("operator")
    key = await the_cause(scene)
    answer = await operator.send(f"/problems/{key}/replay")
    assert answer.headers["location"] == f"/console/problems?said=said.begun&n={BITE + 3}"
    again = await operator.send(f"/problems/{key}/replay")
    assert again.status_code in {303, 404}, "the same form twice: the second finds little or nothing to do"
    await finished(scene)
    await scene.quiet()
    assert delivered(scene) == sorted(f"answer to customer{number}" for number in range(BITE + 3))
    page = (await operator.get("/problems")).text
    assert f"{BITE + 3} of {BITE + 3}" in page or again.status_code == 303
    assert any(what == "replay all of a cause" for _, what, _ in await scene.audit())


async def finished(scene: ConsoleScene) -> None:
    engine = scene.up.engine
    assert engine is not None
    while await scene.up.store.read(replays.is_running):
        await engine.act(take_bite)


async def test_a_replay_goes_on_after_a_restart(database_url: str, tmp_path: Path) -> None:
    """Where it stands is in the database: the next process goes on by itself, and nothing goes twice."""
    scene, count = ConsoleScene(database_url, tmp_path), BITE + 5
    async with scene.open():
        await failing(scene, count)
        operator = await scene.person("operator")
        await operator.send(f"/problems/{await the_cause(scene)}/replay")
        assert scene.up.engine is not None
        await scene.up.engine.act(take_bite)
        begun = (await scene.up.store.read(replays.jobs))[0]
        assert begun.total == count and begun.done >= BITE
    async with scene.open():
        async with asyncio.timeout(30):
            while await scene.up.store.read(replays.is_running):
                await asyncio.sleep(0.1)
        await scene.quiet()
        assert delivered(scene) == sorted(f"answer to customer{number}" for number in range(count))
        ended = (await scene.up.store.read(replays.jobs))[0]
        assert (ended.state, ended.done, ended.total) == ("done", count, count)


async def test_what_fails_again_is_not_tried_in_a_circle(scene: ConsoleScene) -> None:
    await failing(scene, 2)
    operator = await scene.person("operator")
    key = await the_cause(scene)

    def still(account: str, step: Step, phase: str) -> None:
        if account == "shop" and phase == "before":
            raise Rejected("refused, trace 1: <script>alert(1)</script>", code="E7")

    scene.vendors.trouble = still
    await operator.send(f"/problems/{key}/replay")
    await finished(scene)
    await scene.quiet()
    assert not await scene.up.store.read(replays.is_running)
    assert "<strong>2</strong>" in (await operator.get("/problems")).text


async def test_stopping_leaves_the_rest(scene: ConsoleScene) -> None:
    await failing(scene, 2)
    operator, viewer = await scene.person("operator"), await scene.person("viewer")
    key = await the_cause(scene)
    job = await scene.up.store.write(replays.begin, "test", '{"act": "replay", "cause": ["a", "b", "c", "d"], "said": ""}', 9, 5, scene.clock())  # fmt: skip
    assert (await viewer.send(f"/problems/jobs/{job}/stop")).status_code == 403
    stopped = await operator.send(f"/problems/jobs/{job}/stop")
    assert stopped.status_code in {303, 409}, "the tick may have been faster"
    assert (await operator.send(f"/problems/jobs/{job}/stop")).status_code == 409
    assert (await operator.get(f"/problems/{key}")).status_code == 200


async def test_giving_up_asks_on_a_page_of_its_own(scene: ConsoleScene) -> None:
    await failing(scene, 2)
    operator = await scene.person("operator")
    key = await the_cause(scene)
    asked = await operator.send(f"/problems/{key}/drop")
    assert asked.status_code == 200 and "Give up for good?" in asked.text
    assert await the_cause(scene) == key
    one = await operator.send("/problems/drop", id="s3")
    assert one.status_code == 200 and 'value="s3"' in one.text
    await operator.send(f"/problems/{key}/drop", sure="1")
    await finished(scene)
    assert "Nothing failed" in (await operator.get("/problems")).text
    assert delivered(scene) == []


async def test_what_cannot_be_read_is_a_cause_of_its_own(scene: ConsoleScene) -> None:
    raw = scene.vendors.customer_message("anna", "hello")
    await scene.push(raw._replace(payload=b"{"))
    await scene.quiet()
    operator = await scene.person("operator")
    page = (await operator.get("/problems")).text
    assert "cannot be read" in page
    key = await the_cause(scene)
    preview = (await operator.get(f"/problems/{key}")).text
    assert "would be read again" in preview and 'data-id="r1"' in preview
    assert (await operator.send("/problems/replay", id="r1")).status_code == 303
    await scene.quiet()
    assert (await operator.get(f"/problems/{key}")).status_code == 200, "it cannot be read now, either"


async def test_a_viewer_repairs_nothing(scene: ConsoleScene) -> None:
    await failing(scene, 1)
    viewer = await scene.person("viewer")
    key = await the_cause(scene)
    for path in (f"/problems/{key}/replay", f"/problems/{key}/drop", "/problems/replay", "/problems/drop"):
        assert (await viewer.send(path, id="s2", sure="1")).status_code == 403, path
    assert await the_cause(scene) == key

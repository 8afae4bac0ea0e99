"""The page of events: who takes them, what was given up, and sending it again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mappings import outgoing
from tests.console.console_harness import ConsoleScene

SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cy0wMDAwMDE="
CRM = {"url": "http://127.0.0.1:9/?key=canary", "secret": SECRET, "name": "<crm>"}


@pytest.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[ConsoleScene]:
    async with ConsoleScene(database_url, tmp_path, events=[CRM]).open() as scene:
        yield scene


async def test_what_is_told_is_seen_and_sent_again(scene: ConsoleScene) -> None:
    await scene.says("anna", "the words of a customer")
    await scene.quiet()
    rows = await scene.up.store.read(outgoing.latest)
    await scene.up.store.write(
        outgoing.settle,
        [(row.id, {"state": "dead", "done_at": scene.clock(), "tries": 3, "code": "http 410"}) for row in rows],
    )
    operator, viewer = await scene.person("operator"), await scene.person("viewer")
    for lang, words in (("en", ("Given up", "Send again")), ("zh", ("已放弃", "重发"))):
        page = (await operator.get(f"/deliveries?lang={lang}")).text
        assert all(word in page for word in words), lang
        assert "&lt;crm&gt;" in page and "<crm>" not in page and "canary" not in page and "customer" not in page
        assert "conversation.opened" in page and "http 410" in page
    assert "/console/deliveries" in (await viewer.get("/overview")).text
    assert "Send again" not in (await viewer.get("/deliveries")).text
    one = rows[0].id
    assert (await viewer.send("/deliveries/replay", id=str(one))).status_code == 403
    assert (await operator.send("/deliveries/replay", id=str(one))).status_code == 303
    states = {row.id: row.state for row in await scene.up.store.read(outgoing.latest)}
    assert states[one] == "ready" and sorted(states.values()) == ["dead"] * (len(states) - 1) + ["ready"]
    for wrong in ("x", "", "9" * 30, "999999"):
        assert (await operator.send("/deliveries/replay", id=wrong)).status_code in {400, 409}
    assert (await operator.send("/deliveries/since", receiver="<crm>", hours="24")).status_code == 303
    assert {row.state for row in await scene.up.store.read(outgoing.latest)} == {"ready"}
    assert (await operator.send("/deliveries/since", receiver="other", hours="24")).status_code == 400
    assert ("console: Operator", "send events again") in [(who, what) for who, what, _ in await scene.audit()]

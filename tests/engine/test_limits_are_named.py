"""An account or a conversation that rests for a limit says which one, since when and until when, in both languages."""

import pytest

from bridge.away import rests_now
from bridge.contract import Scope, Throttled
from bridge.status import said_in, status_facts
from tests.engine.engine_harness import Scene
from tests.engine.test_trouble import answered, once

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
REASON = {"en": "no more than 12 mails within 10 minutes", "zh": "10 分钟内不超过 12 封邮件"}


@pytest.mark.parametrize("scope", [Scope.ACCOUNT, Scope.CONVERSATION])
async def test_which_limit_since_when_and_until_when(scene: Scene, scope: Scope) -> None:
    async with scene.running() as bridge:
        scene.vendors.trouble = once(Throttled("slow down", retry_after=600, scope=scope, reason=REASON), "shop")
        await answered(scene, "the answer")
        await scene.pass_time(6)
        await scene.quiet()
        (note,) = scene.vendors.notes(scene.only_ticket)
        assert REASON["en"] in note and "not before 2026-01-05 09:10" in note, note
        facts = await bridge.store.read(status_facts, bridge.runtime.settings, scene.clock())
        for language, wanted in REASON.items():
            (shop,) = [
                one for one in said_in(facts, bridge.runtime.settings, language)["accounts"] if one["account"] == "shop"
            ]
            assert wanted in shop["reason"] and shop["state"] == "throttled" and shop["next_attempt"]
        rests = await bridge.store.read(rests_now, scene.clock())
        if scope is Scope.ACCOUNT:
            assert REASON["zh"] in rests["shop"].zh and "自 09:00" in rests["shop"].zh and "09:10" in rests["shop"].zh
            await scene.pass_time(900)
            await scene.quiet()
        assert scope is Scope.CONVERSATION or not await bridge.store.read(rests_now, scene.clock())


async def test_a_limit_with_a_code_of_its_vendors_is_named_in_the_readers_language(scene: Scene) -> None:
    async with scene.running() as bridge:
        limit = Throttled("45009 XQ77", retry_after=600, scope=Scope.INTERFACE, code="45009", reason=REASON)
        scene.vendors.trouble = once(limit, "shop")
        await answered(scene, "the answer")
        await scene.pass_time(6)
        await scene.quiet()
        facts = await bridge.store.read(status_facts, bridge.runtime.settings, scene.clock())
        for language, wanted in REASON.items():
            accounts = said_in(facts, bridge.runtime.settings, language)["accounts"]
            (reason,) = [one["reason"] for one in accounts if one["account"] == "shop"]
            assert reason.startswith(wanted) and "45009, bridge trace s" in reason and "XQ77" not in reason

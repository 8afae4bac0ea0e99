"""Explanations of made-up and past conversations, and of a week under other rules."""

import json
import subprocess
from pathlib import Path

import pytest

from bridge.engine.context import Runtime
from bridge.explanation import explain_conversation, explanation_text, replay
from bridge.testing.e2e import prefork
from tests.e2e.test_config import GOOD
from tests.engine.platform_harness import CUSTOMER, PlatformHarness

REFUNDS = {"name": "refunds", "channel": "shop", "desk": "desk", "when": {"words": ["退款"]}, "group": "Finance"}
REST = {"name": "rest", "channel": "shop", "desk": "desk"}

ROUTES = """
[calendars.office]
hours = "mon-fri 09:00-18:00"
holidays = "cn"
[[routes]]
name = "vip"
channel = "shop"
desk = "desk"
when = { verified = true, "customer.tier" = ["gold"] }
[[routes]]
name = "refunds at night"
channel = "shop"
desk = "desk"
when = { page = ["pages/order/*"], words = ["退款", "refund"], hours = "closed" }
calendar = "office"
group = "Finance"
[routes.greeting]
closed_texts = { zh = ["我们{opens}回来"], en = ["Back {opens}"] }
[[routes]]
name = "rest"
channel = "shop"
desk = "desk"
"""


def explain(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = folder / "config.toml"
    path.write_text(GOOD[: GOOD.index("[[routes]]")] + ROUTES, encoding="utf-8")
    return prefork.run("routes", "explain", "--config", str(path), *words)


def test_a_made_up_conversation_is_explained_rule_by_rule(tmp_path: Path) -> None:
    asked = ("--channel", "shop", "--page", "pages/order/7", "--text", "我要退款", "--at", "2026-10-04 21:00")
    done = explain(tmp_path, *asked)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("channel shop, 2026-10-04T13:00:00Z (2026-10-04 21:00 Asia/Shanghai), routes ")
    assert lines[1:] == [
        "  [✗] vip: verified = true",
        "  [→] refunds at night",
        "  [✓] rest",
        "goes to desk with group Finance",
        "on entry: Back Thu 8 Oct at 09:00 (Asia/Shanghai time)",
        "1 replies are left then, 5 after a message of the customer",
    ]
    found = json.loads(explain(tmp_path, *asked[:-1], "2026-10-10 10:00", "--json").stdout)
    assert found["rules"][1] == {
        "rule": "refunds at night",
        "holds": False,
        "failing": "hours = closed",
        "chosen": False,
    }
    assert found["result"]["rule"] == "rest"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--channel", "shp"), "--channel: there is no channel 'shp'; channels: shop"),
        (("--channel", "shop", "--at", "noon"), "--at: 'noon' is no time"),
        ((), "name a --channel, or a --conversation"),
    ],
)
def test_what_cannot_be_explained_is_said(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = explain(tmp_path, *words)
    assert done.returncode in {1, 2} and said in done.stderr and "Traceback" not in done.stderr


async def test_a_past_conversation_then_and_now_and_a_week_of_them(database_url: str, tmp_path: Path) -> None:
    harness = PlatformHarness(database_url, tmp_path, routes=[REFUNDS, REST])
    async with harness.running() as bridge:
        await harness.asks("我要退款, my secret")
        for number in range(5):
            await harness.asks("hello", f"oCustomer_{number}")
        now = bridge.runtime
        (one,) = await bridge.store.read(explain_conversation, now, CUSTOMER)
        assert (one["then"]["rule"], one["now"]["result"]["rule"], one["words_kept"]) == ("refunds", "refunds", True)
        same = await bridge.store.read(replay, now, harness.clock())
        assert (same["conversations"], same["same"], same["elsewhere"], same["not_known"]) == (6, 6, 0, 0)
        harness.options["routes"] = [{**REFUNDS, "name": "hello", "when": {"words": "hello"}}, REST]
        other = Runtime(harness.settings(), now.accounts, now.now, now.link_to)
        found = await bridge.store.read(replay, other, harness.clock())
        assert [(one["from"], one["to"], one["count"], len(one["examples"])) for one in found["changes"]] == [
            ("rest → desk", "hello → desk", 5, 3),
            ("refunds → desk", "rest → desk", 1, 1),
        ]
        (one,) = await bridge.store.read(explain_conversation, other, CUSTOMER)
        assert "words = hello" in explanation_text(one["now"])
        assert "secret" not in json.dumps([one, found, same])

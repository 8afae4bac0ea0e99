"""What is wrong with a draft of rules is said in Chinese, too: each line that our own checks write."""

import ast
import re
from pathlib import Path

import pytest

from bridge.console.faults import fault_in

ROOT = Path(__file__).resolve().parents[2]
LINES = [
    "draft: not valid TOML: Expected ']' (at line 1, column 8)",
    "draft: bridge: a draft has [[routes]] only",
    "draft: routes.0.desk: is missing; set it there or as BRIDGE_ROUTES__0__DESK",
    "draft: routes.0.dsk: is not a known key; did you mean 'desk'?",
    "draft: routes.0.x: is not a known key",
    "draft: routes.0.desk: there is no account 'dsk'; accounts: desk, shop; did you mean 'desk'?",
    "draft: routes.0.bot: there is no account 'b'; bots: none",
    "draft: routes.0.calendar: there is no calendar 'office'; calendars: none",
    "draft: routes.0.targets: there is no target 'quick'; targets: standard",
    "draft: routes.0.fallback: there is no desk 'mail'; desks: desk",
    "draft: routes.0.when.topic: there is no topic 'x'; topics: none; add [[topics]]",
    "draft: routes.0.channel: account 'desk' cannot be a channel",
    "draft: routes.0.bot: account 'desk' is no bot",
    "draft: routes.0.bot: account 'desk' is a desk in these routes; give the bot an account of its own",
    "draft: routes.0.bot: reserve = 5 leaves nothing: the channel allows 5 replies in all",
    "draft: routes.0.bot: mode = 'suggest' is of no use at 'mail': notes go with the customer's next words there",
    "draft: routes.0.bot: hours = 'open' needs the route's `calendar`",
    "draft: routes.0.when.hours: 'open' needs the route's `calendar`",
    "draft: routes.0.when.hours: 'opn' is not open, closed or a calendar; calendars: none",
    "draft: routes.0.when: the last route of 'shop' must match everything",
    "draft: accounts.shop: no route names this account; add one under [[routes]]",
    "draft: routes.1: 'b' is never reached: 'a' before it takes everything that it would; put it first, or take it out",
    "draft: routes.1.tags: 'desk' (rt) cannot take it; rt takes: priority; take it out, tickets come without it",
    "draft: routes.0.away.texts: has 2100 bytes, and a message of 'shop' holds 2048; shorten it",
    "draft: routes: two routes are called 'a'; give each a name of its own",
    "draft: routes.0.bot.handoff_text: is longer than 300 characters: it must fit into one message",
    "draft: routes.0.when.sample: must be a number from 0 to 1",
    "draft: routes.0.when.words: must be a text, or a list of texts",
    "draft: routes.0.when.vip: must be true or false",
    'draft: routes.0.when.left: must be a number of replies, or one with a sign: 0, "<3", ">=4", or several of them',
    "draft: routes.0.when.tier: anybody can type this; use `customer.tier`, which only a signed context or the API sets",
    "draft: routes.0.when.bot.verdict: must be one or several of answer, handoff, nothing, resolved",
    "draft: routes.0.when.wrds: is not a known condition; did you mean 'words'?",
    "draft: routes.0.when.a.b: is not a known condition; known: hours, words, query.*, context.*",
    "/etc/bridge/config.toml: routes.0.desk: is missing; set it there or as BRIDGE_ROUTES__0__DESK",
]


@pytest.mark.parametrize("line", LINES)
def test_a_fault_is_said_in_chinese(line: str) -> None:
    said = fault_in(line, "zh")
    text = re.sub(r"'[^']*'|`[^`]*`|\[\[\w+\]\]|（.*?）", "", said.rpartition("：")[2] if "TOML" not in line else "")
    assert said != line and not re.search(r"[A-Za-z]+ [a-z]{2,} [a-z]{2,}", text), said
    assert fault_in(line, "en") == line


def test_the_lines_are_those_of_the_checks() -> None:
    """A check whose words change is red here: else its line would be English again, unseen."""
    pieces = set()
    for name in ("registry", "route_checks", "route_drafts", "settings/routes", "settings/bots", "routing/rule_checks"):
        for node in ast.walk(ast.parse((ROOT / "bridge" / f"{name}.py").read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                pieces.add(node.value)
    text = "\n".join(pieces)
    for words in (
        "must match everything", "no route names this account", "is never reached", "take it out, tickets come without it",
        "shorten it", "a draft has [[routes]] only", "is no bot", "give each a name of its own", "leaves nothing",
        "must be a number from 0 to 1", "give the bot an account of its own", "is not open, closed or a calendar",
    ):  # fmt: skip
        assert words in text, words


def test_what_nobody_knows_stands_as_it_is() -> None:
    assert (
        fault_in("draft: routes.0.x: Input should be a valid list", "zh")
        == "draft: routes.0.x: Input should be a valid list"
    )

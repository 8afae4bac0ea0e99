"""What customers, agents, vendors, bots and whoever calls may write, on every page: shown as text, and nothing else."""

import json
from functools import reduce
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bridge.console.pages import contained
from bridge.console.views import VIEWS
from bridge.contract import Cause, Unauthentic
from mappings.store import Tx
from tests.console.test_bots_page import BotConsole, asked
from tests.console.test_deliveries import CRM

EVIL = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>'{{7*7}}${7*7}\u202eNIGEB\u200b<!--"
# free text that somebody outside decides about, by table; what is stored is believed by no page
TEXTS = {
    "attempt": ("code", "detail"),
    "outbox": ("code", "error", "reason"),
    "inbox": ("error",),
    "audit": ("who", "detail"),
    "pause": ("reason", "code"),
    "refused_callback": ("client",),
    "callback": ("remedy",),
    "bot_turn": ("why",),
    "handover": ("who",),
    "outgoing_event": ("code",),
    "link": ("entry", "held_by"),
    "identity": ("profile",),
    "person_merge": ("proof",),
    "fact": ("agent", "code"),
    "measure": ("entry", "agent"),
    "entry": ("value",),
    "phrase": ("phrase",),
    "media": ("name", "error"),
}


class Tags(HTMLParser):
    """What a browser would make elements of."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        ours = tag != "script" or str(values.get("src")).startswith("/console/static/")
        if not ours or tag in {"img", "iframe", "object"} or any(name.startswith("on") for name in values):
            self.wrong.append(f"<{tag} {values}>")
        if tag == "a" and str(values.get("href") or "").lower().startswith(("javascript:", "data:")):
            self.wrong.append(f"<{tag} {values}>")

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"<!-- {data[:40]}")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> BotConsole:
    return BotConsole(database_url, tmp_path, events=[CRM])


def bitten(value: Any) -> Any:
    """JSON with teeth in its words."""
    if isinstance(value, dict):
        return {key: bitten(one) for key, one in value.items()}
    if isinstance(value, list):
        return [bitten(one) for one in value]
    return f"{value} {EVIL}" if isinstance(value, str) else value


def poison(tx: Tx) -> None:
    """Every text that anybody outside decides about; where it is JSON, its words."""
    for table, columns in TEXTS.items():
        for column in columns:
            old = text(f"SELECT rowid, {column} FROM {table}")  # names of ours
            for row, value in tx.execute(old).all():
                if (table, column) == ("outbox", "reason"):
                    value = '{"en": "no"}'  # noqa: PLW2901 # it is JSON wherever there is one
                said = str(value or "")
                new = json.dumps(bitten(json.loads(said))) if said.startswith(("{", "[")) else f"{said} {EVIL}"
                change = text(f"UPDATE {table} SET {column} = :new WHERE rowid = :row")
                tx.execute(change, {"new": new, "row": row})


async def filled(scene: BotConsole) -> None:
    """Something of everything, written by people who mean no good."""
    await scene.push(scene.vendors.enters("anna", session_from=EVIL))
    await scene.says("anna", f"hello {EVIL}")
    await asked(scene)
    await scene.quiet()
    scene.vendors.agent_says(next(iter(scene.vendors.tickets)), f"good morning {EVIL}")
    await scene.quiet()
    scene.up.callers.refused(
        "shop", Unauthentic("no", cause=Cause.SIGNATURE, reason={"en": EVIL, "zh": EVIL}), "203.0.113.5"
    )
    await scene.up.callers.write_down()
    await scene.up.store.write(poison)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nothing_that_anybody_wrote_is_more_than_text(scene: BotConsole) -> None:
    async with scene.open():
        await filled(scene)
        places = {"{id}": "1", "{name}": "shop", "{chart}": "volume.csv"}
        admin, viewer = await scene.person("admin"), await scene.person("viewer")
        seen = ""
        paths = [view.path for view in VIEWS if view.method == "GET" and not view.path.endswith("/plan")]
        asked_for = [
            f"/conversations?q={EVIL}",
            f"/conversations?entry={EVIL}",
            f"/audit?q={EVIL}",
            f"/figures?entry={EVIL}",
        ]
        for view in [*paths, *asked_for]:
            path = reduce(lambda so_far, one: so_far.replace(*one), places.items(), view)
            for who in (admin, viewer) if view in paths else (admin,):
                answer = await who.get(path)
                assert answer.status_code in {200, 403, 404, 400}, (path, answer.status_code)
                if "text/html" not in answer.headers["content-type"]:
                    continue
                found = Tags(answer.text)
                assert found.wrong == [], path
                if who is admin:
                    seen += "".join(found.words)
        for words in ("<script>alert(1)</script>", "onerror=alert(1)", "{{7*7}}", "${7*7}", "\u202eNIGEB"):
            assert words in seen, f"{words!r} is nowhere to be read"
        assert "49" not in seen.replace("14:49", "")


def test_a_name_does_not_turn_what_stands_behind_it() -> None:
    assert contained("\u202eabc") == "\u202eabc\u202c"
    assert contained("a\u2067b\u202dc") == "a\u2067b\u202dc\u202c\u2069"
    assert contained("plain") == "plain" and contained(7) == 7

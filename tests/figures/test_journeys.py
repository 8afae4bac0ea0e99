"""Figures of a bridge that works: counted by hand, read by the command, by the API and by other programs."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from bridge.cli.main import main
from bridge.contract import Rejected, Retryable, Step
from bridge.figures import rollups, worker
from bridge.figures.export import cell
from bridge.figures.period import period, zone_of
from bridge.figures.report import read_report, summary
from mappings import failed_steps
from mappings.sql import table
from mappings.tables import Outbox
from tests.engine.engine_harness import Scene

TOKEN = "t" * 32


class Counted(Scene):
    """A scene whose figures are asked for."""

    async def count(self) -> None:
        assert self.bridge is not None
        await self.quiet()
        for _ in range(3):  # on PostgreSQL what is young waits
            await worker.tick(self.bridge.store, self.bridge.runtime, "test", at_once=True)
            self.clock.advance(61)

    async def figures(self, by: str = "") -> dict[str, Any]:
        assert self.bridge is not None
        await self.count()
        now = self.clock()
        asked = period("3d", "", zone_of(self.bridge.settings), now, hours=by == "hour")
        return await self.bridge.store.read(read_report, asked, now, by)

    async def answers(self, text: str, who: str = "kim") -> None:
        self.vendors.agent_says(self.only_ticket, text, who=who)
        self.look()
        await self.collected()

    async def becomes(self, status: str) -> None:
        self.vendors.set_status(self.only_ticket, status)
        self.look()
        await self.collected()


@pytest.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[Counted]:
    found = Counted(database_url, tmp_path, bridge={"api_token": TOKEN, "timezone": "Asia/Shanghai"})
    async with found.running():
        yield found


async def one_conversation(scene: Counted) -> None:
    await scene.says("ann", "where is my parcel?")
    await scene.quiet()
    scene.clock.advance(60)
    await scene.says("ann", "hello?")
    await scene.quiet()
    scene.clock.advance(240)
    await scene.answers("It is on its way.")
    scene.clock.advance(600)
    await scene.says("ann", "thank you")
    await scene.quiet()
    scene.clock.advance(60)
    await scene.becomes("solved")


async def test_a_conversation_is_counted_as_one_would_by_hand(scene: Counted) -> None:
    await one_conversation(scene)
    found = await scene.figures()
    assert found["volume"] | {"automatic": 0} == {
        "entered": 0,
        "conversations": 1,
        "customer_messages": 3,
        "turns": 2,
        "people": 1,
        "bot": 0,
        "automatic": 0,
    }
    assert found["first_response"]["n"] == 1
    assert found["first_response"]["median"] == pytest.approx(300, rel=0.05)
    assert found["first_response"]["within"] == {"120": 0, "600": 1, "3600": 1, "14400": 1}
    assert found["resolution"]["median"] == pytest.approx(960, rel=0.05)
    assert (found["solved"], found["reopened"], found["waiting"]["n"]) == (1, 0, 0)
    assert (found["backlog"]["end"], found["satisfaction"]["share"]) == (0, None)
    assert found["allowance"]["1"]["people"] == 1


async def test_who_waits_is_counted_and_not_left_out(scene: Counted) -> None:
    for _ in range(2):
        await scene.push(scene.vendors.enters("ann"))
        await scene.quiet()
    await scene.says("ann", "where is my parcel?")
    since = scene.clock()
    found = await scene.figures("day")
    assert found["waiting"] == {"n": 1, "oldest": since.astimezone(zone_of(scene.settings())).isoformat("T", "seconds")}
    assert (found["first_response"]["n"], found["first_response"]["median"]) == (0, None)
    assert found["backlog"]["end"] == 1
    (row,) = found["rows"]
    assert (row["volume"]["entered"], row["volume"]["conversations"]) == (1, 1)


async def test_a_reopened_conversation_is_open_again(scene: Counted) -> None:
    await one_conversation(scene)
    scene.clock.advance(3600)
    await scene.says("ann", "it is broken")
    found = await scene.figures("hour")
    assert (found["solved"], found["reopened"], found["backlog"]["end"]) == (1, 1, 1)
    assert found["volume"]["conversations"] == 1


async def test_counting_twice_or_anew_changes_nothing(scene: Counted) -> None:
    await one_conversation(scene)
    first = await scene.figures("channel")
    assert scene.bridge is not None
    store = scene.bridge.store
    rebuilt = await store.write(worker.rebuild, scene.bridge.runtime, scene.clock() - timedelta(days=9), scene.clock())
    assert rebuilt == 1
    again = await scene.figures("channel")
    assert {**again, "until": ""} == {**first, "until": ""}


async def test_the_api_gives_figures_and_rows(scene: Counted) -> None:
    await one_conversation(scene)
    await scene.count()
    assert scene.bridge is not None
    transport = httpx.ASGITransport(scene.bridge.app())
    async with httpx.AsyncClient(transport=transport, base_url="https://bridge.example.com") as client:
        assert (await client.get("/api/figures")).status_code == 401
        client.headers["authorization"] = f"Bearer {TOKEN}"
        since = f"{scene.clock() - timedelta(days=2):%Y-%m-%d}"
        found = (await client.get("/api/figures", params={"since": since, "by": "desk"})).json()
        assert [row["desk"] for row in found["rows"]] == ["desk"]
        given = await client.get("/api/figures/turns", params={"since": since})
        assert given.content.startswith(b"\xef\xbb\xbfconversation,number,")
        rows = list(csv.DictReader(io.StringIO(given.content.decode("utf-8-sig"))))
        assert len({row["person_hash"] for row in rows}) == 1 and len(rows[0]["person_hash"]) == 32
        assert [(row["outcome"], row["took_seconds"]) for row in rows] == [("answered", "300.0"), ("unneeded", "")]
        same = {"if-none-match": given.headers["etag"]}
        assert (await client.get("/api/figures/turns", params={"since": since}, headers=same)).status_code == 304
        facts = await client.get("/api/figures/facts", params={"since": since, "format": "jsonl"})
        kinds = [json.loads(line)["kind"] for line in facts.text.splitlines()]
        assert kinds.count("customer") == 3
        assert "parcel" not in facts.text + given.text
        assert (await client.get("/api/figures/texts")).status_code == 404
        assert "cannot be read" in (await client.get("/api/figures", params={"since": "soon"})).json()["error"]


async def test_the_command_reads_beside_a_bridge_that_serves(scene: Counted) -> None:
    await one_conversation(scene)
    await scene.count()
    given = scene.settings()
    path = scene.folder / "config.toml"
    path.write_text(f"""
[bridge]
public_url = "https://bridge.example.com"
database_url = "{given.bridge.database_url}"
secret_key = "0123456789abcdef0123456789abcdef"
timezone = "Asia/Shanghai"
""")
    since = ["--since", f"{scene.clock() - timedelta(days=2):%Y-%m-%d}"]
    run = CliRunner().invoke
    config = ["--config", str(path)]
    said = run(main, ["figures", *since, *config, "--json"])
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["volume"]["conversations"] == 1
    assert "first response     median" in run(main, ["figures", *since, *config, "--by", "day"]).stdout
    lines = run(main, ["figures", "export", "--what", "episodes", "--format", "jsonl", *config])
    assert json.loads(lines.stdout)["state"] == "solved"
    assert run(main, ["figures", "rebuild", *since, *config]).stdout == "1 conversations counted anew.\n"
    wrong = run(main, ["figures", "--since", "yesterday", *config])
    assert (wrong.exit_code, "write a date" in wrong.output) == (1, True)


CHANGED = ["=1+1", "+86", "-2", "@x", "\tx", "\rx", "\nx", " =1", "＝1+1", "＠x", "12345678901234567", "00123", "12e5"]
KEPT = ["page=order", "a-b", "1-2", "123456789012345", "0", "pages/order", "5 @ home"]


@pytest.mark.parametrize("text", CHANGED)
def test_no_cell_is_a_formula_or_another_number(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(-2) == "-2"


@pytest.mark.parametrize("text", KEPT)
def test_a_cell_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_scores_stay_apart_in_sums() -> None:
    """A day's sum has several scores; none is lost or guessed from the total."""
    link = SimpleNamespace(id=1, channel="shop", desk="desk", entry="", decided="", fields="{}", contact="{}")
    given = [SimpleNamespace(kind="rating", value=score, code="", agent="", link_id=1) for score in (5, 5, 4, 3, 1)]
    found = dict.fromkeys(("answered", "begun", "solved", "shifts"), ())
    hour = [SimpleNamespace(**row) for row in rollups.hour_sums({**found, "facts": given, "links": [link]})]
    day = [SimpleNamespace(**row) for row in rollups.add_rows([*hour, *hour])]
    rating = summary(day)["satisfaction"]
    assert (rating["n"], rating["share"]) == (10, 0.6)
    assert rating["scores"] == {"1": 2, "2": 0, "3": 2, "4": 2, "5": 4}


async def test_what_was_found_by_looking_counts_as_accepted(scene: Counted) -> None:
    """The answer to the request was lost, and a look showed that the desk has it: no attempt says so."""
    cuts = []

    def cut(account: str, step: Step, phase: str) -> None:
        if account == "desk" and phase == "after" and not cuts:
            cuts.append(step)
            raise Retryable("the connection broke", certain=False)

    scene.vendors.trouble = cut
    await scene.says("ann", "where is my parcel?")
    await scene.quiet()
    for _ in range(4):
        await scene.pass_time(40)
        await scene.quiet()
    assert cuts and len(scene.vendors.visible(scene.only_ticket)) == 1
    found = await scene.figures()
    assert found["bridge"]["stored_to_desk"]["n"] == 1


async def test_what_was_lost_and_tried_again_is_not_lost(scene: Counted) -> None:
    await scene.says("ann", "where is my parcel?")
    await scene.quiet()

    def refuse(account: str, step: Step, phase: str) -> None:
        if account == "shop":
            raise Rejected("not now", code="E7")

    scene.vendors.trouble = refuse
    await scene.answers("It is on its way.")
    assert (await scene.figures())["lost"] == {"n": 1, "by_cause": {"E7": 1}}
    scene.vendors.trouble = None
    assert scene.bridge is not None
    store = scene.bridge.store
    (failed,) = await store.read(
        lambda tx: list(tx.execute(table(Outbox).select().where(table(Outbox).c.account == "shop")))
    )
    await store.write(failed_steps.replay_steps, [failed.id], scene.clock())
    await scene.pass_time(1)
    await scene.quiet()
    found = await scene.figures()
    assert (found["lost"]["n"], found["first_response"]["n"], found["waiting"]["n"]) == (0, 1, 0)
    await store.write(worker.rebuild, scene.bridge.runtime, scene.clock() - timedelta(days=9), scene.clock())
    assert (await scene.figures())["lost"]["n"] == 0

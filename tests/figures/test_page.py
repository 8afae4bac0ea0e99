"""The figures page: numbers with their n, charts with their tables, in both languages."""

import csv
import html
import io
import json
import random
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.figures import worker
from mappings import facts
from mappings.store import Tx
from tests.console.console_harness import ConsoleScene
from tests.figures.test_figures import make_links

CHARTS = {
    "volume", "first_response", "backlog", "heat", "funnel", "allowance", "lost", "entries", "places", "waits", "ratings", "bot", "topics", "spread", "delay", "phrases", "customers",
}  # fmt: skip


def a_month(tx: Tx, now: datetime, days: int = 30) -> None:
    """Conversations as a shop has them: with answers, losses and ratings."""
    chance = random.Random(7)
    number = 0
    for day in range(days):
        for _ in range(chance.randint(1, 4)):
            for link in make_links(tx, now):
                number += 1
                at = now - timedelta(days=day, minutes=chance.randint(0, 700))
                took = timedelta(seconds=chance.lognormvariate(5.5, 1.2))
                common: dict[str, Any] = {"link_id": link}
                end = {"ref": f"{number}.1", "at": at + took, **common}
                some = [
                    {"kind": "customer", "ref": f"{number}", "at": at, "value": chance.randint(1, 40), **common},
                    {"kind": "automatic", "code": "1", "value": 1, **end},
                    {"kind": "desk", "value": chance.randint(80, 2500), **end},
                ]
                if chance.random() < 0.4:
                    some.append({"kind": "topic", **end, "code": chance.choice(["退款", "shipping"])})
                if chance.random() < 0.9:
                    code = str(chance.randint(1, 4))
                    answer = {"kind": "answer", "agent": "kim", "code": code, "value": 1, "from_at": at + took * 0.99}
                    some.append({**end, **answer})
                    some.append({"kind": "state", **end, "at": at + took * 2, "code": "solved"})
                    some.append({"kind": "survey", **end, "at": at + took * 2})
                    if chance.random() < 0.5:
                        score = chance.choice([5, 5, 4, 4, 3, 1])
                        some.append({"kind": "rating", **end, "at": at + took * 3, "value": score})
                elif chance.random() < 0.5:
                    some.append({"kind": "lost", **end, "code": "answer window.over"})
                facts.add_facts(tx, some)


@pytest.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[ConsoleScene]:
    async with ConsoleScene(database_url, tmp_path, bridge={"timezone": "Asia/Shanghai"}).open() as found:
        yield found


async def test_empty_and_full_in_both_languages(scene: ConsoleScene) -> None:
    ada = await scene.person()
    empty = await ada.get("/figures")
    assert empty.status_code == 200 and "Nothing in this time." in empty.text
    store, runtime = scene.up.store, scene.up.runtime
    await store.write(a_month, scene.clock())
    await store.write(worker.rebuild, runtime, scene.clock() - timedelta(days=99), scene.clock())
    for language, tag, title in (("en", "en", "Figures"), ("zh", "zh-CN", "数据统计")):
        page = (await ada.get(f"/figures?since=30d&lang={language}")).text
        assert f'<html lang="{tag}"' in page and f"<h1>{title}</h1>" in page
        assert set(re.findall(r'<section aria-labelledby="\w+" data-id="(\w+)"', page)) == CHARTS
        assert page.count("<li><span") == 5
        assert page.count('<svg class="chart"') >= 5 and "figures." not in page.replace("/figures.", "")
        plots = [json.loads(html.unescape(one)) for one in re.findall(r'data-plot="([^"]*)"', page)]
        assert [one["kind"] for one in plots] == ["bars", "lines", "lines", "lines"]
        assert all(len(some["values"]) == len(one["names"]) for one in plots for some in one["series"])
        assert page.count("uplot.min.js") == 1 and "<style" not in page and "style=" not in page
        for chart in CHARTS - {"bot", "phrases"}:
            given = await ada.get(f"/figures/{chart}.csv?since=30d&lang={language}")
            assert given.content.startswith(b"\xef\xbb\xbf"), chart
            rows = list(csv.reader(io.StringIO(given.content.decode("utf-8-sig"))))
            assert len(rows) > 1 and len({len(row) for row in rows}) == 1, chart
    assert (await ada.get("/figures/none.csv")).status_code == 404


async def test_a_range_that_cannot_be_read_is_said(scene: ConsoleScene) -> None:
    ada = await scene.person()
    page = await ada.get("/figures?since=<b>")
    assert page.status_code == 200 and "This range cannot be read" in page.text and "<b>" not in page.text


async def test_a_viewer_may_look_and_a_stranger_may_not(scene: ConsoleScene) -> None:
    assert (await (await scene.person("viewer", "Vic")).get("/figures")).status_code == 200
    assert (await scene.stranger().get("/figures")).status_code == 303

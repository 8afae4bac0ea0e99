"""Topics: rules over customers' words, counted once for each conversation."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from bridge.cli.figures_text import figures_text
from bridge.figures import worker
from bridge.routing.topics import Topic, topics
from bridge.settings.topics import TopicSettings
from mappings.figure_tables import Fact
from mappings.sql import table
from mappings.tables import Link
from tests.figures.test_journeys import Counted

RULES = (
    Topic("退款", ("退款", "退货", "refund"), ("退款成功",)),
    Topic("shipping", ("parcel", "快递")),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("我要退款", ("退款",)),
        ("退款成功了，谢谢", ()),
        ("退货的快递到了吗", ("退款", "shipping")),
        ("Refunds, please", ("退款",)),
        ("ＲＥＦＵＮＤ", ("退款",)),
        ("nonrefundable", ()),
        ("你好", ()),
        ("", ()),
    ],
)
def test_rules_over_words(text: str, found: tuple[str, ...]) -> None:
    assert topics(text, RULES) == found


@pytest.mark.parametrize(
    "given", [{"name": "x", "words": []}, {"name": "x", "words": [" "]}, {"name": " ", "words": ["a"]}, {"name": "x"}]
)
def test_a_topic_that_means_nothing_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TopicSettings(**given)


@pytest.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[Counted]:
    given = [{"name": one.name, "words": one.words, "not": one.without} for one in RULES]
    found = Counted(database_url, tmp_path, bridge={"timezone": "Asia/Shanghai"}, topics=given)
    found.desk_class.capabilities = found.desk_class.capabilities.model_copy(update={"tags": True})
    async with found.running():
        yield found


async def test_a_conversation_counts_once_for_each_topic(scene: Counted) -> None:
    for who, text in (("ann", "我要退款"), ("ann", "退款呢？"), ("ann", "快递呢"), ("bob", "退货"), ("cat", "hello")):
        await scene.says(who, text)
    found = await scene.figures("channel")
    assert found["topics"] == {"退款": 2, "shipping": 1}
    assert found["rows"][0]["topics"] == found["topics"]
    assert found["before"]["topics"] == {}
    assert "退款: 2, shipping: 1" in figures_text(found)
    assert scene.bridge is not None
    store = scene.bridge.store
    kept = await store.read(
        lambda tx: tx.execute(select(table(Fact).c.code).where(table(Fact).c.kind == "topic")).all()
    )
    assert sorted(code for (code,) in kept) == ["shipping", "退款", "退款"]
    await store.write(worker.rebuild, scene.bridge.runtime, scene.clock() - timedelta(days=9), scene.clock())
    assert (await scene.figures())["topics"] == {"退款": 2, "shipping": 1}
    fields = await store.read(
        lambda tx: list(tx.execute(select(table(Link).c.fields).order_by(table(Link).c.id)).scalars())
    )
    assert [json.loads(one)["tags"] for one in fields] == [["shop", "退款"], ["shop", "退款"], ["shop"]]

"""Weekends and holidays on the virtual clock: what customers hear, what agents read, what is kept of it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.status import status_json, status_text
from mappings import goals, links
from tests.e2e.desks import Desk, Freshdesk, Rt, Zendesk
from tests.engine.desk_harness import DeskHarness

ROUTE = {
    "name": "rest",
    "channel": "shop",
    "desk": "desk",
    "calendar": "office",
    "targets": "standard",
    "away": {"texts": {"zh": ["您好，现在是非工作时间，我们{opens}恢复服务。"]}},
}
AWAY = "您好，现在是非工作时间，我们{}恢复服务。"
TARGET = {"first": "3m", "next": "10m", "resolve": "24h", "clock": "office", "margin": "4h", "raise": True}
DESKS = pytest.mark.parametrize("desk", [Zendesk, Freshdesk, Rt], ids=lambda one: one.kind)


def harness_of(url: str, folder: Path, desk: type[Desk], when: str, **route: Any) -> DeskHarness:
    harness = DeskHarness(
        url,
        folder,
        desk,
        bridge={"language": "zh"},
        routes=[{**ROUTE, **route}],
        calendars={"office": {"hours": "mon-fri 09:00-18:00", "holidays": "cn"}},
        targets={"standard": TARGET},
    )
    to(harness, when)
    return harness


def to(harness: DeskHarness, when: str) -> None:
    """The clock of all of them, in China's time."""
    harness.clock.advance((datetime.fromisoformat(f"{when}+08:00") - harness.clock()).total_seconds())


async def until(harness: DeskHarness, when: str) -> None:
    to(harness, when)
    await harness.wait(1)
    await harness.wait(5)


async def kept(harness: DeskHarness) -> list[tuple[str, str]]:
    """How the targets of the customer's conversation ended."""
    assert harness.bridge is not None
    link = await harness.bridge.store.read(links.open_link, "shop", harness.customer, lock=False)
    assert link is not None
    rows = await harness.bridge.store.read(goals.goals_of, link.id)
    return [(row.kind, row.outcome) for row in rows]


def heard(harness: DeskHarness) -> Sequence[str]:
    return harness.phone.received(harness.customer)


def noted(harness: DeskHarness) -> list[str]:
    """The first line of each note: some desks add a reference below."""
    return [note.strip().split("\n")[0] for note in harness.notes]


LATE = "客户仍在等待答复，应答期限为 {}（Asia/Shanghai）。"
CLOSING = "请在 {}（Asia/Shanghai）之前答复：此后直到 shop 不再允许回复为止，都不在工作时间内。"
LOST = "shop 仅允许在 {}（Asia/Shanghai）之前回复，而此前都不在工作时间内。此后只能通过服务通知联系客户：#notify"


@DESKS
async def test_friday_18_30(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    """Asked half an hour after closing: the window will end before Monday, and all of them know it on Friday."""
    harness = harness_of(database_url, tmp_path, desk, "2026-11-27T18:30")
    async with harness.running():
        await harness.asks("在吗?")
        assert heard(harness) == [AWAY.format("11月30日（周一） 09:00")]
        await harness.asks("有人吗?")
        assert len(heard(harness)) == 1  # once for each time that the office is closed
        await until(harness, "2026-11-27T18:31")
        assert noted(harness) == [LOST.format("2026-11-29 18:30")]
        await until(harness, "2026-11-30T09:30")
        assert len([note for note in noted(harness) if "仅允许在" in note and "#notify" in note]) == 1
        assert await kept(harness) == [("first", ""), ("resolve", "")]


@DESKS
async def test_30_september(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    """Asked an hour before a week of holidays: whoever is there hears that it is now or never."""
    harness = harness_of(database_url, tmp_path, desk, "2026-09-30T17:00")
    async with harness.running():
        await harness.asks("我的订单到哪里了?")
        assert heard(harness) == []
        await until(harness, "2026-09-30T17:02")
        assert noted(harness) == [CLOSING.format("2026-09-30 18:00")]
        await until(harness, "2026-09-30T17:05")
        assert noted(harness)[1:] == [LATE.format("2026-09-30 17:03")]
        await harness.answer("今天已发货")
        await harness.wait(1)
        assert heard(harness) == ["今天已发货"]
        assert await kept(harness) == [("first", "missed"), ("resolve", "")]
        to(harness, "2026-09-30T18:02")
        await harness.asks("谢谢, 什么时候到?")
        assert heard(harness)[1:] == []  # answered within the hour: no machine speaks now
        to(harness, "2026-10-01T12:00")
        await harness.asks("还在吗?")
        assert heard(harness)[1:] == [AWAY.format("10月8日（周四） 09:00")]


@DESKS
async def test_make_up_saturday(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    """A Saturday that is worked is a day like any other: nobody hears that the office is closed, and the clock runs."""
    harness = harness_of(database_url, tmp_path, desk, "2026-10-10T10:00")
    async with harness.running():
        await harness.asks("在吗?")
        assert heard(harness) == []
        await harness.answer("在的")
        await harness.wait(1)
        assert heard(harness) == ["在的"]
        assert await kept(harness) == [("first", "met"), ("resolve", "")]
        await harness.asks("好的")
        await until(harness, "2026-10-10T10:20")
        assert any(note == LATE.format("2026-10-10 10:10") for note in noted(harness))


@DESKS
async def test_spring_festival(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    """Nine days: one text, however often they write on the first evening, and one more after they come back only."""
    harness = harness_of(database_url, tmp_path, desk, "2026-02-14T18:30")
    async with harness.running():
        for day in (14, 16, 19, 22):
            to(harness, f"2026-02-{day}T20:00")
            await harness.asks("新年好")
        assert heard(harness) == [AWAY.format("2月24日（周二） 09:00")]
        await until(harness, "2026-02-24T09:02")
        await harness.answer("新年好, 您请说")
        await harness.wait(1)
        assert heard(harness)[1:] == ["新年好, 您请说"]


async def test_who_heard_it_when_the_chat_opened_does_not_hear_it_again(database_url: str, tmp_path: Path) -> None:
    greeting = {"texts": ["您好"], "closed_texts": ["我们{opens}回来。"]}
    harness = harness_of(database_url, tmp_path, Zendesk, "2026-11-25T19:00", greeting=greeting)
    async with harness.running():
        await harness.phone.enters(harness.customer)
        await harness.quiet()
        assert heard(harness) == ["我们明天 09:00回来。"]
        await harness.asks("在吗?")
        await harness.asks("有人吗?")
        assert len(heard(harness)) == 1
        to(harness, "2026-11-26T19:00")
        await harness.asks("还没有人?")
        assert heard(harness)[1:] == [AWAY.format("明天 09:00")]


@pytest.mark.parametrize("desk", [Zendesk, Freshdesk], ids=lambda one: one.kind)
async def test_levels_are_shown_once_each_and_end_with_the_answer(
    database_url: str, tmp_path: Path, desk: type[Desk]
) -> None:
    harness = harness_of(database_url, tmp_path, desk, "2026-11-25T10:00")
    async with harness.running():
        await harness.asks("在吗?")
        for minute in range(1, 12):
            await until(harness, f"2026-11-25T10:{minute:02}")
        assert noted(harness) == [LATE.format("2026-11-25 10:03")]
        assert "replies-late" in harness.tags
        settings, now = harness.bridge.settings, harness.clock()  # type: ignore[union-attr] # it runs
        found = await harness.bridge.store.read(status_json, settings, now)  # type: ignore[union-attr] # as above
        assert found["late"] == [{"desk": "desk", "target": "standard", "count": 1, "since": "2026-11-25T02:03:00Z"}]
        assert "1 wait for an answer at desk beyond the target 'standard'" in status_text(found)
        ticket = harness.desk.simulator.state.tickets[int(harness.desk.ticket)]
        assert {"high", 3} & {getattr(ticket, "priority", None), getattr(ticket, "fields", {}).get("priority")}
        await harness.answer("在的")
        await harness.wait(10)
        await harness.wait(10)
        assert not {"replies-late", "replies-due-soon", "replies-closing"} & set(harness.tags)


async def test_a_failed_answer_does_not_stop_the_clock(database_url: str, tmp_path: Path) -> None:
    harness = harness_of(database_url, tmp_path, Zendesk, "2026-11-25T10:00")
    async with harness.running():
        await harness.asks("在吗?")
        harness.phone.platform.allowances[harness.customer].left = 0
        await harness.answer("在的")
        await harness.wait(1)
        assert heard(harness) == []
        await until(harness, "2026-11-25T10:04")
        assert LATE.format("2026-11-25 10:03") in noted(harness)
        assert await kept(harness) == [("first", ""), ("resolve", "")]


async def test_one_waiting_text_and_none_after_an_answer(database_url: str, tmp_path: Path) -> None:
    harness = harness_of(database_url, tmp_path, Zendesk, "2026-11-25T10:00", waiting={"after": "3m"})
    async with harness.running():
        await harness.asks("在吗?")
        await harness.asks("有人吗?")
        await until(harness, "2026-11-25T10:04")
        assert heard(harness) == ["我们已收到您的消息，会尽快回复您。"]
        await until(harness, "2026-11-25T10:30")
        assert len(heard(harness)) == 1
        await harness.answer("在的")
        await harness.wait(1)
        await harness.asks("好的")
        await harness.answer("不客气")
        await harness.wait(1)
        await until(harness, "2026-11-25T11:30")
        assert heard(harness)[1:] == ["在的", "不客气"]

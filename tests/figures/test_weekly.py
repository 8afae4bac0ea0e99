"""The week's figures to a receiver of alerts: once, at the office's hour, in its language, whatever crashes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.alerts.receivers import declare_alerts
from bridge.alerts.watch import Watch
from bridge.contract import Alert, Retryable
from bridge.settings import ConfigError
from bridge.settings.figures import FiguresSettings
from mappings import alerts
from tests.figures.test_journeys import Counted, one_conversation

HOOK = {"kind": "webhook", "url": "https://crm.example.com/alerts"}


class Receiver:
    """Takes alerts, unless it is down."""

    def __init__(self) -> None:
        self.got: list[Alert] = []
        self.down = False

    async def send(self, alert: Alert) -> None:
        if self.down:
            raise Retryable("it is down")
        self.got.append(alert)

    @property
    def weeks(self) -> list[Alert]:
        return [one for one in self.got if one.id.startswith("alert_ops_weekly.")]


@pytest.fixture
async def scene(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Counted]:
    found = Counted(
        database_url,
        tmp_path,
        bridge={"timezone": "Asia/Shanghai", "language": getattr(request, "param", "en")},
        alerts={"ops": HOOK},
        figures={"weekly": ["ops"], "weekly_at": "mon 09:00"},
        topics=[{"name": "parcels", "words": ["parcel"]}],
    )
    async with found.running():
        yield found


def watch(scene: Counted, receiver: Any) -> Watch:
    assert scene.bridge is not None
    return Watch(scene.bridge.store, scene.bridge.settings, {"ops": receiver}, scene.clock, {})


def to_monday(scene: Counted, hour: int) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    local = scene.clock().astimezone(zone)
    wanted = (local + timedelta(days=7 - local.weekday())).replace(hour=hour, minute=0, second=30)
    scene.clock.advance((wanted - local).total_seconds())


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (
            "en",
            [
                "Bridge: the week from ",
                "conversations: 1 (the week before: 0)",
                "first response: median 5",
                "asked most: parcels 1",
            ],
        ),
        ("zh", ["客服桥：", "周报", "会话数：1（上周：0）", "首次响应：中位数 5", "咨询最多：parcels 1"]),
    ],
    indirect=["scene"],
)
async def test_a_week_is_told_once(scene: Counted, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    await one_conversation(scene)
    await scene.count()
    receiver = Receiver()
    to_monday(scene, 8)
    await watch(scene, receiver).tick()
    assert receiver.weeks == []  # not yet, by the office's clock
    scene.clock.advance(3600)
    receiver.down = True
    await watch(scene, receiver).tick()
    receiver.down = False
    scene.clock.advance(700)
    with monkeypatch.context() as patched:  # the process ends between what was sent and what is written down

        def die(*_: Any, **__: Any) -> None:
            raise RuntimeError("killed")

        patched.setattr(alerts, "told", die)
        with pytest.raises(RuntimeError):
            await watch(scene, receiver).tick()
    (first,) = receiver.weeks
    for _ in range(3):
        scene.clock.advance(700)
        await watch(scene, receiver).tick()  # other processes
    assert {one.id for one in receiver.weeks} == {first.id} and len(receiver.weeks) == 2
    assert receiver.weeks[1].text == first.text and "well again" not in str(receiver.got)
    for word in words:
        assert word in first.text
    scene.clock.advance(7 * 24 * 3600)
    await watch(scene, receiver).tick()
    assert len({one.id for one in receiver.weeks}) == 2


def test_the_hour_is_the_offices() -> None:
    given = FiguresSettings(weekly_at="fri 17:30")
    for zone in ("Asia/Shanghai", "America/New_York"):
        due = given.last_due(datetime(2026, 11, 30, 4, tzinfo=UTC), ZoneInfo(zone))
        assert (due.weekday(), due.hour, due.minute, str(due.tzinfo)) == (4, 17, 30, zone)


def test_what_cannot_be_is_named(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="weekday and a time"):
        FiguresSettings(weekly_at="monday 9")
    scene = Counted(database_url, tmp_path, figures={"weekly": ["ops"]})
    with pytest.raises(ConfigError, match=r"figures\.weekly: there is no alert 'ops'"):
        declare_alerts(scene.settings(), tmp_path / "config.toml")

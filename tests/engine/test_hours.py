"""What customers are told about the office's hours."""

from datetime import datetime
from pathlib import Path

import pytest

from tests.engine.platform_harness import CUSTOMER, PlatformHarness

GREETING = {
    "texts": {"zh": ["您好，请问有什么可以帮您？"], "en": ["Hello!"]},
    "closed_texts": {"zh": ["现在是非工作时间，我们{opens}回来。"], "en": ["We are back {opens}."]},
}
OPEN, CLOSED = "您好，请问有什么可以帮您？", "现在是非工作时间，我们{}回来。"


@pytest.fixture
def harness(database_url: str, tmp_path: Path) -> PlatformHarness:
    return PlatformHarness(
        database_url,
        tmp_path,
        bridge={"language": "zh"},
        routes=[{"channel": "shop", "desk": "desk", "calendar": "office", "greeting": GREETING}],
        calendars={"office": {"hours": "mon-fri 09:00-18:00", "holidays": "cn"}},
    )


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-09-30T17:00+08:00", OPEN),
        ("2026-09-30T19:00+08:00", CLOSED.format("10月8日（周四） 09:00")),
        ("2026-10-01T10:00+08:00", CLOSED.format("10月8日（周四） 09:00")),  # a Thursday, but a holiday
        ("2026-10-10T10:00+08:00", OPEN),  # a Saturday, but worked
        (
            "2026-02-14T18:30+08:00",
            CLOSED.format("2月24日（周二） 09:00"),
        ),  # the eve of the Spring Festival's nine days
    ],
)
async def test_the_greeting_knows_holidays_and_make_up_days(harness: PlatformHarness, when: str, expected: str) -> None:
    harness.clock.advance((datetime.fromisoformat(when) - harness.clock()).total_seconds())
    async with harness.running():
        await harness.phone.enters(CUSTOMER)
        await harness.quiet()
        assert harness.received() == [expected]

"""`[figures]`: what is counted beside the figures themselves, and who hears of them each week."""

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import field_validator

from bridge.routing.hours import DAYS
from bridge.settings.section import Section

_AT = re.compile(rf"({'|'.join(DAYS)}) ([01]\d|2[0-3]):([0-5]\d)")


class FiguresSettings(Section):
    """`[figures]`: `phrases` counts which words customers say more often than before; `weekly` are alert receivers."""

    phrases: bool = True
    weekly: tuple[str, ...] = ()
    weekly_at: str = "mon 09:00"

    @field_validator("weekly_at")
    @classmethod
    def _readable(cls, value: str) -> str:
        if _AT.fullmatch(value) is None:
            raise ValueError('must be a weekday and a time, as in "mon 09:00"')
        return value

    def last_due(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The last moment at which a weekly summary was due, by the office's clock."""
        found = _AT.fullmatch(self.weekly_at)
        assert found is not None
        local = now.astimezone(zone)
        back = (local.weekday() - DAYS.index(found[1])) % 7
        at = time(int(found[2]), int(found[3]))
        moment = datetime.combine(local.date() - timedelta(days=back), at, zone)
        return moment if moment <= now else datetime.combine(moment.date() - timedelta(days=7), at, zone)

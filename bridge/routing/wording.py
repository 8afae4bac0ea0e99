"""When the office opens next, in the customer's words: 明天 09:00, 2月24日（周二） 09:00, tomorrow at 09:00."""

from datetime import datetime, timedelta

from bridge.routing.calendar import Calendar, next_open
from bridge.routing.language import language_of

OPENS = "{opens}"
_WEEKDAYS = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_AT_HOME = frozenset({"Asia/Shanghai", "Asia/Chongqing", "Asia/Harbin", "PRC", "Asia/Urumqi"})


def with_opening(text: str, calendar: Calendar, now: datetime, language: str) -> str:
    """A text with its `{opens}` filled in, in the language of the text itself; else in the given one."""
    if OPENS not in text:
        return text
    written = language_of(text.replace(OPENS, ""))
    return text.replace(OPENS, opening(calendar, now, written if written in _WEEKDAYS else language))


def opening(calendar: Calendar, now: datetime, language: str) -> str:
    """The next opening in Chinese (`zh`) or English, by the office's clock; its zone is named where the reader's own
    may be another.
    """
    language = "zh" if language == "zh" else "en"
    moment = next_open(calendar, now)
    if moment is None:
        return "恢复服务后" if language == "zh" else "as soon as we are back"
    local, today = moment.astimezone(calendar.zone), now.astimezone(calendar.zone).date()
    days = (local.date() - today) // timedelta(days=1)
    zone = calendar.zone.key
    if language == "zh":
        near = {0: "今天", 1: "明天", 2: "后天"}.get(days)
        day = near or f"{local.month}月{local.day}日（{_WEEKDAYS['zh'][local.weekday()]}）"
        return f"{day} {local:%H:%M}" + ("" if zone in _AT_HOME else f"（{zone} 时间）")
    near = {0: "today", 1: "tomorrow"}.get(days)
    day = near or f"{_WEEKDAYS['en'][local.weekday()]} {local.day} {_MONTHS[local.month - 1]}"
    return f"{day} at {local:%H:%M} ({zone} time)"

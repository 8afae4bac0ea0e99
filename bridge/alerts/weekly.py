"""The week's figures for a receiver of alerts: written down when they are due, and sent until they are taken.

What was written down is sent as it is, under the same id: a repeat after a crash is the same message.
"""

from datetime import datetime, timedelta
from typing import Any

from bridge.contract import Alert
from bridge.figures.period import Period, zone_of
from bridge.figures.report import read_report
from bridge.figures.rollups import day_at
from bridge.settings import Settings
from mappings.store import Tx

PREFIX = "weekly."
STALE = timedelta(days=3)  # after which last week's figures are no news any more
_SHOWN = 5  # topics
TARGET = "600"


def due_week(settings: Settings, now: datetime) -> tuple[str, Period] | None:
    """The cause and the seven whole days that a summary is due for; None where nobody wants one, or it is too late."""
    if not settings.figures.weekly:
        return None
    zone = zone_of(settings)
    due = settings.figures.last_due(now, zone)
    if now - due > STALE:
        return None
    until = day_at(due, zone)
    local = until.astimezone(zone).replace(tzinfo=None, hour=12) - timedelta(days=7)
    since = day_at(local.replace(tzinfo=zone), zone)
    return f"{PREFIX}{until.astimezone(zone):%Y-%m-%d}", Period(since, until, zone, "d")


def week_facts(tx: Tx, asked: Period, now: datetime) -> dict[str, Any]:
    """The numbers of a week, as they are written down."""
    found = read_report(tx, asked, now)
    first, before = found["first_row"], found["before"]
    last = (asked.until - timedelta(hours=1)).astimezone(asked.zone)
    return {
        "since": f"{asked.since.astimezone(asked.zone):%Y-%m-%d}",
        "until": f"{last:%Y-%m-%d}",
        "conversations": [first["conversations"], before["conversations"]],
        "waiting": found["waiting"]["n"],
        "median": [first["first_response"]["median"], before["first_response"]["median"]],
        "answered": first["first_response"]["n"],
        "within": first["first_response"]["within"][TARGET],
        "satisfied": first["satisfied"]["share"],
        "ratings": first["satisfied"]["n"],
        "lost": [first["lost"], before["lost"]],
        "topics": [[name, n] for name, n in list(found["topics"].items())[:_SHOWN]],
    }


def weekly_alert(receiver: str, cause: str, facts: dict[str, Any], language: str, at: datetime) -> Alert:
    """The message: five numbers, each with its own of the week before, and what was asked most."""
    words = _WORDS[language]
    lines = [
        words["conversations"].format(now=facts["conversations"][0], before=facts["conversations"][1]),
        words["waiting"].format(n=facts["waiting"]),
        words["median" if facts["answered"] else "no_median"].format(
            now=_span(facts["median"][0], language),
            before=_span(facts["median"][1], language),
            share=_percent(facts["within"]),
            n=facts["answered"],
        ),
        words["satisfied" if facts["satisfied"] is not None else "few"].format(
            share=_percent(facts["satisfied"]), n=facts["ratings"]
        ),
        words["lost"].format(now=facts["lost"][0], before=facts["lost"][1]),
    ]
    if facts["topics"]:
        lines.append(words["topics"] + words["comma"].join(f"{name} {n}" for name, n in facts["topics"]))
    title = words["title"].format(since=facts["since"], until=facts["until"])
    shown = {"cause": cause, **{key: value for key, value in facts.items() if key != "topics"}}
    return Alert(
        id=f"alert_{receiver}_{cause}", title=title, lines=tuple(f"· {line}" for line in lines), well=True,
        causes=(shown,), at=at,
    )  # fmt: skip


def _span(seconds: float | None, language: str) -> str:
    if seconds is None:
        return "–"
    units = ((86400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min"), (1, "秒", "s"))
    for size, chinese, english in units:
        if seconds >= size:
            return f"{seconds / size:.1f}".removesuffix(".0") + f" {chinese if language == 'zh' else english}"
    return "0 秒" if language == "zh" else "0 s"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


_WORDS = {
    "en": {
        "title": "Bridge: the week from {since} to {until}",
        "conversations": "conversations: {now} (the week before: {before})",
        "waiting": "waiting for an answer now: {n}",
        "median": "first response: median {now} (before: {before}), {share} within 10 min, n {n}",
        "no_median": "first response: nobody was answered",
        "satisfied": "satisfied: {share} of {n} ratings",
        "few": "satisfied: not shown, {n} ratings",
        "lost": "answers that did not arrive: {now} (before: {before})",
        "topics": "asked most: ",
        "comma": ", ",
    },
    "zh": {
        "title": "客服桥：{since} 至 {until} 周报",
        "conversations": "会话数：{now}（上周：{before}）",
        "waiting": "当前等待答复：{n}",
        "median": "首次响应：中位数 {now}（上周：{before}），10 分钟内占 {share}，样本 {n}",
        "no_median": "首次响应：本周无已答复会话",
        "satisfied": "满意率：{share}（共 {n} 条评价）",
        "few": "满意率：评价不足，不显示（共 {n} 条）",
        "lost": "未送达的答复：{now}（上周：{before}）",
        "topics": "咨询最多：",
        "comma": "、",
    },
}

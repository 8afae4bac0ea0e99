"""Keeps the rising phrases: once a day, at night, from what customers said and is still stored."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.figures.phrases import KEPT, Count, Rising, Said, is_installed
from mappings import figure_texts, figures
from mappings.store import Store, Tx

NIGHT = timedelta(hours=4)  # after the office's midnight
_MOST = 400  # batches: of a busier shop the newest messages are counted


async def tick(store: Store, zone: ZoneInfo, now: datetime) -> None:
    """Counts when the last time was before this night. The first night is the one after the first start."""
    last = await store.read(figures.phrases_made)
    if last is not None and _night(last, zone) >= _night(now, zone):
        return
    await store.write(figures.phrases_begun, now)
    if last is None or not is_installed():
        return
    count, before = Count(), await store.read(figure_texts.newest)
    for _ in range(_MOST):
        words, before = await store.read(figure_texts.said_before, before, now - KEPT)
        await asyncio.to_thread(count.add, _said(words, now))
        if not before:
            break
    found = await asyncio.to_thread(count.rising)
    await store.write(keep, found, now)


def rising(tx: Tx, now: datetime) -> list[Rising]:
    """The same at once, for a command."""
    count, before = Count(), figure_texts.newest(tx)
    while before:
        words, before = figure_texts.said_before(tx, before, now - KEPT)
        count.add(_said(words, now))
    return count.rising()


def keep(tx: Tx, found: Sequence[Rising], now: datetime) -> None:
    """In place of those of before."""
    rows = [{**asdict(one), "days": json.dumps(one.days), "made_at": now} for one in found]
    figures.write_phrases(tx, rows)


def _said(words: Sequence[figure_texts.Words], now: datetime) -> list[Said]:
    return [
        Said(one.link, one.person, (now - one.at) // timedelta(days=1), text) for one in words for text in one.texts
    ]


def _night(moment: datetime, zone: ZoneInfo) -> int:
    return (moment.astimezone(zone) - NIGHT).date().toordinal()

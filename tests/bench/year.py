"""The figures page over a year of ten million facts: `python -m tests.bench.year [--facts N] [--database URL]`.

Facts are made by the database itself; the sums of hours as a shop with twenty ways in has them, those of days, weeks
and months by the bridge's own worker. Printed are the wall's and the processor's time of the page's whole work: reading,
charts, HTML.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, text

from bridge.console.figures import charts_of
from bridge.console.pages import environment
from bridge.console.views.figures import read_page
from bridge.figures import worker
from bridge.figures.period import period
from mappings import figures
from mappings.figure_tables import Measure
from mappings.schema import migrate
from mappings.sql import table
from mappings.store import Store, Tx

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)
FROM = datetime(2025, 11, 29, 16, tzinfo=UTC)
DAYS = 366
say = print
LIMIT = 0.3  # seconds
_TIMED = ("first", "first.business", "next", "next.business", "bridge")
_OF_PLACE = ("desk", "customer", "resolution")
_COUNTED = ("opened", "shut", "turn", "survey")
_CODED = {
    "answer": ("1", "2", "3"), "automatic": ("1", "2"), "rating": tuple("12345"), "lost": ("answer window.over",),
    "near": ("last",), "held": ("window.short",), "topic": ("退款", "发货", "优惠券", "发票", "尺码"),
}  # fmt: skip
_PLACES = [("shop", f"page{number}") for number in range(10)] + [("web", f"page{number}") for number in range(10)]
_BATCH = 100_000


def fill_facts(tx: Tx, first: int, count: int) -> None:
    """Rows of `fact`, spread over the year, of a link that is there."""
    numbers = (
        f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {first + count})"
        if tx.dialect.name == "sqlite"
        else f"WITH n AS (SELECT generate_series({first}, {first + count - 1}) AS i)"
    )
    at = (
        f"strftime('%Y-%m-%d %H:%M:%f', '{FROM:%Y-%m-%d %H:%M:%S}', '+' || (i * 3 % {DAYS * 86400}) || ' seconds')"
        if tx.dialect.name == "sqlite"
        else f"TIMESTAMPTZ '{FROM.isoformat()}' + (i * 3 % {DAYS * 86400}) * INTERVAL '1 second'"
    )
    insert_into = "INSERT INTO fact (kind, ref, link_id, at, agent, code, value)"
    row = f"SELECT 'customer', CAST(i AS TEXT), 1, {at}, '', '', 3 FROM n"
    tx.execute(text(f"{insert_into} {numbers} {row}"))


def fill_hours(tx: Tx, day: datetime) -> None:
    """The sums of one day's hours."""
    chance, rows = random.Random(day.timestamp()), []
    hists = [json.dumps({str(at): chance.randint(1, 3) for at in chance.sample(range(70, 130), 12)}) for _ in range(40)]
    for hour in range(24):
        common: dict[str, Any] = {"grain": "h", "bucket": day + timedelta(hours=hour)}
        for channel, entry in _PLACES:
            place = {
                **common,
                "channel": channel,
                "desk": "desk",
                "entry": entry,
                "route": channel,
                "desk_group": "sales" if entry.endswith(("1", "2", "3")) else "",
                "language": chance.choice(("zh", "zh", "en", "")),
                "agent": "",
                "code": "",
                "hist": "{}",
            }
            timed = [(kind, chance.choice(("kim", "lee", "ann", "max"))) for kind in _TIMED]
            for kind, agent in [*timed, *((kind, "") for kind in _OF_PLACE)]:
                hist = chance.choice(hists)
                rows.append({**place, "kind": kind, "agent": agent, "n": 20, "total": 900_000, "hist": hist})
            rows += [{**place, "kind": kind, "n": 5, "total": 0} for kind in _COUNTED]
            for kind, codes in _CODED.items():
                rows.append({**place, "kind": kind, "code": chance.choice(codes), "n": 3, "total": 9})
        for kind in ("customer", "opened", "shut"):
            everywhere = {
                **common,
                "channel": "",
                "desk": "",
                "entry": "",
                "route": "",
                "desk_group": "",
                "language": "",
                "agent": "",
                "code": "",
                "hist": "{}",
            }
            rows.append({**everywhere, "grain": "g", "kind": kind, "n": 100, "total": 0})
    tx.execute(insert(table(Measure)), rows)
    figures.mark(tx, "day", [int(day.timestamp())])


def page(tx: Tx, asked: Any) -> int:
    """All that the page does; its length."""
    found, places = read_page(tx, asked, NOW)
    charts = charts_of(found, places, "zh")
    rows = "{% for c in charts %}{{ c.svg or '' }}{% for r in c.rows %}<tr>{% for v in r %}<td>{{ v }}</td>{% endfor %}</tr>"
    made = environment().from_string(rows + "{% endfor %}{% endfor %}")
    return len(made.render(charts=charts))


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--facts", type=int, default=10_000_000)
    given.add_argument("--database", default="")
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(asked.database or f"sqlite+aiosqlite:///{folder}/year.db")
        store.open()
        migrate(store)
        say(f"filling {asked.facts:,} facts")
        store.run(_link)
        for first in range(1, asked.facts + 1, _BATCH):
            store.run(fill_facts, first, min(_BATCH, asked.facts + 1 - first))
        for number in range(DAYS):
            store.run(fill_hours, FROM + timedelta(days=number))
        batches: tuple[Callable[..., int], ...] = (worker.sum_days, worker.sum_weeks, worker.sum_months)
        store.run(figures.anew, ZONE.key)
        for batch in batches:
            while store.run(batch, ZONE):
                pass
        store.run(lambda tx: tx.execute(text("ANALYZE")))  # as autovacuum does in time
        slow = [since for since in ("7d", "30d", "90d", "365d") if _measured(store, since) > LIMIT]
        store.close()
    sys.exit(f"slower than {LIMIT} s: {', '.join(slow)}" if slow else 0)


def _measured(store: Store, since: str) -> float:
    wall, processor = [], []
    for _ in range(7):
        begun, used = time.perf_counter(), time.process_time()
        length = store.run(page, period(since, "", ZONE, NOW))
        wall.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used)
    first, rest = wall[0], wall[1:]
    say(f"{since:>5}: {median(rest) * 1000:5.0f} ms, the first time {first * 1000:5.0f} ms, "
          f"processor {median(processor) * 1000:5.0f} ms, {length:,} characters")  # fmt: skip
    return median(rest)


def _link(tx: Tx) -> None:
    tx.execute(text("INSERT INTO person (created_at) VALUES (CURRENT_TIMESTAMP)"))
    from tests.figures.test_figures import make_links

    make_links(tx, FROM)


if __name__ == "__main__":
    main()

"""The same conversations by channel, desk, route, group, language and way in: what is asked of each, from sums."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.figures import buckets
from bridge.figures.period import Period
from bridge.figures.report import FEWEST, PLACES, places, rounded
from bridge.figures.rollups import GOOD
from mappings import figures
from mappings.store import Tx


def read_places(tx: Tx, asked: Period, most: int = 20) -> dict[str, list[dict[str, Any]]]:
    """By what figures can be split (PLACES, and `entry`), what is asked of each: the most frequent first."""
    spans = places(asked)
    totals = figures.totals(tx, spans, ("opened", "rating", "lost", "topic"))
    first: defaultdict[tuple[str, ...], list[buckets.Hist]] = defaultdict(list)
    for row in figures.spreads(tx, spans, "first"):
        first[tuple(row)[:-1]].append(buckets.load(row.hist))
    added = [(dict(zip(figures.PLACE, place, strict=True)), buckets.add(hists)) for place, hists in first.items()]
    return {by: _places(name, totals, added, most) for by, name in {**PLACES, "entry": "entry"}.items()}


def _places(
    name: str, totals: Sequence[Any], first: Sequence[tuple[Mapping[str, str], buckets.Hist]], most: int
) -> list[dict[str, Any]]:
    sums: defaultdict[str, defaultdict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for row in totals:
        sums[getattr(row, name)][row.kind, row.code] += row.n
    shown = sorted(sums, key=lambda one: (-sums[one]["opened", ""], one))[:most]
    hists: defaultdict[str, list[buckets.Hist]] = defaultdict(list)
    for place, hist in first:
        hists[place[name]].append(hist)
    return [_place(one, sums[one], buckets.add(hists[one])) for one in shown]


def _place(name: str, sums: Mapping[tuple[str, str], int], hist: buckets.Hist) -> dict[str, Any]:
    """One of what figures are split by: conversations, first response, ratings, losses, and what was asked most."""
    rated = {int(code): n for (kind, code), n in sums.items() if kind == "rating"}
    count = sum(rated.values())
    good = sum(n for score, n in rated.items() if score >= GOOD)
    median = buckets.percentile(hist, 0.5)
    about = sorted(
        ((n, code) for (kind, code), n in sums.items() if kind == "topic"), key=lambda one: (-one[0], one[1])
    )
    return {
        "name": name,
        "conversations": sums.get(("opened", ""), 0),
        "median": None if median is None else round(median / 1000, 3),
        "ratings": count,
        "satisfied": rounded(good / count) if count >= FEWEST else None,
        "lost": sum(n for (kind, code), n in sums.items() if kind == "lost" and code.startswith("answer")),
        "topics": [code for _, code in about[:3]],
    }

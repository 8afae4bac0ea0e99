"""Percentiles that can be added up: values counted by logarithmic bucket, each a tenth wider than the one before.

A percentile is exact within 5 %. Sums of such counts are counts again; medians of medians are nothing.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

Hist = dict[int, int]

_FACTOR = math.log(1.1)


def bucket(value: float) -> int:
    """The bucket of a value; 0 for all below one."""
    return 0 if value < 1 else 1 + math.floor(math.log(value) / _FACTOR)


def middle(number: int) -> float:
    """What stands for all values of a bucket."""
    return 0.0 if number <= 0 else math.exp((number - 0.5) * _FACTOR)


def count(values: Iterable[float]) -> Hist:
    """How many values fall into each bucket."""
    found: Hist = {}
    for value in values:
        at = bucket(value)
        found[at] = found.get(at, 0) + 1
    return found


def add(hists: Iterable[Mapping[int, int]]) -> Hist:
    """The sum of several counts."""
    found: Hist = {}
    for hist in hists:
        for at, n in hist.items():
            found[at] = found.get(at, 0) + n
    return found


def percentile(hist: Mapping[int, int], share: float) -> float | None:
    """The value below which a share (0 to 1) of all lies; None of nothing."""
    return percentiles(hist, (share,))[0]


def percentiles(hist: Mapping[int, int], shares: Sequence[float]) -> list[float | None]:
    """The same for several shares, the smallest first."""
    total = sum(hist.values())
    found: list[float | None] = []
    seen = 0
    for at in sorted(hist):
        seen += hist[at]
        while hist[at] and len(found) < len(shares) and seen >= shares[len(found)] * total:
            found.append(middle(at))
    return [*found, *[None] * (len(shares) - len(found))]


@cache
def last_within(limit: float) -> int:
    """The last bucket that is not above a limit."""
    last = bucket(limit)
    return last if middle(last) <= limit else last - 1


def share_within(hist: Mapping[int, int], limit: float) -> float | None:
    """Which share of all is not above a limit, as well as buckets can tell."""
    total, last = sum(hist.values()), last_within(limit)
    return sum(n for at, n in hist.items() if at <= last) / total if total else None


def dump(hist: Mapping[int, int]) -> str:
    """As it is stored: the same counts are the same text."""
    return json.dumps({str(at): hist[at] for at in sorted(hist) if hist[at]})


def load(text: str) -> Hist:
    """As it was stored."""
    return {int(at): n for at, n in json.loads(text).items()}

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from starlette.requests import Request

from bridge.telemetry import Counter, Gauge, Histogram, metrics
from bridge.web.health import metrics_page
from mappings.store import Store


def test_a_counter_shows_what_was_counted() -> None:
    tally = Counter("bridge_example", "Examples", "account", "answer")
    tally.count("shop", "accepted")
    tally.count("shop", "accepted", by=2)
    tally.count("shop", "forged")
    (family,) = tally.collect()
    assert family.name == "bridge_example" and family.type == "counter"
    assert {(one.name, *one.labels.values()): one.value for one in family.samples} == {
        ("bridge_example_total", "shop", "accepted"): 3,
        ("bridge_example_total", "shop", "forged"): 1,
    }


def test_a_histogram_shows_how_many_took_how_long() -> None:
    spread = Histogram("bridge_example_seconds", "Examples", "account", buckets=(0.1, 1))
    for seconds in (0.1, 0.5, 0.5, 7):
        spread.took(seconds, "shop")
    assert generate_latest(spread).decode().splitlines() == [
        "# HELP bridge_example_seconds Examples",
        "# TYPE bridge_example_seconds histogram",
        'bridge_example_seconds_bucket{account="shop",le="0.1"} 1.0',
        'bridge_example_seconds_bucket{account="shop",le="1.0"} 3.0',
        'bridge_example_seconds_bucket{account="shop",le="+Inf"} 4.0',
        'bridge_example_seconds_count{account="shop"} 4.0',
        'bridge_example_seconds_sum{account="shop"} 8.1',
    ]


def test_what_has_no_labels_is_there_before_it_happens() -> None:
    (family,) = Histogram("bridge_example_seconds", "Examples", buckets=(1,)).collect()
    assert [one.value for one in family.samples] == [0, 0, 0, 0]


def test_what_fails_took_its_time_as_well() -> None:
    spread = Histogram("bridge_example_seconds", "Examples", buckets=(60,))
    with pytest.raises(ConnectionError), spread.time():
        raise ConnectionError
    (family,) = spread.collect()
    assert [one.value for one in family.samples][:3] == [1, 1, 1]
    assert 0 < family.samples[-1].value < 60


def test_a_gauge_forgets_what_is_gone() -> None:
    level = Gauge("bridge_example", "Examples", "account")
    level.show({("shop",): 1, ("support",): 2})
    level.show({("support",): 3})
    (family,) = level.collect()
    assert [(one.labels, one.value) for one in family.samples] == [({"account": "support"}, 3)]


async def test_the_page_is_given_out_while_the_store_is_down(tmp_path: Path) -> None:
    """With what was counted, and the levels as they were. Several may ask at once."""
    store = Store(f"sqlite:///{tmp_path}/bridge.db")  # never opened
    metrics.raws.count("shop")
    page = metrics_page(store, lambda: datetime.now(UTC), {"media": tmp_path})
    answers = await asyncio.gather(*(page(Request({"type": "http"})) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {200}
    assert all(b'bridge_raws_total{account="shop"}' in bytes(answer.body) for answer in answers)

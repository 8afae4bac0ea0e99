"""Fixtures as the collector writes them → the events they become."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from zendesk_rig import make_zendesk

from bridge.contract import Event, Raw
from bridge.testing.clock import VirtualClock

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "expected.json").read_text("utf-8"))
EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])


@pytest.mark.parametrize("name", sorted(path.stem for path in (HERE / "fixtures").glob("*.json")))
def test_a_fixture_becomes_its_events(name: str) -> None:
    raw = Raw(name.replace("_", ":"), (HERE / "fixtures" / f"{name}.json").read_bytes())
    found = json.loads(EVENTS.dump_json(list(make_zendesk(VirtualClock()).normalise(raw)), exclude_defaults=True))
    assert found == EXPECTED[name]


def test_every_expectation_has_its_fixture() -> None:
    assert set(EXPECTED) == {path.stem for path in (HERE / "fixtures").glob("*.json")}

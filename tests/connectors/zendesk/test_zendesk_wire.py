"""Fixtures as the poller writes them → the events they become."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from zendesk_rig import make_zendesk

from bridge.contract import Event, Image, MessageReceived, Raw, Text, to_plain
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


def test_emoji_are_words_and_foreign_pictures_keep_their_address() -> None:
    own = "https://acme.zendesk.com/attachments/token/x/?name="
    html = f'<p>Hi <img class="emoji" alt="😀" src="{own}e.png"></p><img src="https://cdn.example/map.png"><img src="{own}p.png">'
    found = {
        "what": "comment",
        "ticket": {"id": 71},
        "comment": {"id": 5, "public": True, "html_body": html, "author_id": 9},
        "author": {"role": "agent", "name": "A"},
    }
    [event] = make_zendesk(VirtualClock()).normalise(Raw("comment:5", json.dumps(found).encode()))
    assert isinstance(event, MessageReceived)
    words, picture = event.message.parts
    assert isinstance(words, Text)
    assert to_plain(words.body, words.format) == "Hi 😀\n\n[picture] (https://cdn.example/map.png)"
    assert isinstance(picture, Image)
    assert picture.media.name == "p.png"

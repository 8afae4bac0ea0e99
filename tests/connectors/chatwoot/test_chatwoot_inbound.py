"""What Chatwoot tells, kind by kind: words and numbers for the same type, notes, bots, deletions, kinds of content."""

import json
from typing import Any

import pytest

from bridge.contract import (
    Audience,
    AuthorKind,
    Card,
    Change,
    Event,
    File,
    Image,
    Location,
    Malformed,
    Message,
    MessageChanged,
    MessageReceived,
    Raw,
    Request,
    Status,
    StatusChanged,
    Text,
    Video,
    Voice,
)
from bridge.testing.clock import VirtualClock
from connectors.chatwoot.api import LINK_MARK
from connectors.chatwoot.callback import read, without_addresses
from connectors.chatwoot.inbound import normalise

OURS = {"id": 17, "additional_attributes": {LINK_MARK: "1"}, "contact_inbox": {"contact_id": 4}}
AGENT = {"id": 2, "type": "user", "available_name": "Mei", "name": "Mei Lin"}


def events(**fields: Any) -> list[Event]:
    whole = {"event": "message_created", "id": 9, "message_type": "outgoing", "content": "hello", "private": False}
    whole |= {"conversation": OURS, "sender": AGENT, "created_at": "2026-01-05T09:00:00Z"}
    return list(normalise(Raw("k", json.dumps({**whole, **fields}).encode()), "desk"))


def message(**fields: Any) -> Message:
    (event,) = events(**fields)
    assert isinstance(event, MessageReceived)
    return event.message


def test_types_are_words_in_webhooks_and_numbers_in_lists() -> None:
    for kind, author in (
        ("outgoing", AuthorKind.AGENT),
        ("incoming", AuthorKind.CUSTOMER),
        ("template", AuthorKind.SYSTEM),
    ):
        number = {"incoming": 0, "outgoing": 1, "template": 3}[kind]
        assert message(message_type=kind).author.kind is message(message_type=number).author.kind is author
    assert events(message_type="activity") == events(message_type=2) == []


def test_a_note_is_for_agents() -> None:
    assert message(private=True).audience is Audience.AGENTS
    assert message().audience is Audience.CUSTOMER and message().author.name == "Mei"


@pytest.mark.parametrize("sender", [{"id": 3, "type": "agent_bot", "name": "Bot"}, None, {}])
def test_what_no_person_wrote_is_automatic(sender: Any) -> None:
    assert message(sender=sender).author.kind is AuthorKind.SYSTEM


def test_a_deleted_message_says_nothing_and_takes_its_words_back() -> None:
    gone = {"content": "This message was deleted", "content_attributes": {"deleted": True}}
    assert events(**gone) == []
    (event,) = events(event="message_updated", **gone)
    assert isinstance(event, MessageChanged) and (event.message, event.change) == ("9", Change.DELETED)
    assert events(event="message_updated", status="delivered") == [], "our own writes"


def test_a_conversation_that_is_none_of_ours_is_no_concern() -> None:
    assert events(conversation={"id": 17, "additional_attributes": {}}) == []
    assert len(events(conversation={"id": 17})) == 1, "a webhook of an older version shows no attributes"


def test_lines_end_as_they_were_typed() -> None:
    (part,) = message(content="one\\\ntwo").parts
    assert isinstance(part, Text) and part.body == "one\ntwo"


def test_files_may_come_without_words() -> None:
    kinds = [("image", Image), ("audio", Voice), ("video", Video), ("file", File), ("a new kind", File)]
    files = [{"id": n, "file_type": kind, "extension": "x", "file_size": 5} for n, (kind, _) in enumerate(kinds)]
    files.append(
        {"id": 8, "file_type": "location", "coordinates_lat": 1.5, "coordinates_long": 2.5, "fallback_title": "A"}
    )
    *parts, place = message(content=None, attachments=files).parts
    assert [type(part) for part in parts] == [kind for _, kind in kinds]
    assert isinstance(parts[0], Image) and (parts[0].media.id, parts[0].media.name) == ("17:9:0", "file.x")
    assert isinstance(place, Location) and (place.latitude, place.longitude, place.label) == (1.5, 2.5, "A")


def test_other_kinds_of_content_are_said_as_words_and_links() -> None:
    survey = message(message_type="template", content_type="input_csat", content="Rate us: https://example.com/survey")
    assert isinstance(survey.parts[0], Text) and "https://example.com/survey" in survey.parts[0].body
    items = [
        {"title": "Shirt", "description": "blue", "actions": [{"type": "link", "uri": "https://example.com/s"}]},
        {"title": "How to", "link": "https://example.com/h"},
        {"label": "Yes", "value": "yes"},
    ]
    cards = message(content="", content_type="cards", content_attributes={"items": items}).parts
    assert [(one.title, one.url) for one in cards if isinstance(one, Card)] == [
        ("Shirt", "https://example.com/s"), ("How to", "https://example.com/h"), ("Yes", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "status"), [("open", "open"), ("pending", "open"), ("snoozed", "open"), ("resolved", "solved")]
)
def test_states(word: str, status: str) -> None:
    (event,) = events(event="conversation_status_changed", id=17, status=word)
    assert event == StatusChanged(conversation="17", status=Status(status))


@pytest.mark.parametrize(
    "payload", [b"no json", b"[]", b'{"event": "contact_created"}', b'{"event": "message_created"}']
)
def test_what_names_no_conversation_is_quarantined(payload: bytes) -> None:
    with pytest.raises(Malformed):
        normalise(Raw("k", payload), "desk")


def test_an_address_that_opens_a_file_is_not_kept() -> None:
    file = {
        "id": 1,
        "file_type": "image",
        "data_url": "https://example.com/secret",
        "thumb_url": "https://example.com/t",
    }
    assert "https" not in str(without_addresses({"attachments": [file]}))


def test_other_inboxes_and_notes_in_the_making_are_ignored(clock: VirtualClock) -> None:
    told: list[tuple[str, bool]] = []

    def call(**event: Any) -> Any:
        body = json.dumps(event).encode()
        request = Request("POST", "/hooks/desk", (), {}, body, "", clock())
        return read(request, 5, signed=True, typing=lambda place, on: told.append((place, on)))

    wrote = {"event": "message_created", "id": 9, "message_type": "outgoing", "private": False, "conversation": OURS}
    assert call(**wrote, inbox={"id": 5}).raws and not call(**wrote, inbox={"id": 6}).raws
    typing = {"event": "conversation_typing_on", "conversation": OURS, "user": AGENT}
    call(**typing, is_private=True)
    assert told == []
    call(**typing, is_private=False)
    assert told == [("17", True)]

"""The names that connectors rely on, and the shape of what is stored. A change here is a change for everybody."""

import inspect
import json
import re
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from bridge import contract
from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    BotAnswered,
    BotVerdict,
    Card,
    Change,
    Choices,
    ConsentChanged,
    Contact,
    ContactChanged,
    DeliveryState,
    Entered,
    Event,
    File,
    Format,
    Health,
    Image,
    Location,
    Media,
    Message,
    MessageChanged,
    MessageReceived,
    OwnersChanged,
    Part,
    Problem,
    Progress,
    Receipt,
    ReceiptReceived,
    RenderContext,
    Retried,
    Status,
    StatusChanged,
    Step,
    Target,
    Text,
    Unsupported,
    Video,
    Voice,
)
from bridge.contract.version import misfit

SNAPSHOTS = Path(__file__).parent / "snapshots"
AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
CONTACT = Contact(
    id="c-1",
    name="Customer A",
    avatar="https://acme.example/a.png",
    email="customer.a@acme.example",
    phone="+49301234567",
    locale="zh_CN",
    extra={"country": "CN"},
)
MEDIA = Media(
    account="shop",
    id="m-1",
    mime="image/jpeg",
    name="photo.jpg",
    size=70_000,
    sha256="ab" * 32,
    url="https://bridge.example.com/media/x",
    error="",
)
PARTS: tuple[Part, ...] = (
    Text(body="hello", format=Format.MARKDOWN),
    Image(media=MEDIA, caption="see"),
    Voice(media=MEDIA, transcript="said"),
    Video(media=MEDIA, thumb=MEDIA, caption="look"),
    File(media=MEDIA, caption="read"),
    Card(title="t", description="d", url="https://acme.example", app="wx0", path="pages/x", thumb=MEDIA),
    Location(latitude=1.5, longitude=-2.5, label="here"),
    Unsupported(what="sticker", text=":)"),
    Progress(of="m-9", state=DeliveryState.FAILED, reason="closed"),
    Choices(text="How was it?", options=("5 good", "1 bad"), plain="Reply 1 or 5"),
)
MESSAGE = Message(
    id="m-1",
    conversation="t-1",
    author=Author(kind=AuthorKind.AGENT, id="a-1", name="Agent"),
    parts=PARTS,
    audience=Audience.AGENTS,
    sent_at=AT,
    reply_to="m-0",
    origin="step-1",
    subject="Order 17",
)
EVENTS: tuple[Event, ...] = (
    MessageReceived(message=MESSAGE, contact=CONTACT, context={"page": "x"}),
    StatusChanged(conversation="t-1", status=Status.CLOSED, moved_to="t-2"),
    OwnersChanged(conversation="t-1", owners=("u-2",)),
    Entered(conversation="c-1", contact=CONTACT, context={"page": "x"}, at=AT),
    ReceiptReceived(conversation="t-1", message="m-1", state=DeliveryState.READ, reason="r"),
    ContactChanged(contact=CONTACT, merged_into="c-2"),
    MessageChanged(conversation="t-1", message="m-1", change=Change.HIDDEN),
    Retried(conversation="t-1", message="m-1"),
    ConsentChanged(conversation="c-1", template="back", count=2),
    BotAnswered(job="k-1", text="hello", verdict=BotVerdict.HANDOFF, reason="r", summary="s", memory="m", tokens=3),
)
STORED: dict[str, Any] = {
    "message": MESSAGE,
    "events": list(EVENTS),
    "step": Step(
        verb="say",
        body={"text": "hello", "n": 1},
        media=(MEDIA,),
        covers=("m-1",),
        audience=Audience.AGENTS,
        cost=0,
    ),
    "target": Target(
        key="k",
        link="l",
        conversation="t-1",
        contact=CONTACT,
        peer="p",
        previous="t-0",
        fields={"group": 1},
        context={"page": "x"},
        prepared={"id": 1},
        attempt=2,
        tried_at=AT,
    ),
    "room": RenderContext(
        conversation="t-1",
        status=Status.SOLVED,
        contact=CONTACT,
        context={"page": "x"},
        fields={"tags": ["a"]},
        previous="t-0",
        replies=4,
        until=AT,
        language="zh",
        now=AT,
    ),
    "receipt": Receipt(ids=("1", "2"), conversation="t-1", peer="p", url="https://acme.example/t/1", detail="d"),
    "health": Health(problems=(Problem(what="w", remedy="r"),), facts={"version": "1"}),
}

SURFACE = (SNAPSHOTS / "surface.txt").read_text("utf-8").split()


def dump(value: Any) -> Any:
    return json.loads(TypeAdapter(Any).dump_json(value))


def covered(old: Any, new: Any, where: str = "$") -> list[str]:
    """What of `old` is missing or different in `new`. New fields are allowed: they have defaults."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            fault
            for key in old
            for fault in (covered(old[key], new[key], f"{where}.{key}") if key in new else [f"{where}.{key} is gone"])
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            fault
            for index, pair in enumerate(zip(old, new, strict=True))
            for fault in covered(*pair, f"{where}[{index}]")
        ]
    return [] if old == new else [f"{where} was {old!r}, is {new!r}"]


def test_nothing_that_connectors_import_disappears() -> None:
    """Additions are listed in snapshots/surface.txt in the same change; nothing is ever taken away."""
    assert sorted(contract.__all__) == sorted(SURFACE)
    for name in contract.__all__:
        assert hasattr(contract, name)


@pytest.mark.parametrize("name", STORED)
def test_what_is_written_has_the_stored_shape(name: str) -> None:
    """Messages, steps and events lie in databases of released versions: fields are added, never renamed."""
    stored = json.loads((SNAPSHOTS / f"{name}.json").read_text("utf-8"))
    assert covered(stored, dump(STORED[name])) == []


@pytest.mark.parametrize("name", STORED)
def test_what_was_stored_can_be_read(name: str) -> None:
    text = (SNAPSHOTS / f"{name}.json").read_text("utf-8")
    value = STORED[name]
    kind = list[Event] if name == "events" else type(value)
    assert TypeAdapter(kind).validate_json(text) == value


@pytest.mark.parametrize("name", STORED)
def test_an_older_process_can_read_what_a_newer_one_wrote(name: str) -> None:
    def enrich(value: Any) -> Any:
        if isinstance(value, list):
            return [enrich(part) for part in value]
        return (
            {key: enrich(part) for key, part in value.items()} | {"added_later": 1}
            if isinstance(value, dict) and "kind" in value
            else value
        )

    value = STORED[name]
    kind = list[Event] if name == "events" else type(value)
    richer = enrich(dump(value))
    richer = richer if isinstance(richer, list) else richer | {"added_later": {"a": 1}}
    assert TypeAdapter(kind).validate_python(json.loads(json.dumps(richer))) == value


def test_every_part_and_event_is_in_the_snapshot() -> None:
    """A new kind cannot be added without its stored shape."""

    def kinds(union: Any) -> set[type]:
        return set(union.__origin__.__args__)

    assert {type(part) for part in PARTS} == kinds(Part)
    assert {type(event) for event in EVENTS} == kinds(Event)


@pytest.mark.parametrize("name", [name for name in contract.__all__ if inspect.isclass(getattr(contract, name))])
def test_public_things_say_what_they_are(name: str) -> None:
    thing = getattr(contract, name)
    if issubclass(thing, BaseModel) and len(thing.model_fields) < 5:
        return  # a few named fields speak for themselves
    if name in {"Change", "AuthorKind", "Format"}:
        return
    assert (thing.__doc__ or "").strip(), f"{name} has no docstring"


def test_values_cannot_be_changed() -> None:
    for value in (MESSAGE, *PARTS, *EVENTS, STORED["step"], STORED["room"], STORED["receipt"]):
        with pytest.raises(ValueError, match="frozen"):
            value.kind = "other"


# The whole surface, with signatures

PINNED = SNAPSHOTS / "signatures.txt"


def _signature(function: Any) -> str:
    """Without what differs from one process to the next: addresses, and how much of `Http` was loaded before."""
    text = re.sub(r" at 0x\w+", "", str(inspect.signature(function)).replace('"', "").replace("'", ""))
    text = text.replace("bridge.contract.http.Http", "Http")
    return re.sub(
        r"frozenset\(\{([^}]*)\}\)", lambda found: f"frozenset({', '.join(sorted(found[1].split(', ')))})", text
    )


def _members(thing: type) -> list[str]:
    if issubclass(thing, BaseModel):
        fields = [f"{name}: {field.annotation!r}" for name, field in thing.model_fields.items()]
        return sorted(re.sub(r"<class '([\w.]+)'>", r"\1", line) for line in fields)
    if issubclass(thing, Enum):
        return sorted(f"{member.name} = {member.value}" for member in thing)
    lines = []
    if "__init__" in vars(thing) and not getattr(thing, "_is_protocol", False):
        lines.append(f"__init__{_signature(vars(thing)['__init__'])}")
    for name, value in vars(thing).items():
        if name.startswith("_"):
            continue
        function = getattr(value, "__func__", value)
        lines.append(f"{name}{_signature(function)}" if inspect.isfunction(function) else name)
    return sorted({*lines, *getattr(thing, "__annotations__", {})})


def surface() -> str:
    lines = []
    for name in sorted(contract.__all__):
        thing = getattr(contract, name)
        if inspect.isclass(thing):
            lines += [f"{name}.{member}" for member in _members(thing)] or [name]
        else:
            lines.append(f"{name}{_signature(thing)}" if inspect.isfunction(thing) else name)
    return "\n".join(lines) + "\n"


def test_the_whole_surface_is_pinned() -> None:
    """A change here is a change of the contract: raise VERSION, say what changed in docs/contract-changelog.md, then
    write the snapshot anew: python -m tests.contract.test_surface
    """
    assert surface() == PINNED.read_text("utf-8")


def test_the_version_has_its_entry() -> None:
    text = (Path(__file__).parents[2] / "docs/contract-changelog.md").read_text("utf-8")
    assert re.findall(r"^## (\S+)", text, re.MULTILINE)[0] == contract.VERSION


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("", ""),
        ("1", ""),
        ("1.0", ""),
        (contract.VERSION, ""),
        ("0.9", "it was written for contract 0.9"),
        ("2.0", "it was written for contract 2.0"),
        ("1.99", "it needs contract 1.99"),
        ("one", "write it as"),
    ],
)
def test_which_versions_fit(wanted: str, said: str) -> None:
    found = misfit(wanted)
    assert found.startswith(said) if said and said[0] == "i" else said in found
    assert bool(found) == bool(said)


if __name__ == "__main__":
    PINNED.write_text(surface(), "utf-8")

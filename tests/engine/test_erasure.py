"""Forgetting somebody: no byte of theirs is left, while others' messages flow; the other side of a person stays."""

import asyncio
import json
import zipfile
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Boolean, Column, Integer, String, text
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from bridge.app import Bridge
from bridge.contract import Author, AuthorKind, Media, Message, Rejected, Step, Subject, Text, Token
from bridge.privacy import aging, erasing
from bridge.privacy.exporting import export
from bridge.privacy.hashing import person_hash
from bridge.privacy.subject import NoSubject
from mappings import compaction, lanes, links, media
from mappings.erasure import EMPTIED, KEPT
from mappings.figure_tables import Fact
from mappings.shop_tables import ShopFact
from mappings.sql import table
from mappings.store import Tx
from mappings.tables import Consent, Identity, Link, Outbox, Waiting
from mappings.types import UtcDateTime
from tests.engine.bot_harness import BotScene, FakeBot
from tests.engine.engine_harness import Scene

ANNA = "anna-7f3c2d91"
SECRETS = ("my parcel never came", f"Customer {ANNA}", "where is it, please", "it is on its way, Anna", ANNA)


def bytes_on_disk(scene: Scene) -> bytes:
    found = [path for path in scene.folder.rglob("*") if path.is_file()]
    return b"\0".join(path.read_bytes() for path in found)


def everything(tx: Tx, tables: Collection[str] = SQLModel.metadata.tables) -> str:
    rows = []
    for name in tables:
        rows += [repr(tuple(row)) for row in tx.execute(text(f'SELECT * FROM "{name}"'))]
    return "\n".join(rows)


async def traces_left(scene: Scene, bridge: Bridge, words: tuple[str, ...]) -> list[str]:
    if bridge.store.sqlite:
        await cleaned(bridge)
        disk = bytes_on_disk(scene)
        return [word for word in words if word.encode() in disk]
    rows = await bridge.store.read(everything)
    hexed = rows.lower()
    return [word for word in words if word in rows or word.encode().hex() in hexed]


async def cleaned(bridge: Bridge) -> None:
    async with asyncio.timeout(20):
        while await bridge.store.read(compaction.is_wished):
            await asyncio.sleep(0.05)


async def talk(scene: Scene) -> str:
    """A conversation with a file, both ways; returns the ticket."""
    scene.vendors.files["f-anna"] = b"the only picture of Anna"
    await scene.says(ANNA, "my parcel never came", file="f-anna")
    await scene.quiet()
    await scene.pass_time(seconds=10)
    await scene.quiet()
    (ticket,) = [one.id for one in scene.vendors.tickets.values() if ANNA in one.customer]
    scene.vendors.agent_says(ticket, "it is on its way, Anna")
    scene.look()
    await scene.collected()
    await scene.quiet()
    await scene.says(ANNA, "where is it, please")
    await scene.quiet()
    return ticket


async def test_nothing_is_left_while_others_write(scene: Scene) -> None:
    async with scene.running() as bridge:
        await scene.says("bert", "somebody else's words")
        ticket = await talk(scene)
        running = True

        async def others() -> None:
            number = 0
            while running:
                number += 1
                await scene.says(f"other-{number % 5}", f"other words {number}")
                await asyncio.sleep(0.01)

        flow = asyncio.create_task(others())
        done = await erasing.erase(bridge, ANNA, "test")
        running = False
        await flow
        await scene.quiet()
        assert done.gone["conversations"] == 1 and done.gone["files"] == 1
        assert await traces_left(scene, bridge, (*SECRETS, "only picture of Anna")) == []
        rows = await bridge.store.read(everything)
        assert "somebody else's words" in str(scene.vendors.tickets) and "other words 1" in rows
        assert f"'{ticket}'" in rows, "the ticket's number stays"
        with pytest.raises(NoSubject, match="was erased"):
            await erasing.plan(bridge, ticket)
        with pytest.raises(NoSubject, match="nobody is known"):
            await erasing.plan(bridge, ANNA)


SECRET = "Annas-own-secret-4711"


# of tables with rows about conversations: columns that name accounts, kinds, states and agents, and never a customer
STAYS = {
    "link": {"channel", "desk", "ticket", "state", "previous", "holder"},
    "fact": {"kind", "ref", "agent", "code"},  # a `ref` is made of numbers, or of an id: see below
    "turn": {"outcome", "agent"},
    "episode": {"state"},
    "episode_shift": set[str](),
    "survey": {"state", "why"},
    "handover": {"from_account", "to_account", "why"},
    "goal": {"kind", "outcome", "target", "calendar"},
}
ELSEWHERE = {
    "identity",
    "shop_fact",
    "consent",
    "attempt",
    "inbox",
    "media",
    "alert",
    "audit",
    "person",
    "person_merge",
}
"""Known by something else than a conversation: `talk`, and the rows that are written here by name."""
NOBODYS = {
    "cursor", "token", "pause", "lease", "callback", "refused_callback", "console_user", "console_session", "api_token",
    "replay_job", "measure", "figure_cursor", "figure_due", "figure_folded", "phrase", "record", "entry",
}  # fmt: skip
"""Without a row about somebody; of records the connectors' own tests say it."""


def spread(tx: Tx) -> None:
    """The person's words in every column of every table that has room for them, new ones included."""
    identity = tx.execute(table(Identity).select().where(table(Identity).c.external_id == ANNA)).one()
    link = tx.execute(table(Link).select().where(table(Link).c.conversation == ANNA)).one()
    step = tx.execute(table(Outbox).select().where(table(Outbox).c.link_id == link.id)).first()
    assert step is not None
    given = {"id": link.id, "link_id": link.id, "left_id": link.id, "root_id": link.id, "outbox_id": step.id}
    for name, of in SQLModel.metadata.tables.items():
        texts = [
            one for one in of.c if isinstance(one.type, String | AutoString) and one.key not in STAYS.get(name, ())
        ]
        secret = {one.key: json.dumps({"page": SECRET}) if "{}" in str(one.server_default) else SECRET for one in texts}
        if name == "link":
            kept = {
                "conversation",
                "channel",
                "contact",
                "allowance",
                "fields",
                "decided",
                "peer",
            }  # it is found by these
            tx.execute(of.update().where(of.c.id == link.id).values({k: v for k, v in secret.items() if k not in kept}))
        elif name == "outbox":  # what is sent must be readable
            read = {"key", "account", "step", "messages", "allowance", "receipt", "state", "lease"}
            tx.execute(of.update().where(of.c.id == step.id).values({k: v for k, v in secret.items() if k not in read}))
        elif "link_id" in of.c and name != "waiting":
            whole = {
                one.key: _any_value(one, given, link.created_at)
                for one in of.c
                if one.key != "id" or name == "shop_message"
            }
            tx.execute(of.insert().values({**whole, **secret}))
    tx.execute(
        table(Identity).update().where(table(Identity).c.id == identity.id).values(profile=f'{{"name": "{SECRET}"}}')
    )
    at = {"at": link.created_at}
    said = Message(id=SECRET, conversation=ANNA, author=Author(kind=AuthorKind.AGENT), parts=(Text(body=SECRET),))
    rows: list[tuple[type[SQLModel], dict[str, object]]] = [
        (Waiting, {"lane": lanes.lane_of_drafts(link.id), "link_id": link.id, "account": "shop", "message_id": SECRET,
                   "message": said.model_dump_json(), "held": "draft", "due_at": link.created_at, "created_at": link.created_at}),
        (ShopFact, {"account": "shop", "subject": f"c:{ANNA}", "value": json.dumps({"page": SECRET}), "until": link.created_at + timedelta(days=9),
                    **at}),
        (Fact, {"kind": "customer", "ref": f"shop.{ANNA}", "link_id": link.id, **at}),
        (Consent, {"account": "shop", "conversation": ANNA, "template": SECRET, "count": 1, **at}),
    ]  # fmt: skip
    for model, values in rows:
        columns = {column.key for column in table(model).columns}
        tx.execute(table(model).insert().values({key: value for key, value in values.items() if key in columns}))


def _any_value(column: Column[Any], given: dict[str, int], at: datetime) -> object:
    if column.key in given:
        return given[column.key]
    if isinstance(column.type, UtcDateTime):
        return at
    if isinstance(column.type, Boolean):
        return False
    return 7 if isinstance(column.type, Integer) else "x"


def test_every_table_is_asked() -> None:
    of_links = {name for name, of in SQLModel.metadata.tables.items() if "link_id" in of.c} | {"link"}
    assert set(SQLModel.metadata.tables) == of_links | ELSEWHERE | NOBODYS
    assert set(STAYS) <= of_links and not ELSEWHERE & NOBODYS


async def test_nothing_is_left_in_any_table(scene: Scene) -> None:
    async with scene.running() as bridge:
        await talk(scene)
        await bridge.store.write(spread)
        assert SECRET in await bridge.store.read(everything)
        await erasing.erase(bridge, ANNA, "test")
        await scene.quiet()
        left = [name for name in SQLModel.metadata.tables if SECRET in await bridge.store.read(everything, (name,))]
        assert left == []
        assert await traces_left(scene, bridge, (*SECRETS, SECRET)) == []


async def test_a_link_to_an_erased_file_opens_nothing_and_no_credential_lies_open(scene: Scene) -> None:
    """At once, although the link has not ended; and what is kept of vendors' tokens is sealed."""
    async with scene.running() as bridge:
        await talk(scene)
        (row,) = [
            one for one in await bridge.store.read(media.old_media, scene.clock() + timedelta(days=1)) if one.sha256
        ]
        link = bridge.files.link(Media(account="", id=row.sha256, sha256=row.sha256))
        path = link.removeprefix("https://bridge.example.com")
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(bridge.app()), base_url="https://bridge.example.com"
        ) as anybody:
            assert (await anybody.get(path)).content == b"the only picture of Anna"
            named = (await anybody.get(path)).headers["content-disposition"]
            await bridge.files.keep(b"the only picture of Anna", name="what somebody else calls it.png")
            other = (await anybody.get(path)).headers["content-disposition"]
            assert "somebody%20else" not in other and other.startswith('attachment; filename="'), (named, other)
            theirs = await bridge.store.read(lambda tx: media.find_media(tx, "", row.sha256))
            assert theirs is not None
            await bridge.store.write(media.forget_media, [theirs.id])
            await erasing.erase(bridge, ANNA, "test")
            assert (await anybody.get(path)).status_code == 404

        async def renew(_: object) -> Token:
            return Token("canary-of-a-token", None, "canary-of-a-refresh")

        tokens = bridge.runtime.accounts["shop"].account.tokens
        assert (await tokens.get("access", renew)).value == "canary-of-a-token"
        assert await traces_left(scene, bridge, ("canary-of-a-token", "canary-of-a-refresh")) == []


async def test_a_late_answer_is_told_and_a_late_message_is_a_new_persons(scene: Scene) -> None:
    async with scene.running() as bridge:
        ticket = await talk(scene)
        before = await bridge.store.read(lambda tx: links.ticket_link(tx, "desk", ticket, lock=False))
        await erasing.erase(bridge, ticket, "test")
        said = len(scene.vendors.phones[ANNA])
        scene.vendors.agent_says(ticket, "one more thing, dear customer")
        scene.look()
        await scene.collected()
        await scene.pass_time(seconds=5)
        await scene.quiet()
        assert len(scene.vendors.phones[ANNA]) == said, "nothing reaches them"
        notes = [entry.text for entry in scene.vendors.tickets[ticket].entries]
        assert any("data was erased" in note for note in notes), notes
        kept = await bridge.store.read(everything)
        assert "one more thing" not in kept and b"one more thing".hex() not in kept.lower()
        await scene.says(ANNA, "hello again")
        await scene.quiet()
        after = await bridge.store.read(lambda tx: links.open_link(tx, "shop", ANNA, lock=False))
        assert before is not None and after is not None
        assert after.person_id != before.person_id and after.ticket != ticket


async def test_steps_on_their_way_settle_without_a_fault(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "_SETTLE", 0.1)
    for error in (None, Rejected("no such ticket", code="gone")):
        gate, begun = asyncio.Event(), asyncio.Event()
        trouble = partial(_wait_there, gate, begun, error)

        async with scene.running() as bridge:
            scene.vendors.trouble = trouble
            await scene.says(ANNA, "my parcel never came")
            await begun.wait()
            await erasing.erase(bridge, ANNA, "test")
            gate.set()
            await scene.quiet()
            scene.vendors.trouble = None
            assert await traces_left(scene, bridge, SECRETS) == []
            assert bridge.engine is not None and bridge.engine.troubles() == []


async def _wait_there(
    gate: asyncio.Event, begun: asyncio.Event, error: Exception | None, account: str, step: Step, phase: str
) -> None:
    if account == "desk" and phase == "before" and step.verb == "comment":
        begun.set()
        await gate.wait()
        if error is not None:
            raise error


async def test_the_other_side_of_a_joined_person_stays_whole(scene: Scene) -> None:
    async with scene.running() as bridge:
        extra = {"customer_id": "customer-17"}
        await scene.says(ANNA, "from the phone of Anna", extra=extra)
        await scene.says("web-4d5e6f70", "from the site", extra=extra)
        await scene.quiet()

        def joined(tx: Tx) -> None:
            from bridge.cli.people import join, merges_json

            assert join(tx, merges_json(tx)[0]["id"])

        await bridge.store.write(joined)
        await scene.says("web-4d5e6f70", "again from the site", extra=extra)
        await scene.quiet()
        planned = await erasing.plan(bridge, "web-4d5e6f70")
        assert planned.side.named == ("shop:web-4d5e6f70",) and planned.side.others == (f"shop:{ANNA}",)
        await erasing.erase(bridge, ANNA, "test")
        assert await traces_left(scene, bridge, ("from the phone of Anna", ANNA)) == []
        link = await bridge.store.read(lambda tx: links.open_link(tx, "shop", "web-4d5e6f70", lock=False))
        assert link is not None and link.ticket
        await scene.says("web-4d5e6f70", "and on it goes", extra=extra)
        await scene.quiet()
        assert "and on it goes" in scene.vendors.visible(link.ticket)


async def test_an_export_has_all_of_it(scene: Scene, tmp_path: Path) -> None:
    async with scene.running() as bridge:
        await talk(scene)
        await scene.says("bert", "somebody else's words")
        await scene.quiet()
        out = scene.folder / "anna.zip"
        await export(bridge, await erasing.plan(bridge, ANNA), out)
        assert out.stat().st_mode & 0o077 == 0
        with zipfile.ZipFile(out) as archive:
            content = archive.read("person.json").decode()
            files = [archive.read(name) for name in archive.namelist() if name.startswith("files/")]
        json.loads(content)
        assert [word for word in SECRETS if word not in content] == []
        assert "somebody else" not in content
        assert files == [b"the only picture of Anna"]


async def test_whoever_is_quiet_for_long_is_erased_and_nobody_else(scene: Scene) -> None:
    async with scene.running() as bridge:
        ticket = await talk(scene)
        await scene.says("bert-11112222", "somebody else's words")
        await scene.quiet()
        await scene.pass_time(days=3)  # agents are told what they are to be told
        await scene.quiet()
        await scene.pass_time(days=300)
        await scene.says("bert-11112222", "and again")
        await scene.quiet()
        assert await aging.erase_quiet(bridge) == 0
        await scene.pass_time(days=101)
        await scene.quiet()
        assert await aging.erase_quiet(bridge) == 1
        with pytest.raises(NoSubject, match="was erased"):
            await erasing.plan(bridge, ticket)
        assert (await erasing.plan(bridge, "bert-11112222")).side.links
        await scene.pass_time(days=300)
        await scene.quiet()
        assert await aging.erase_quiet(bridge) == 1
        assert await aging.erase_quiet(bridge) == 0, "nobody is erased twice"


def test_a_hash_of_a_person_is_equal_within_one_installation_only() -> None:
    assert person_hash("a secret", 7) == person_hash("a secret", 7)
    assert len({person_hash("a secret", 7), person_hash("a secret", 8), person_hash("another", 7)}) == 3
    assert person_hash("a secret", 7) != "7"


def test_every_table_says_what_an_erasure_does_to_it() -> None:
    """Whoever adds a table decides it."""
    assert sorted(SQLModel.metadata.tables) == sorted({*KEPT, *EMPTIED})


async def test_a_bot_is_asked_to_forget_by_the_id_that_it_was_given(database_url: str, tmp_path: Path) -> None:
    """Bots know nobody's own id: they are told of the made-up one, whichever conversation it was."""
    scene = BotScene(database_url, tmp_path)
    whom: list[Subject] = []

    class Remembers(FakeBot):
        async def records_of(self, subject: Subject) -> dict[str, Any]:
            return {}

        async def forget(self, subject: Subject) -> list[str]:
            whom.append(subject)
            return []

    scene.bot_class = type("Bot", (Remembers,), {"brain": scene.brain, "vendors": scene.vendors})
    async with scene.running() as bridge:
        await scene.customer("hello")
        (asked,) = scene.brain.asked
        await erasing.erase(bridge, "shop:ann", "somebody")
        assert {one.id for subject in whom for one in subject.contacts} == {asked["who"]["id"]}
        assert "ann" not in asked["who"]["id"]

"""Words go when their time is over, also those of customers who go on writing."""

from pathlib import Path
from typing import Any

from sqlalchemy import LargeBinary, String
from sqlmodel import SQLModel

from bridge.engine import maintenance
from bridge.figures import worker
from mappings import lanes, records
from mappings.erasure import EMPTIED, KEPT
from mappings.holder_tables import BotTurn
from mappings.retention import RULES
from mappings.sql import table
from mappings.states import RawState
from mappings.store import Tx
from mappings.tables import Inbox, Outbox, Waiting
from tests.engine.engine_harness import Scene
from tests.engine.test_erasure import everything

OLD = ("where are the green boots", "the boots are on their way", "a private thought about boots", "boots.jpg-bytes")


def test_every_table_with_words_has_a_rule() -> None:
    """Whoever adds a column with text decides how long it is kept."""
    wordy = {
        name
        for name, of in SQLModel.metadata.tables.items()
        if any(isinstance(column.type, String | LargeBinary) for column in of.columns)
    }
    assert wordy - {*RULES} == set()
    assert {*RULES} - {*SQLModel.metadata.tables} == set()
    assert {*RULES} <= {*KEPT, *EMPTIED}


async def test_words_of_a_customer_who_goes_on_writing(database_url: str, tmp_path: Path) -> None:
    """Everything of the first day is gone after a while: payloads, steps, files, notes, entries, a bot's turns."""
    scene = Scene(database_url, tmp_path)
    async with scene.running() as bridge:
        scene.vendors.files["f1"] = b"boots.jpg-bytes"
        await scene.says("anna", "where are the green boots", file="f1")
        await scene.quiet()
        await scene.pass_time(seconds=10)
        await scene.quiet()
        scene.vendors.agent_says(scene.only_ticket, "the boots are on their way")
        scene.vendors.agent_says(scene.only_ticket, "a private thought about boots", private=True)
        scene.look()
        await scene.collected()
        now = scene.clock()

        def more(tx: Tx) -> None:
            steps = tx.execute(table(Outbox).select()).all()
            asked = {"account": "bot", "term": 1, "mode": "first", "state": "answered", "verdict": "answer", "at": now}
            tx.execute(table(BotTurn).insert().values(outbox_id=steps[0].id, link_id=steps[0].link_id, **asked))
            unread = {"account": "shop", "key": "unread", "payload": b"green boots", "state": RawState.QUARANTINED}
            tx.execute(table(Inbox).insert().values(received_at=now, error="no", **unread))
            draft = {"account": "shop", "message_id": "d", "message": '{"body": "green boots"}', "held": "draft"}
            lane = lanes.lane_of_drafts(steps[0].link_id)
            waiting = {"lane": lane, "link_id": steps[0].link_id, "due_at": now, "created_at": now, **draft}
            tx.execute(table(Waiting).insert().values(waiting))
            for number in range(3):
                records.append_entry(tx, "site", "chat-anna", {"text": f"green boots {number}"}, "", now)

        await bridge.store.write(more)
        before = await bridge.store.read(everything)
        assert all(word in before for word in OLD[:3])
        for days in range(14):
            await scene.pass_time(days=30)
            await scene.says("anna", f"hello {days}")
            await scene.quiet()
            if days == 13:
                await bridge.store.write(records.append_entry, "site", "chat-anna", {"text": "new"}, "", scene.clock())
            await maintenance.prune(bridge.store, bridge.runtime, bridge.files.folder, scene.clock())
            await worker.tick(bridge.store, bridge.runtime, "test", at_once=True)
        left = await bridge.store.read(everything)
        assert [word for word in (*OLD, "green boots", b"green boots".hex()) if word in left] == []
        assert "hello 13" in left
        files = [path.read_bytes() for path in bridge.files.folder.place.rglob("*") if path.is_file()]
        assert b"boots.jpg-bytes" not in files
        entries: list[Any] = await bridge.store.read(records.read_entries, "site", "chat-anna", 0, 9)
        assert entries == [(4, {"text": "new"})]
        number = await bridge.store.write(records.append_entry, "site", "chat-anna", {"text": "x"}, "", scene.clock())
        assert number == 5, "numbers go on"

"""The states of a step: which ways there are, and that no other is gone."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mappings import conversations, links, outbox, people
from mappings.states import FAILED, SENT, TRANSITIONS, UNFINISHED, StepState, sources
from mappings.store import Store, Tx

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = Store(database_url)
    store.open()
    yield store
    store.close()


def test_every_state_is_reached_and_only_what_is_unfinished_can_be_accepted() -> None:
    assert set(TRANSITIONS) == set(StepState)
    assert all(sources(state) for state in StepState)
    assert not TRANSITIONS[StepState.DROPPED]
    assert {state for state in StepState if StepState.DONE in TRANSITIONS[state]} == {
        StepState.READY,
        StepState.UNCONFIRMED,  # it became known later
    }
    assert not set(UNFINISHED) & {*FAILED, *SENT, StepState.DROPPED}


def step(tx: Tx, state: StepState) -> int:
    person = people.know(tx, "shop", f"{state}", "{}", "", NOW).person_id
    link = links.add_link(
        tx, channel="shop", desk="desk", person_id=person, state="open", conversation=f"{state}", created_at=NOW,
        touched_at=NOW,
    )  # fmt: skip
    values = {"key": f"key-{state}-{link.id}", "lane": links.lane_to_channel(link.id), "link_id": link.id}
    made = outbox.add_step(
        tx, {**values, "account": "shop", "state": state, "step": "{}", "due_at": NOW, "created_at": NOW}
    )
    return made


@pytest.mark.parametrize("old", StepState)
def test_a_step_goes_only_where_its_state_leads(store: Store, old: StepState) -> None:
    def walk(tx: Tx) -> list[tuple[StepState, bool, str]]:
        made, found = step(tx, old), []
        for new in StepState:
            tx.exec_driver_sql(f"UPDATE outbox SET state = '{old}' WHERE id = {made}")
            changed = outbox.change_step(tx, made, state=new)
            row = outbox.get_step(tx, made)
            assert row is not None
            found.append((new, changed, row.state))
        return found

    for new, changed, state in store.run(walk):
        assert changed == (new in TRANSITIONS[old])
        assert state == (new if changed else old)


@pytest.mark.parametrize("written", ['[{"audience":"agents"}]', '[{"audience": "agents"}]'])
def test_notes_are_not_the_last_words(store: Store, written: str) -> None:
    """However the JSON of a step was written: older rows have a space behind each colon."""

    def read(tx: Tx) -> dict[int, str]:
        step(tx, StepState.DONE)
        link = links.open_link(tx, "shop", "done")
        assert link is not None
        more = {"lane": links.lane_to_desk(link.id), "link_id": link.id, "account": "desk", "due_at": NOW, "step": "{}"}
        outbox.add_step(tx, {**more, "key": "said", "messages": '[{"audience":"customer"}]', "created_at": NOW})
        outbox.add_step(tx, {**more, "key": "note", "messages": written, "created_at": NOW})
        return conversations.last_words(tx, [link.id])

    assert list(store.run(read).values()) == ['[{"audience":"customer"}]']

"""The tables of message ids and of merged people: what they held under their former names, and how figures go on."""

from alembic import command
from sqlalchemy import inspect, text

from mappings import upgrade
from mappings.schema import migrate
from mappings.store import Store, Tx

_AT = "'2026-01-05 09:00:00.000000'"


def to(store: Store, revision: str, *, back: bool = False) -> None:
    config = upgrade._config()
    with store.engine.connect() as tx:
        config.attributes["connection"] = tx
        (command.downgrade if back else command.upgrade)(config, revision)
        tx.commit()


def fill(tx: Tx) -> None:
    tx.execute(text(f"INSERT INTO person (id, created_at) VALUES (1, {_AT}), (2, {_AT})"))
    tx.execute(
        text(
            "INSERT INTO link (id, channel, conversation, desk, person_id, state, previous, generation, peer, url, "
            f"created_at, touched_at) VALUES (7, 'shop', 'anna', 'desk', 1, 'open', '', 1, '', '', {_AT}, {_AT})"
        )
    )
    tx.execute(
        text(f"INSERT INTO pair (account, message_id, link_id, short, at) VALUES ('shop', 'anna:7', 7, '7', {_AT})")
    )
    tx.execute(
        text(
            "INSERT INTO joining (kept_id, joined_id, proof, state, moved, by, at) "
            f"VALUES (1, 2, 'same id', 'joined', '[3]', 'admin', {_AT})"
        )
    )
    tx.execute(text(f"INSERT INTO figure_cursor (log, done, horizon, horizon_at) VALUES ('pair', 5, 5, {_AT})"))


def held(tx: Tx, refs: str, merges: str) -> list[list[object]]:
    asked = (
        f"SELECT message_id, link_id, short FROM {refs}",
        f"SELECT kept_id, joined_id, moved FROM {merges}",
        "SELECT log, done FROM figure_cursor",
    )
    return [[tuple(row) for row in tx.execute(text(one))] for one in asked]


def names(tx: Tx) -> set[str]:
    """All that the database says of the two tables in its own names."""
    found = set(inspect(tx).get_table_names())
    if tx.dialect.name == "postgresql":
        catalogue = "SELECT relname FROM pg_class UNION SELECT conname FROM pg_constraint"
    else:
        catalogue = "SELECT name FROM sqlite_master"
    return found | set(tx.execute(text(catalogue)).scalars())


def test_what_stood_under_the_former_names_stands_under_the_new_ones(store: Store) -> None:
    to(store, "0026")
    before = store.run(names)
    store.run(fill)
    rows = [("anna:7", 7, "7")], [(1, 2, "[3]")]
    migrate(store)
    assert store.run(held, "message_ref", "person_merge") == [*rows, [("message_ref", 5)]]
    after = store.run(names)
    assert not [name for name in after if name.startswith(("pair", "joining", "ix_pair", "ix_joining"))]
    store.run(lambda tx: tx.execute(text("DELETE FROM message_ref")))
    store.run(fill_again)

    to(store, "0026", back=True)
    assert store.run(names) == before
    assert store.run(held, "pair", "joining") == [[("bert:8", 7, None)], rows[1], [("pair", 5)]]


def fill_again(tx: Tx) -> None:
    """Numbers go on: the sequence came along."""
    tx.execute(text(f"INSERT INTO message_ref (account, message_id, link_id, at) VALUES ('shop', 'bert:8', 7, {_AT})"))

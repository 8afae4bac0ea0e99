"""A look, or a short change, beside a process that serves: what commands use."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy.exc import SQLAlchemyError

from mappings.engines import StoreUnusable, postgresql_engine, sqlite_engine
from mappings.store import Store, Tx, first_line, full_url


def open_reader(url: str) -> AbstractContextManager[Tx]:
    """A connection that only reads, beside a process that has the database open. Raises StoreUnusable."""
    return _open(url, write=False)


def open_writer(url: str) -> AbstractContextManager[Tx]:
    """One short writing transaction beside a serving process. Raises StoreUnusable."""
    return _open(url, write=True)


@contextmanager
def _open(url: str, *, write: bool) -> Iterator[Tx]:
    store = Store(url)
    if store.sqlite and not store.path.exists():
        raise StoreUnusable(f"{store.path}: no such database yet; start `bridge serve` or run `bridge migrate`")
    if store.sqlite:  # two connections that checkpoint at once may corrupt an older SQLite
        engine = sqlite_engine(store.path, write=write, checkpoints=False)
    else:
        engine = postgresql_engine(full_url(store))
    try:
        with engine.begin() as tx:
            yield tx
    except SQLAlchemyError as error:
        raise StoreUnusable(f"{store.url.render_as_string()}: {first_line(error)}") from None
    finally:
        engine.dispose()

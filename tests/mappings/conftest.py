"""A store on a database without tables."""

from collections.abc import Iterator

import pytest

from mappings.store import Store


@pytest.fixture
def store(empty_database_url: str) -> Iterator[Store]:
    store = Store(empty_database_url)
    store.open()
    yield store
    store.close()

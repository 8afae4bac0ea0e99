"""The address of a robot is its password: no error may hold it."""

from collections.abc import Iterator
from contextlib import contextmanager

from bridge.contract import ConnectorError, Retryable


@contextmanager
def unnamed(kind: str) -> Iterator[None]:
    """Whatever goes wrong on the way is told without the address."""
    try:
        yield
    except ConnectorError as error:
        raise Retryable(f"{kind} cannot be reached", code=error.code) from None

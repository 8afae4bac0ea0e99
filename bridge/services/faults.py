"""Whose fault a failure is: the one judgement for every door (callbacks, API, pages, records).

A store in trouble is nobody's fault and passes: 503. What no database or text can hold is the caller's: 4xx. All else
is a bug of ours: it is logged by its kind and place, and the caller is told no more than that.
"""

from enum import Enum, auto

from sqlalchemy.exc import DataError

from bridge.contract import Malformed, Retryable, StoreDown
from mappings.store import is_trouble


class Fault(Enum):
    """Who has to do something: whoever runs the machine, whoever sent it, whoever wrote the code."""

    STORE = auto()
    INPUT = auto()
    BUG = auto()


# no encoding, more nesting than Python walks, a number that no column takes
_UNFIT = (Malformed, DataError, UnicodeError, RecursionError, OverflowError)


def fault_of(error: BaseException) -> Fault:
    """Whose it is. A vendor that cannot be asked now (`Retryable`) is as a store that is away: ask again later."""
    if isinstance(error, StoreDown | Retryable) or is_trouble(error):
        return Fault.STORE
    return Fault.INPUT if isinstance(error, _UNFIT) else Fault.BUG


def store_down(error: BaseException) -> StoreDown | None:
    """The same failure as connectors and pages know it, by its kind only: a database's message quotes what it was
    given. None for what is no trouble of the store.
    """
    if isinstance(error, StoreDown):
        return error
    return StoreDown(f"the database refused: {type(error).__name__}") if is_trouble(error) else None

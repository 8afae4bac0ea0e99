"""Names for steps and leases: unique, not secret.

Asking the system for every one of them costs as much as a statement. They begin with the time, so that an index of
names grows at its end: a page for many new names instead of one for each.
"""

import os
import random
from time import time_ns

_source = random.Random(os.urandom(32))  # noqa: S311 # nobody gains anything by guessing a step's name
_MILLISECOND = 20  # bits, nearly
_CHANCE = 80  # bits


def new_name() -> str:
    """32 hexadecimal digits that nobody used before."""
    return f"{time_ns() >> _MILLISECOND << _CHANCE | _source.getrandbits(_CHANCE):032x}"

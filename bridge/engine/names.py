"""Names for steps and leases: unique, not secret.

Asking the system for every one of them costs as much as a statement.
"""

import os
import random

_source = random.Random(os.urandom(32))  # noqa: S311 # nobody gains anything by guessing a step's name


def new_name() -> str:
    """32 hexadecimal digits that nobody used before."""
    return f"{_source.getrandbits(128):032x}"

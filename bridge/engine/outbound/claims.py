"""What a transaction may claim, and what it claimed: the router's and the dispatcher's own."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from bridge.engine.context import Effects
from mappings.links import LinkRow


@dataclass(frozen=True, slots=True)
class ClaimBudget:
    """What one transaction may claim: so many steps, and so many of them have their turn at once. Whoever asked for a
    budget gives it back with `Dispatcher.send`. `rested`: the account had to rest when it was made.
    """

    steps: int
    turns: int
    rested: bool


@dataclass(slots=True)
class Claimed:
    """What a transaction claimed. `left`: more may wait, or there was no place for it."""

    steps: list[tuple[Row[Any], LinkRow, bool]] = field(default_factory=list)  # with: its attempt is marked
    effects: Effects = field(default_factory=Effects)
    left: bool = False

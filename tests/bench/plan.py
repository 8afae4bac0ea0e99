"""How thorough a run is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """`quick` proves that everything runs; its figures mean nothing."""

    rounds: int = 5
    seconds: float = 2.0
    customers: int = 400  # that speak at once in a relay
    messages: int = 5  # of each
    backlog: int = 20_000
    stored: int = 1_000_000
    quick: bool = False
    kept: str = ""  # a folder in which a filled database stays from one run to the next


QUICK = Plan(rounds=1, seconds=0.4, customers=40, messages=3, backlog=400, stored=5_000, quick=True)
NORMAL = Plan()
FULL = Plan(backlog=100_000)
SHORT = Plan(seconds=1.0, customers=200, messages=4, stored=100_000)  # five rounds of the page's table in eight minutes

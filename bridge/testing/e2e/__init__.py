"""The whole bridge, started as its user starts it, between a messenger and a simulated desk: for your desk, too.

    class ShopDesk(Desk):                    # your simulator in the words of the journeys
        kind = "shop"
        def tickets(self): ...
        def entries(self, ticket): ...
        async def agent_says(self, ticket, text, files=()): ...
        async def agent_notes(self, ticket, text): ...

    class TestShopJourney(DeskJourney):
        connector = Shop
        desk = ShopDesk

The bridge is a process of its own with a database in the test's folder; it is killed and started again at will.
"""

from typing import TYPE_CHECKING, Any

from bridge.testing.e2e.desk import Desk, Entry, File, shown
from bridge.testing.e2e.desk_journey import DeskJourney
from bridge.testing.e2e.journey import CUSTOMER, Journey
from bridge.testing.e2e.messenger import Messenger, MessengerSimulator
from bridge.testing.e2e.process import Process, until

__all__ = [
    "CUSTOMER",
    "Desk",
    "DeskJourney",
    "Entry",
    "File",
    "Journey",
    "Messenger",
    "MessengerSimulator",
    "Process",
    "shown",
    "until",
]

_BEFORE = {"Way": Journey}  # what it was called until 1.2

if not TYPE_CHECKING:  # it would make every name an Any

    def __getattr__(name: str) -> Any:
        if name not in _BEFORE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _BEFORE[name]

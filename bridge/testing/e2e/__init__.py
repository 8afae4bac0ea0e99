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

from bridge.testing.e2e.desk import Desk, Entry, File, shown
from bridge.testing.e2e.journey import DeskJourney
from bridge.testing.e2e.messenger import Messenger, MessengerSimulator
from bridge.testing.e2e.process import Process, until
from bridge.testing.e2e.way import CUSTOMER, Way

__all__ = [
    "CUSTOMER",
    "Desk",
    "DeskJourney",
    "Entry",
    "File",
    "Messenger",
    "MessengerSimulator",
    "Process",
    "Way",
    "shown",
    "until",
]

"""A customer's phone, one of the desks, and the bridge between them as a process of its own."""

import re
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.testing.e2e.desk import Desk
from bridge.testing.e2e.process import Process, until

CUSTOMER = "oCustomer_A"


class Phone(Protocol):
    """What a channel's simulator lets customers do. `received` are the texts that reached this one, oldest first."""

    async def says(self, customer: str, text: str) -> Any: ...

    async def sends_image(self, customer: str, data: bytes) -> Any: ...

    def received(self, customer: str) -> list[str]: ...


@dataclass
class Journey:
    """A customer's phone, a desk, and the bridge between them."""

    phone: Any  # a Phone at least; our own tests look deeper into their channel's simulator
    desk: Desk
    bridge: Process

    async def begin(self, *words: str) -> None:
        """The customer says the first words, and the bridge has written down where they went."""
        await self.bridge.start()
        for word in words:
            await self.phone.says(CUSTOMER, word)
            await self.reach_the_desk(word)

    async def reach_the_desk(self, *words: str) -> None:
        await until(lambda: all(word in self.desk.seen() for word in words))

    async def reach_the_customer(self, *texts: str) -> None:
        await until(lambda: all(text in self.phone.received(CUSTOMER) for text in texts))

    async def there_and_back(self) -> None:
        """One more exchange: whatever was sent twice or is still on its way has come by then."""
        await self.phone.says(CUSTOMER, "the last words")
        await self.reach_the_desk("the last words")
        await self.desk.agent_says(self.desk.ticket, "goodbye")
        await self.reach_the_customer("goodbye")

    async def rests(self) -> bool:
        return re.search(r'bridge_account_paused\{account="desk"\} 1', await self.bridge.get("/metrics")) is not None

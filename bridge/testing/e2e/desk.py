"""A simulated desk in the words of the journeys: what its agents see and do."""

import html
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bridge.testing.faults import Faults

File = tuple[str, str, bytes]
"""(name, MIME type, bytes)"""

_WHITE = re.compile(r"[ \t\r\n]+")
_BREAK = re.compile(r"\s?<br\s*/?>\s?|\s?</(?:div|p|li|tr|h\d)>\s?", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a ticket. `side` is customer, agent, or note for what only agents see."""

    side: str
    text: str
    files: tuple[tuple[str, bytes], ...] = ()


def shown(markup: str) -> str:
    """HTML as a browser shows it: white space collapses, and starts no line."""
    text = _TAG.sub("", _BREAK.sub("\n", _WHITE.sub(" ", markup)))
    lines = (line.strip(" ") for line in text.split("\n"))
    return html.unescape("\n".join(lines)).replace("\xa0", " ")


class Desk(ABC):
    """Made once per test; `simulator` is set by `__init__` and listens from `start` to `stop`."""

    kind: ClassVar[str]
    simulator: Any

    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = self.simulator.settings()
        return settings

    def calls(self, hook_url: str) -> None:
        """Where its webhook goes."""
        self.simulator.hook_url = hook_url

    @property
    def faults(self) -> Faults:
        faults: Faults = self.simulator.faults
        return faults

    async def start(self) -> None:
        await self.simulator.start()

    async def stop(self) -> None:
        await self.simulator.stop()

    @abstractmethod
    def tickets(self) -> list[str]:
        """In the order in which they were opened."""

    @property
    def ticket(self) -> str:
        """The newest one."""
        return self.tickets()[-1]

    def all_entries(self) -> list[Entry]:
        return [entry for ticket in self.tickets() for entry in self.entries(ticket)]

    def seen(self) -> list[str]:
        """What stands on all tickets from the customer's side, line by line, without the bridge's remarks."""
        return [
            line
            for entry in self.all_entries()
            if entry.side == "customer"
            for line in entry.text.split("\n")
            if line.strip() and not line.startswith(("[", "ref "))
        ]

    def files(self) -> list[bytes]:
        """Those that stand beside the customer's words."""
        return [data for entry in self.all_entries() if entry.side == "customer" for _, data in entry.files]

    def notes(self) -> list[str]:
        """What the bridge wrote for agents only."""
        return [entry.text for entry in self.all_entries() if entry.side == "note"]

    @abstractmethod
    def entries(self, ticket: str) -> list[Entry]:
        """The ticket as its agent reads it, oldest first."""

    @abstractmethod
    async def agent_says(self, ticket: str, text: str, files: Sequence[File] = ()) -> None:
        """An agent answers the customer, whether or not the bridge can hear of it now."""

    @abstractmethod
    async def agent_notes(self, ticket: str, text: str) -> None:
        """An agent writes what only agents may read."""

"""Receivers of alerts: a chat group's robot, a webhook, a mailbox. Installed like connectors, in `bridge.alerts`."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from bridge.contract.messages import Value

if TYPE_CHECKING:
    from bridge.contract.http import Http


class Alert(Value):
    """What somebody is told: a title and lines, never a customer's words. `well`: it is over. `id` is the same when it
    is tried again. `causes` are for machines.
    """

    id: str
    title: str
    lines: tuple[str, ...]
    well: bool = False
    causes: tuple[dict[str, Any], ...] = ()
    at: datetime

    @property
    def text(self) -> str:
        """All of it, line by line."""
        return "\n".join((self.title, *self.lines))


class AlertConfig(BaseModel):
    """The keys that every receiver has; a receiver's own `Config` extends it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: str


AlertConfigT = TypeVar("AlertConfigT", bound=AlertConfig)


class AlertReceiver(ABC, Generic[AlertConfigT]):
    """One place where alerts go. `send` raises a ConnectorError for whatever it cannot deliver; it is tried again."""

    kind: ClassVar[str]
    Config: ClassVar[type[AlertConfig]]

    def __init__(self, config: AlertConfigT, http: "Http", now: Callable[[], datetime]) -> None:
        self.config, self.http, self.now = config, http, now

    @abstractmethod
    async def send(self, alert: Alert) -> None: ...

"""What the engine works on: the accounts with their connectors, the routes, the settings and the time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.contract import Account, AccountConfig, Capabilities, Connector, Media
from bridge.settings import Settings
from mappings.store import Tx


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """One account at work."""

    name: str
    connector: Connector[Any]
    config: AccountConfig
    account: Account

    @property
    def capabilities(self) -> Capabilities:
        return self.connector.capabilities


@dataclass(slots=True)
class Runtime:
    """All accounts of this process. `link_to` makes a public, signed link to a file."""

    settings: Settings
    accounts: dict[str, ConnectedAccount]
    now: Callable[[], datetime]
    link_to: Callable[[Media], str]
    channels: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.channels = frozenset(route.channel for route in self.settings.routes)

    @property
    def language(self) -> str:
        return self.settings.bridge.language

    def capabilities(self, account: str) -> Capabilities:
        """What an account can do; nothing when it is no longer configured."""
        connected = self.accounts.get(account)
        return connected.capabilities if connected is not None else Capabilities()


@dataclass(slots=True)
class Effects:
    """What a transaction made ready: whoever ran it wakes these after the commit."""

    accounts: set[str] = field(default_factory=set)
    media: bool = False
    more: bool = False
    done: int = 0
    repeats: int = 0
    logs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    warnings: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def note(self, what: str, **facts: Any) -> None:
        """Something to log once the transaction is committed."""
        self.logs.append((what, facts))

    def warn(self, what: str, **facts: Any) -> None:
        """The same for what somebody has to do something about."""
        self.warnings.append((what, facts))

    def add(self, other: "Effects") -> None:
        """What another part of the same transaction made ready."""
        self.accounts |= other.accounts
        self.media = self.media or other.media
        self.logs += other.logs
        self.warnings += other.warnings


@dataclass(slots=True)
class Work:
    """One transaction under way: where to write, what the process knows, when it is, and whom to wake afterwards."""

    tx: Tx
    runtime: Runtime
    now: datetime
    effects: Effects = field(default_factory=Effects)

"""What the engine works on: the accounts with their connectors, the routes, the settings and the time."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bridge.absent import Absent
from bridge.contract import Account, AccountConfig, Capabilities, Connector, Media
from bridge.routing.calendar import Calendar
from bridge.routing.conditions import NOT, STORED, VERDICT
from bridge.routing.topics import Topic
from bridge.services.tokens import context_key, derive_key
from bridge.settings import RouteSettings, Settings
from mappings.store import Tx

_ZONES = {"zh": "Asia/Shanghai"}  # where the configuration names none


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

    @property
    def absent(self) -> bool:
        """Its connector cannot be used: nothing is done for it, what comes waits."""
        return isinstance(self.connector, Absent)


@dataclass(slots=True)
class Runtime:
    """All accounts of this process. `link_to` makes a public, signed link to a file."""

    settings: Settings
    accounts: dict[str, ConnectedAccount]
    now: Callable[[], datetime]
    link_to: Callable[[Media], str]
    channels: frozenset[str] = field(init=False)
    routes_of: dict[str, list[RouteSettings]] = field(init=False)
    calendars: dict[str, Calendar] = field(init=False)
    context_key: str = field(init=False, repr=False)  # signs what the shop's server says of customers
    survey_key: bytes = field(init=False, repr=False)  # signs the links by which customers say how it was
    page_key: bytes = field(init=False, repr=False)  # signs the links to answers that were too long for one message
    asks_how: frozenset[str] = field(init=False)  # channels where they are asked
    shop_tells: bool = field(init=False)  # the shop's server may tell of customers: then it is asked for what it told
    bots: frozenset[str] = field(init=False)  # accounts that answer by themselves on some route
    bot_channels: frozenset[str] = field(init=False)  # channels with such a route
    keeps_goals: bool = field(init=False)  # somebody waits by the clock: targets, waiting or away texts
    sticks: bool = field(init=False)  # some route leads customers back to who served them
    asks_store: frozenset[str] = field(init=False)  # channels with a rule that asks what only the store knows
    topics: tuple[Topic, ...] = field(init=False)  # what messages are looked through for
    asks_verdict: frozenset[str] = field(init=False)  # … what a bot said: decided once more when people take over
    announces: bool = field(init=False)  # other systems are told what happens

    def __post_init__(self) -> None:
        self.routes_of = {}
        for route in self.settings.routes:
            self.routes_of.setdefault(route.channel, []).append(route)
        self.channels = frozenset(self.routes_of)
        self.sticks = any(one.stick == "agent" for one in self.settings.routes)
        self.keeps_goals = bool(self.settings.targets) or any(one.waiting or one.away for one in self.settings.routes)
        self.shop_tells = bool(self.settings.bridge.api_token.get_secret_value())
        self.context_key = context_key(self.settings.bridge.secret_key.get_secret_value())
        self.survey_key = derive_key(self.settings.bridge.secret_key.get_secret_value(), "rate")
        self.page_key = derive_key(self.settings.bridge.secret_key.get_secret_value(), "answer")
        self.asks_how = frozenset(one.channel for one in self.settings.routes if one.survey is not None)
        self.topics = tuple(one.topic for one in self.settings.topics)
        self.announces = bool(self.settings.events)
        self.calendars = {name: one.calendar for name, one in self.settings.calendars.items()}
        with_bots = [route for route in self.settings.routes if route.bot is not None]
        named = {route.bot.name for route in with_bots if route.bot is not None}
        self.bots = frozenset(name for name in named if name in self.accounts and not self.accounts[name].absent)
        self.bot_channels = frozenset(route.channel for route in with_bots)
        self.asks_store = self._asking(STORED)
        self.asks_verdict = self._asking({VERDICT})

    def _asking(self, conditions: Collection[str]) -> frozenset[str]:
        """The channels with a rule on one of these."""
        named = ((one.channel, name.removeprefix(NOT)) for one in self.settings.routes for name in one.when)
        return frozenset(channel for channel, name in named if name in conditions)

    @property
    def language(self) -> str:
        return self.settings.bridge.language

    def label(self, account: str) -> str:
        """What people call an account."""
        connected = self.accounts.get(account)
        return (connected.config.label if connected is not None else "") or account

    def clock_text(self, moment: datetime) -> str:
        """A moment as agents read it, in their zone and with its name."""
        return f"{self.local(moment):%Y-%m-%d %H:%M} {self.zone}"

    def local(self, moment: datetime) -> datetime:
        """A moment by the agents' clock."""
        return moment.astimezone(ZoneInfo(self.zone))

    @property
    def zone(self) -> str:
        """The agents' time zone, by its name."""
        return self.settings.bridge.timezone or _ZONES.get(self.language, "UTC")

    def office_zone(self, channel: str) -> ZoneInfo:
        """By whose clock people speak of a channel: its routes' calendar, the only one there is, or agents' own."""
        named = [self.calendars[one.calendar] for one in self.routes_of.get(channel, ()) if one.calendar]
        only = list(self.calendars.values()) if len(self.calendars) == 1 else []
        return next((one.zone for one in (*named, *only)), ZoneInfo(self.zone))

    def capabilities(self, account: str) -> Capabilities:
        """What an account can do; nothing when it is no longer configured."""
        connected = self.accounts.get(account)
        return connected.capabilities if connected is not None else Capabilities()


@dataclass(slots=True)
class Effects:
    """What a transaction made ready: whoever ran it wakes these after the commit."""

    accounts: set[str] = field(default_factory=set)
    routers: set[str] = field(default_factory=set)
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
        self.routers |= other.routers
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

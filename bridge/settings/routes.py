"""`[[routes]]`: which desk gets a conversation, and what a ticket of the route is given."""

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import field_validator

from bridge.contract import Duration
from bridge.routing.calendar import Calendar, Version
from bridge.routing.conditions import Rule
from bridge.routing.hours import parse_week
from bridge.settings.bots import BotSettings
from bridge.settings.calendars import known_zone
from bridge.settings.section import Section
from bridge.settings.surveys import SurveySettings

Texts = tuple[str, ...] | dict[str, tuple[str, ...]]


class GreetingSettings(Section):
    """The texts a customer gets on opening the chat, when nobody has answered meanwhile: a list, or one by language."""

    texts: Texts = ()
    closed_texts: Texts = ()
    hours: str = ""  # "mon-fri 09:00-18:00", in `timezone`; else the calendar of the route
    timezone: str = "Asia/Shanghai"

    @field_validator("hours")
    @classmethod
    def _readable(cls, value: str) -> str:
        parse_week(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        return known_zone(value)

    @cached_property
    def calendar(self) -> Calendar:
        """Its hours as a value: weekly ones, without holidays."""
        return Calendar(ZoneInfo(self.timezone), (Version(parse_week(self.hours)),))


class AwaySettings(Section):
    """`[routes.away]`: what a customer hears who writes while the route's calendar is closed."""

    texts: Texts = ()


class WaitingSettings(Section):
    """`[routes.waiting]`: what a customer hears who waits for long."""

    after: Duration = timedelta(minutes=3)
    texts: Texts = ()


class RouteSettings(Section):
    """`[[routes]]`: the first whose conditions hold wins. Routes without a name get one by their place."""

    name: str = ""
    channel: str
    desk: str
    when: dict[str, bool | int | float | str | tuple[str, ...]] = {}
    group: str | int | None = None
    brand: str | int | None = None
    tags: tuple[str, ...] = ()
    priority: str | int | None = None
    custom_fields: dict[str, Any] = {}
    replies_left_field: str | int | None = None
    window_closes_field: str | int | None = None
    greeting: GreetingSettings | None = None
    calendar: str = ""
    targets: str = ""
    away: AwaySettings | None = None
    waiting: WaitingSettings | None = None
    stick: Literal["desk", "agent", "none"] = "none"
    fallback: str = ""
    bot: BotSettings | None = None
    survey: SurveySettings | None = None

    @field_validator("when", mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        """`when.customer.tier = "gold"` is the same as `when = { "customer.tier" = "gold" }`."""
        return dict(_flattened("", value)) if isinstance(value, dict) else value

    @cached_property
    def rule(self) -> Rule:
        """Its conditions as a value."""
        return Rule(self.name, self.when, self.calendar)

    @property
    def fields(self) -> dict[str, Any]:
        """What the desk is told about a ticket of this route."""
        found = {"group": self.group, "brand": self.brand, "priority": self.priority}
        fields = {name: value for name, value in found.items() if value is not None}
        return {**fields, "tags": list(self.tags), "custom_fields": self.custom_fields}


def numbered(routes: tuple[RouteSettings, ...]) -> tuple[RouteSettings, ...]:
    """Routes with a name each. Raises ValueError for two of one name."""
    named = [
        one if one.name else one.model_copy(update={"name": f"route {place}"}) for place, one in enumerate(routes, 1)
    ]
    twice = next((one.name for place, one in enumerate(named) if one.name in {two.name for two in named[:place]}), "")
    if twice:
        raise ValueError(f"two routes are called {twice!r}; give each a name of its own")
    return tuple(named)


def _flattened(prefix: str, table: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flattened(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", value

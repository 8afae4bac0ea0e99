"""`[[routes]]`: which desk gets a conversation, and what a ticket of the route is given."""

import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import field_validator

from bridge.settings.section import Section

OPENING_HOURS = (
    r"(?P<first>mon|tue|wed|thu|fri|sat|sun)(?:-(?P<last>mon|tue|wed|thu|fri|sat|sun))?\s+"
    r"(?P<from>(?:[01]\d|2[0-3]):[0-5]\d)-(?P<to>(?:[01]\d|2[0-3]):[0-5]\d|24:00)"
)

Texts = tuple[str, ...] | dict[str, tuple[str, ...]]


class GreetingSettings(Section):
    """The texts a customer gets on opening the chat, when nobody has answered meanwhile: a list, or one by language."""

    texts: Texts = ()
    closed_texts: Texts = ()
    hours: str = ""  # "mon-fri 09:00-18:00", in `timezone`
    timezone: str = "Asia/Shanghai"

    @field_validator("texts", "closed_texts")
    @classmethod
    def _two(cls, value: Texts) -> Texts:
        if any(len(texts) > 2 for texts in (value.values() if isinstance(value, dict) else [value])):
            raise ValueError("has more than two texts; opening the chat allows two messages")
        return value

    @field_validator("hours")
    @classmethod
    def _readable(cls, value: str) -> str:
        for span in filter(None, (span.strip() for span in value.lower().split(","))):
            found = re.fullmatch(OPENING_HOURS, span, re.ASCII)
            if found is None:
                raise ValueError(
                    f'{span!r} cannot be read; write days and times such as "mon-fri 09:00-18:00, sat 10:00-14:00"'
                )
            if found["from"] == found["to"]:
                raise ValueError(f"{span!r} begins and ends at the same time; write 00:00-24:00 for the whole day")
        return value

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("is no time zone; write one such as Asia/Shanghai") from None
        return value


class RouteSettings(Section):
    """`[[routes]]`: the first match wins. `when` compares what is known of the customer's way in, with wildcards."""

    channel: str
    desk: str
    when: dict[str, str] = {}
    group: str | int | None = None
    brand: str | int | None = None
    tags: tuple[str, ...] = ()
    priority: str | int | None = None
    custom_fields: dict[str, Any] = {}
    replies_left_field: str | int | None = None
    window_closes_field: str | int | None = None
    greeting: GreetingSettings | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """What the desk is told about a ticket of this route."""
        found = {"group": self.group, "brand": self.brand, "priority": self.priority}
        fields = {name: value for name, value in found.items() if value is not None}
        return {**fields, "tags": list(self.tags), "custom_fields": self.custom_fields}

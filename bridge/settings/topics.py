"""`[[topics]]`: what customers ask about, told by their words."""

from functools import cached_property

from pydantic import Field, field_validator

from bridge.routing.topics import Topic
from bridge.settings.section import Section


class TopicSettings(Section):
    """One topic: a message with one of `words`, and none of `not`, is about it."""

    name: str
    words: tuple[str, ...]
    not_: tuple[str, ...] = Field(default=(), alias="not")

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip() or len(value) > 60 or not value.isprintable():
            raise ValueError("must be a name of at most 60 characters")
        return value.strip()

    @field_validator("words", "not_")
    @classmethod
    def _said(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(one.strip() for one in value):
            raise ValueError("has an empty word, which every message holds")
        return value

    @field_validator("words")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("names no word, so no message is about it")
        return value

    @cached_property
    def topic(self) -> Topic:
        """The rule as a value."""
        return Topic(self.name, self.words, self.not_)

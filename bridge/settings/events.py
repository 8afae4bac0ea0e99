"""`[[events]]`: what happens, told to a system of one's own."""

import hashlib
from fnmatch import fnmatchcase
from functools import cached_property
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator, model_validator

from bridge.contract import check_url, webhook_key
from bridge.settings.section import Section

KINDS = (
    "conversation.opened",
    "conversation.reopened",
    "conversation.solved",
    "conversation.closed",
    "message.received",
    "message.accepted",
    "message.held",
    "message.failed",
    "message.unconfirmed",
    "handover",
    "rating",
)


class EventSettings(Section):
    """`[[events]]`: one receiver. `kinds` are names of KINDS, `*` stands for any end (`conversation.*`). No words of
    anybody are told unless `texts`. `name` is what commands and the console call it.
    """

    url: SecretStr  # an address may hold a key
    secret: SecretStr
    kinds: tuple[str, ...] = ("*",)
    texts: bool = False
    name: str = ""
    allow_insecure: bool = False

    @field_validator("secret")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        webhook_key(value.get_secret_value())
        return value

    @field_validator("kinds")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for wanted in value:
            if not any(fnmatchcase(kind, wanted) for kind in KINDS):
                raise ValueError(f"{wanted!r} is no kind; known: {', '.join(KINDS)}, with * for any end")
        if not value:
            raise ValueError(f"names nothing; leave it out for all, or name some of {', '.join(KINDS)}")
        return value

    @field_validator("name")
    @classmethod
    def _short(cls, value: str) -> str:
        if len(value) > 60 or not value.isprintable():
            raise ValueError("must be at most 60 characters that can be seen")
        return value

    @model_validator(mode="after")
    def _address(self) -> "EventSettings":
        check_url(self.url.get_secret_value(), allow_insecure=self.allow_insecure, key="url")
        return self

    @property
    def key(self) -> bytes:
        """The secret's bytes."""
        return webhook_key(self.secret.get_secret_value())

    @cached_property
    def receiver(self) -> str:
        """Its name; without one made of the address, so that it stays when others come before it."""
        url = self.url.get_secret_value()
        return self.name or f"{urlsplit(url).hostname}-{hashlib.sha256(url.encode()).hexdigest()[:6]}"

    def wants(self, kind: str) -> bool:
        """Whether it is told of such an event."""
        return any(fnmatchcase(kind, wanted) for wanted in self.kinds)

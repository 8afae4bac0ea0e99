"""`[routes.bot]`: whether a bot answers before people do, beside them, or only for comparison."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator

from bridge.contract import Duration
from bridge.settings.section import Section

LONGEST_TEXT = 500  # characters of the text at a hand-off: it is one message on every channel


class BotSettings(Section):
    """`[routes.bot]`: which bot, and how far it may go.

    `reserve` are replies of the allowance that only people may use. `quiet` is how long a customer must have stopped
    writing before the bot is asked. `sample` is the share of conversations that begin with the bot. What is longer than
    `max_chars`, or than the channel's own limit, is shortened; `longer` says whether a link leads to all of it.
    """

    name: str
    mode: Literal["first", "suggest", "shadow"] = "first"
    hours: Literal["always", "open", "closed"] = "always"
    reserve: int = Field(default=3, ge=0)
    max_turns: int = Field(default=8, ge=1)
    max_doubts: int = Field(default=2, ge=1)
    max_tokens: int = Field(default=20_000, ge=0)
    max_tokens_day: int = Field(default=2_000_000, ge=0)
    people_when: tuple[str, ...] = ()
    after_close: Literal["bot", "people"] = "bot"
    ticket: Literal["always", "handoff"] = "always"
    show_as: Literal["note", "public"] = "note"
    handoff_text: str = ""
    label_ai: bool = True
    mask: tuple[Literal["phone", "id_card", "bank", "mail"], ...] = ()
    consent: Literal["told", "ask"] = "told"
    sample: float = Field(default=1.0, ge=0.0, le=1.0)
    quiet: Duration = timedelta(seconds=1)
    max_chars: int = Field(default=600, ge=20)
    longer: Literal["link", "shorten"] = "link"
    allowed_hosts: tuple[str, ...] = ()
    promises: Literal["handoff", "allow"] = "handoff"

    @field_validator("handoff_text")
    @classmethod
    def _short(cls, value: str) -> str:
        if len(value) > LONGEST_TEXT:
            raise ValueError(f"is longer than {LONGEST_TEXT} characters: it must fit into one message")
        return value

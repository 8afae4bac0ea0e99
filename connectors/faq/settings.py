"""The keys of an account."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from bridge.contract import BesideConfig, BotConfig
from connectors.faq import about
from connectors.faq.entries import read_entries


class Settings(BotConfig):
    """`file` is read when the configuration is, so that `bridge check` says what is wrong in it."""

    kind: Literal["faq"]
    file: Annotated[BesideConfig, about.FILE]
    threshold: Annotated[float, about.THRESHOLD] = Field(default=0.35, gt=0, le=1)

    @field_validator("file")
    @classmethod
    def _readable(cls, value: Path) -> Path:
        read_entries(value)
        return value

"""What all bots' settings have."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo

from bridge.contract.config import AccountConfig
from bridge.contract.described import About
from bridge.contract.durations import Duration


def _beside(value: Any, info: ValidationInfo) -> Any:
    folder = (info.context or {}).get("folder")
    return Path(folder) / value if folder is not None and isinstance(value, str) and value else value


BesideConfig = Annotated[Path, BeforeValidator(_beside), PlainSerializer(str)]
"""A file of the operator's: a relative path is looked for beside the configuration."""


class BotConfig(AccountConfig):
    """Extended by each bot's `Config`. A question may be repeated: nothing a bot says is seen before it is stored."""

    uncertain: Literal["hold", "retry"] = "retry"
    deadline: Annotated[
        Duration,
        About(
            ("Time for an answer", "答复时限"),
            (
                "All the time that one question may take; then people take over.",
                "单次提问的总时限；超时后转人工。",
            ),
        ),
    ] = Field(default=timedelta(seconds=30), ge=timedelta(milliseconds=100), le=timedelta(minutes=2))

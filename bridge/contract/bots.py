"""What all bots' settings have."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from bridge.contract.config import AccountConfig
from bridge.contract.described import About
from bridge.contract.durations import Duration


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

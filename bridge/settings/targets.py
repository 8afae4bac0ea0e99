"""`[targets.*]`: how soon customers should have an answer, and what happens when they do not."""

from datetime import timedelta

from pydantic import Field, model_validator

from bridge.contract import Duration
from bridge.settings.section import Section


class TargetSettings(Section):
    """`[targets.NAME]`: times on the office's clock (`clock`, a calendar; else all of the time)."""

    first: Duration | None = None
    next: Duration | None = None
    resolve: Duration | None = None
    clock: str = ""
    margin: Duration = timedelta(hours=4)
    raise_: bool = Field(default=False, alias="raise")
    alert: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _some(self) -> "TargetSettings":
        if not (self.first or self.next or self.resolve):
            raise ValueError("names no time; set first, next or resolve")
        return self

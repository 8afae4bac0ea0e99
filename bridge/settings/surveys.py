"""`[routes.survey]`: whether customers are asked how it was, and how."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from bridge.contract import Duration
from bridge.settings.section import Section


class SurveySettings(Section):
    """`[routes.survey]`: asked once after a ticket was solved, if `keep` replies are left afterwards.

    `after` leaves time for one more thing, `valid` is how long an answer counts. `field` is a custom field of the desk
    that takes the number, as the route's other fields are named.
    """

    ask: Literal["solved", "never"] = "solved"
    after: Duration = timedelta(minutes=2)
    valid: Duration = timedelta(hours=24)
    keep: int = Field(default=2, ge=0)
    scale: Literal[3, 5] = 5
    way: Literal["text", "link"] = "text"
    comment: bool = False
    field: str | int | None = None

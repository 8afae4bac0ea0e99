"""What every table of the configuration is made of."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the file: unknown keys are refused, values never stand in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

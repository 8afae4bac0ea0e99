"""The table of what became of callbacks; `tables` names it with all others."""

from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field

from mappings.types import TableBase, UtcDateTime


class Callback(TableBase, table=True):
    """What became of an account's callbacks, by outcome: accepted, or why it was refused. No word of what they held."""

    account: str = Field(primary_key=True)
    outcome: str = Field(primary_key=True)  # "" when accepted
    count: int = 0
    remedy: str = Field(default="{}", sa_column=Column(Text, nullable=False, server_default="{}"))  # by language
    since: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))

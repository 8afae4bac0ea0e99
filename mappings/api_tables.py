"""The table of the API: who may call it."""

from datetime import datetime

from sqlmodel import Field

from mappings.columns import moment
from mappings.types import TableBase


class ApiToken(TableBase, table=True):
    """A token by its hash; `scopes` are words parted by blanks. `used_at` is its last use, give or take minutes."""

    __tablename__ = "api_token"

    name: str = Field(primary_key=True)
    hash: str = Field(unique=True)
    scopes: str
    created_at: datetime = Field(sa_column=moment())
    expires_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    used_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))

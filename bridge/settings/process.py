"""The tables of the whole process: `[bridge]`, `[engine]`, `[tickets]`, `[replies]`, `[retention]`."""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from bridge.contract import Duration, check_url
from bridge.settings.calendars import known_zone
from bridge.settings.section import Section


class BridgeSettings(Section):
    """`[bridge]`: what the whole process needs."""

    public_url: str
    database_url: str = "sqlite+aiosqlite:///bridge.db"
    media_dir: Path = Path("media")
    keep_free: int = Field(default=256 * 2**20, ge=0)
    secret_key: SecretStr
    language: Literal["en", "zh"] = "en"
    timezone: str = ""
    api_token: SecretStr = SecretStr("")
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            try:
                ip_network(entry)
            except ValueError:
                raise ValueError(f"{entry!r} is no address or network such as 127.0.0.1 or 10.0.0.0/8") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return known_zone(value) if value else value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        return check_url(value.rstrip("/"), allow_insecure=True, key="public_url")

    @field_validator("secret_key")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 16:
            raise ValueError("needs at least 16 characters; make one with `openssl rand -hex 32`")
        return value

    @field_validator("api_token")
    @classmethod
    def _long_or_none(cls, value: SecretStr) -> SecretStr:
        return cls._long(value) if value.get_secret_value() else value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if not value.startswith(("sqlite", "postgresql")):
            raise ValueError("must start with sqlite+aiosqlite:/// or postgresql+psycopg://")
        if value.startswith("sqlite"):
            return "sqlite" + value[value.index(":") :]
        return "postgresql+psycopg" + value[value.index(":") :]


class EngineSettings(Section):
    """`[engine]`: how patient and how busy the engine is."""

    reconcile_every: Duration = timedelta(seconds=60)
    request_timeout: Duration = timedelta(seconds=10)
    backoff_max: Duration = timedelta(minutes=5)
    lease: Duration = timedelta(seconds=60)
    settle: Duration = timedelta(seconds=30)
    breaker_pause: Duration = timedelta(seconds=30)
    workers: int = Field(default=8, ge=1, le=256)


class TicketSettings(Section):
    """`[tickets]`: how conversations become tickets."""

    reopen_within: Duration = timedelta(days=7)
    rules: bool = False


class RepliesSettings(Section):
    """`[replies]`: what happens around the reply allowance of a channel."""

    try_for: Duration = timedelta(minutes=10)
    give_up_after: Duration = timedelta(days=7)
    join_below: int = Field(default=2, ge=0)
    join_within: Duration = timedelta(seconds=5)
    warn_before: Duration = timedelta(hours=4)
    tags: bool = True


class RetentionSettings(Section):
    """`[retention]`: how long things are kept."""

    payloads: Duration = timedelta(days=14)
    keys: Duration = timedelta(days=90)
    steps: Duration = timedelta(days=90)
    media: Duration = timedelta(days=30)
    links_valid: Duration = timedelta(days=7)
    facts: Duration = timedelta(days=400)
    records: Duration = timedelta(days=400)
    audit: Duration = timedelta(days=400)

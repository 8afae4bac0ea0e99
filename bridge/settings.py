"""The configuration: a TOML file, overridden by the environment, validated with the path of every fault."""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bridge.contract import Duration, check_url
from bridge.contract.described import model_of

DEFAULT_PATH = "config.toml"
OPENING_HOURS = (
    r"(?P<first>mon|tue|wed|thu|fri|sat|sun)(?:-(?P<last>mon|tue|wed|thu|fri|sat|sun))?\s+"
    r"(?P<from>(?:[01]\d|2[0-3]):[0-5]\d)-(?P<to>(?:[01]\d|2[0-3]):[0-5]\d|24:00)"
)
_NAME = r"^[a-z0-9][a-z0-9_-]{0,31}$"


class ConfigError(Exception):
    """Faults in the configuration, one line each: `file: key.path: what is wrong and what to do`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class BridgeSettings(_Section):
    """`[bridge]`: what the whole process needs."""

    public_url: str
    database_url: str = "sqlite+aiosqlite:///bridge.db"
    media_dir: Path = Path("media")
    secret_key: SecretStr
    language: Literal["en", "zh"] = "en"
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


class EngineSettings(_Section):
    """`[engine]`: how patient and how busy the engine is."""

    reconcile_every: Duration = timedelta(seconds=60)
    request_timeout: Duration = timedelta(seconds=10)
    backoff_max: Duration = timedelta(minutes=5)
    lease: Duration = timedelta(seconds=60)
    settle: Duration = timedelta(seconds=30)
    breaker_pause: Duration = timedelta(seconds=30)
    workers: int = Field(default=8, ge=1, le=256)


class TicketSettings(_Section):
    """`[tickets]`: how conversations become tickets."""

    reopen_within: Duration = timedelta(days=7)


class RepliesSettings(_Section):
    """`[replies]`: what happens around the reply allowance of a channel."""

    try_for: Duration = timedelta(minutes=10)
    give_up_after: Duration = timedelta(days=7)
    join_below: int = Field(default=2, ge=0)
    join_within: Duration = timedelta(seconds=5)
    warn_before: Duration = timedelta(hours=4)
    tags: bool = True


class RetentionSettings(_Section):
    """`[retention]`: how long things are kept."""

    payloads: Duration = timedelta(days=14)
    keys: Duration = timedelta(days=90)
    steps: Duration = timedelta(days=90)
    media: Duration = timedelta(days=30)
    links_valid: Duration = timedelta(days=7)


Texts = tuple[str, ...] | dict[str, tuple[str, ...]]


class GreetingSettings(_Section):
    """The texts a customer gets on opening the chat, when nobody has answered meanwhile: a list, or one by language."""

    texts: Texts = ()
    closed_texts: Texts = ()
    hours: str = ""  # "mon-fri 09:00-18:00", in `timezone`
    timezone: str = "Asia/Shanghai"

    @field_validator("texts", "closed_texts")
    @classmethod
    def _two(cls, value: Texts) -> Texts:
        if any(len(texts) > 2 for texts in (value.values() if isinstance(value, dict) else [value])):
            raise ValueError("has more than two texts; opening the chat allows two messages")
        return value

    @field_validator("hours")
    @classmethod
    def _readable(cls, value: str) -> str:
        for span in filter(None, (span.strip() for span in value.lower().split(","))):
            found = re.fullmatch(OPENING_HOURS, span, re.ASCII)
            if found is None:
                raise ValueError(
                    f'{span!r} cannot be read; write days and times such as "mon-fri 09:00-18:00, sat 10:00-14:00"'
                )
            if found["from"] == found["to"]:
                raise ValueError(f"{span!r} begins and ends at the same time; write 00:00-24:00 for the whole day")
        return value

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("is no time zone; write one such as Asia/Shanghai") from None
        return value


class RouteSettings(_Section):
    """`[[routes]]`: the first match wins. `when` compares what is known of the customer's way in, with wildcards."""

    channel: str
    desk: str
    when: dict[str, str] = {}
    group: str | int | None = None
    brand: str | int | None = None
    tags: tuple[str, ...] = ()
    priority: str | int | None = None
    custom_fields: dict[str, Any] = {}
    replies_left_field: str | int | None = None
    window_closes_field: str | int | None = None
    greeting: GreetingSettings | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """What the desk is told about a ticket of this route."""
        found = {"group": self.group, "brand": self.brand, "priority": self.priority}
        fields = {name: value for name, value in found.items() if value is not None}
        return {**fields, "tags": list(self.tags), "custom_fields": self.custom_fields}


class Settings(BaseSettings):
    """All of it. `accounts` are checked a second time by their connector's own `Config`."""

    model_config = SettingsConfigDict(
        env_prefix="BRIDGE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    bridge: BridgeSettings
    accounts: dict[str, dict[str, Any]] = {}
    routes: tuple[RouteSettings, ...] = ()
    engine: EngineSettings = EngineSettings()
    tickets: TicketSettings = TicketSettings()
    replies: RepliesSettings = RepliesSettings()
    retention: RetentionSettings = RetentionSettings()

    @field_validator("accounts")
    @classmethod
    def _names(cls, accounts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name in accounts:
            if re.match(_NAME, name) is None:
                raise ValueError(f"{name!r} is no account name: use lower-case letters, digits, - and _")
        return accounts

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file."""
        short = InitSettingsSource(settings_cls, {"bridge": _short_names()})
        return short, env_settings, init_settings


def find_config(path: str | None) -> Path:
    """Where the configuration is: the option, `$BRIDGE_CONFIG`, or ./config.toml."""
    return Path(path or os.environ.get("BRIDGE_CONFIG") or DEFAULT_PATH)


def load_settings(path: Path) -> Settings:
    """Reads and validates the configuration. Raises ConfigError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError([f"{path}: no such file; name one with --config or $BRIDGE_CONFIG"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from None
    if isinstance(content.get("bridge"), dict):
        content["bridge"] = read_secret_files(content["bridge"], set(BridgeSettings.model_fields), path, "bridge")
    try:
        return Settings(**content)
    except ValidationError as error:
        raise ConfigError(explain(error, path, model=Settings)) from None


def read_secret_files(section: Mapping[str, Any], keys: set[str], path: Path, where: str) -> dict[str, Any]:
    """Replaces `name_file = "/run/secrets/…"` by `name` with the file's content."""
    result = dict(section)
    for key, value in section.items():
        name = key.removesuffix("_file")
        if name == key or key in keys or name not in keys or not isinstance(value, str):
            continue
        del result[key]
        try:
            result[name] = Path(value).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError([f"{path}: {where}.{key}: {value} cannot be read ({type(error).__name__})"]) from None
    return result


def explain(error: ValidationError, path: Path, prefix: str = "", model: type[BaseModel] | None = None) -> list[str]:
    """One line for each fault, with the key's path and no value in it. `model` knows the keys that may be meant."""
    lines = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        where = ".".join(str(part) for part in (*([prefix] if prefix else []), *fault["loc"]))
        meant = _meant(model, fault["loc"]) if fault["type"] == "extra_forbidden" else ""
        lines.append(f"{path}: {where or 'configuration'}: {_say(fault, where)}{meant}")
    return lines


def nearest(given: object, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for what is nearly a known word, else nothing."""
    found = get_close_matches(str(given).casefold(), list(known), 1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _meant(model: type[BaseModel] | None, loc: Sequence[int | str]) -> str:
    """Which key of the table may be meant; one of a connector's secrets may also come from a file."""
    for part in loc[:-1]:
        field = model.model_fields.get(str(part)) if model is not None else None
        model = model_of(field.annotation) if field is not None else model  # a list's place, a table's own name
    return nearest(loc[-1], model.model_fields) if model is not None else ""


def _say(fault: Any, where: str) -> str:
    if fault["type"] == "missing":
        return f"is missing; set it there or as {_variable(where)}"
    if fault["type"] == "extra_forbidden":
        return "is not a known key"
    text: str = fault["msg"]
    return text.removeprefix("Value error, ")


def _variable(where: str) -> str:
    name = where.removeprefix("bridge.") if where.count(".") == 1 else where
    return "BRIDGE_" + name.replace(".", "__").upper()


def _short_names() -> dict[str, str | tuple[str, ...]]:
    """`BRIDGE_SECRET_KEY` for `bridge.secret_key`, and its sisters."""
    found: dict[str, str | tuple[str, ...]] = {}
    for name in BridgeSettings.model_fields:
        value = os.environ.get(f"BRIDGE_{name.upper()}")
        if value is not None:
            found[name] = value if name != "trusted_proxies" else tuple(filter(None, re.split(r"[,\s]+", value)))
    return found

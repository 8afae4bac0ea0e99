"""The configuration: a TOML file, overridden by the environment, validated with the path of every fault."""

import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bridge.contract.described import model_of
from bridge.settings.calendars import CalendarSettings, is_file
from bridge.settings.console import ConsoleSettings
from bridge.settings.events import EventSettings
from bridge.settings.figures import FiguresSettings
from bridge.settings.process import BridgeSettings, EngineSettings, RepliesSettings, RetentionSettings, TicketSettings
from bridge.settings.routes import RouteSettings, numbered
from bridge.settings.targets import TargetSettings
from bridge.settings.topics import TopicSettings

DEFAULT_PATH = "config.toml"
_NO_FILE = (
    "no such file; name one with --config or $BRIDGE_CONFIG, or make one: bridge up (in the browser) or bridge init"
)
_NAME = r"^[a-z0-9][a-z0-9_-]{0,31}$"


class ConfigError(Exception):
    """Faults in the configuration, one line each: `file: key.path: what is wrong and what to do`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


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
    calendars: dict[str, CalendarSettings] = {}
    targets: dict[str, TargetSettings] = {}
    alerts: dict[str, dict[str, Any]] = {}
    topics: tuple[TopicSettings, ...] = ()
    figures: FiguresSettings = FiguresSettings()
    events: tuple[EventSettings, ...] = ()
    console: ConsoleSettings = ConsoleSettings()

    @cached_property
    def routes_version(self) -> str:
        """A short name for the routes as they are: kept with every decision."""
        text = "\n".join(route.model_dump_json() for route in self.routes)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @field_validator("accounts")
    @classmethod
    def _names(cls, accounts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name in accounts:
            if re.match(_NAME, name) is None:
                raise ValueError(f"{name!r} is no account name: use lower-case letters, digits, - and _")
        return accounts

    @field_validator("routes")
    @classmethod
    def _numbered(cls, routes: tuple[RouteSettings, ...]) -> tuple[RouteSettings, ...]:
        return numbered(routes)

    @field_validator("topics")
    @classmethod
    def _once(cls, topics: tuple[TopicSettings, ...]) -> tuple[TopicSettings, ...]:
        names = [one.name for one in topics]
        twice = next((name for place, name in enumerate(names) if name in names[:place]), "")
        if twice:
            raise ValueError(f"two topics are called {twice!r}; write all words into one")
        return topics

    @field_validator("events")
    @classmethod
    def _receivers(cls, events: tuple[EventSettings, ...]) -> tuple[EventSettings, ...]:
        names = [one.receiver for one in events]
        twice = next((name for place, name in enumerate(names) if name in names[:place]), "")
        if twice:
            raise ValueError(f"two receivers are called {twice!r}; give each a `name` of its own")
        return events

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
        raise ConfigError([f"{path}: {_NO_FILE}"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from None
    if isinstance(content.get("bridge"), dict):
        content["bridge"] = read_secret_files(content["bridge"], set(BridgeSettings.model_fields), path, "bridge")
    if isinstance(content.get("events"), list):
        content["events"] = [_with_secrets(one, number, path) for number, one in enumerate(content["events"])]
    if isinstance(content.get("calendars"), dict):
        content["calendars"] = {name: _files_beside(one, path) for name, one in content["calendars"].items()}
    try:
        return Settings(**content)
    except ValidationError as error:
        raise ConfigError(explain(error, path, model=Settings)) from None


def _with_secrets(section: Any, number: int, path: Path) -> Any:
    keys = set(EventSettings.model_fields)
    return read_secret_files(section, keys, path, f"events.{number}") if isinstance(section, dict) else section


def _files_beside(calendar: Any, path: Path) -> Any:
    """A calendar whose files are looked for beside the configuration, with the holidays that were imported there."""
    holidays = calendar.get("holidays") if isinstance(calendar, dict) else None
    if not isinstance(holidays, str) or not holidays:
        return calendar
    if is_file(holidays):
        return {**calendar, "holidays": str(path.parent / holidays)}
    imported = imported_holidays(path, holidays)
    return {"imported": imported, **calendar} if imported.is_file() else calendar


def imported_holidays(path: Path, country: str) -> Path:
    """Where a configuration's imported holidays of a country are."""
    return path.parent / "calendars" / f"{country}.toml"


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

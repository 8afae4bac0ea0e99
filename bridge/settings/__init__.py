"""The configuration: a TOML file, overridden by the environment, validated with the path of every fault."""

from bridge.settings.bots import BotSettings
from bridge.settings.calendars import CalendarSettings, VersionSettings
from bridge.settings.console import ConsoleSettings
from bridge.settings.events import EventSettings
from bridge.settings.figures import FiguresSettings
from bridge.settings.loading import (
    DEFAULT_PATH,
    ConfigError,
    Settings,
    explain,
    find_config,
    load_settings,
    nearest,
    read_secret_files,
)
from bridge.settings.process import BridgeSettings, EngineSettings, RepliesSettings, RetentionSettings, TicketSettings
from bridge.settings.routes import AwaySettings, GreetingSettings, RouteSettings, Texts, WaitingSettings
from bridge.settings.targets import TargetSettings
from bridge.settings.topics import TopicSettings

__all__ = [
    "DEFAULT_PATH",
    "AwaySettings",
    "BotSettings",
    "BridgeSettings",
    "CalendarSettings",
    "ConfigError",
    "ConsoleSettings",
    "EngineSettings",
    "EventSettings",
    "FiguresSettings",
    "GreetingSettings",
    "RepliesSettings",
    "RetentionSettings",
    "RouteSettings",
    "Settings",
    "TargetSettings",
    "Texts",
    "TicketSettings",
    "TopicSettings",
    "VersionSettings",
    "WaitingSettings",
    "explain",
    "find_config",
    "load_settings",
    "nearest",
    "read_secret_files",
]

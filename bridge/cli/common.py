"""What all commands share: the option for the configuration, faults as lines, and transactions beside a server."""

from __future__ import annotations

import os
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bridge.registry import Declared
    from bridge.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

CONFIG = click.option(
    "--config", "config", metavar="PATH", help="The configuration; else $BRIDGE_CONFIG, else ./config.toml."
)


LANGUAGE = click.option(
    "--language",
    type=click.Choice(["en", "zh"]),
    help="Of what it prints; else zh where bridge.language or the terminal ($LANG) is Chinese.",
)


def language_for(asked: str | None, configured: str) -> str:
    """The language to print in: the one asked for, else Chinese where the configuration or the terminal is."""
    if asked:
        return asked
    terminal = next(filter(None, (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if "zh" in {configured, terminal[:2].lower()} else "en"


class Fault(click.ClickException):
    """A fault that the reader can mend: one line on standard error."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(self.message, err=True)


class BadConfig(Fault):
    """A fault in the configuration."""

    exit_code = 2


def guarded(command: Callable[P, T]) -> Callable[P, T]:
    """Turns the errors that a reader can mend into lines and exit codes: never a traceback for bad input."""

    @wraps(command)
    def run(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return command(*arguments, **named)
        except click.ClickException:
            raise
        except Exception as error:
            from bridge.settings import ConfigError  # what raised one of these has imported them
            from mappings.engines import StoreUnusable

            if isinstance(error, ConfigError):
                raise BadConfig("\n".join(error.faults)) from None
            if isinstance(error, StoreUnusable):
                raise Fault(str(error)) from None
            raise

    return run


def read_config(config: str | None, *, serving: bool = False) -> tuple[Settings, dict[str, Declared], Path]:
    """The validated configuration. Raises ConfigError. See `declare_accounts` for `serving`."""
    from bridge.alerts.receivers import declare_alerts
    from bridge.registry import declare_accounts
    from bridge.settings import find_config, load_settings

    path = find_config(config)
    settings = load_settings(path)
    declared = declare_accounts(settings, path, serving=serving)
    declare_alerts(settings, path)
    return settings, declared, path


def reading(config: str | None, function: Callable[..., T], *arguments: Any) -> T:
    """Runs a reading function beside a serving process. A fault in an account's keys hides no message."""
    from bridge.settings import find_config, load_settings
    from mappings.cli_access import open_reader

    settings = load_settings(find_config(config))
    with open_reader(settings.bridge.database_url) as tx:
        return function(tx, *arguments)


def writing(config: str | None, function: Callable[..., T], *arguments: Any) -> T:
    """Runs a short writing transaction, also beside a serving process."""
    from bridge.settings import find_config, load_settings
    from mappings.cli_access import open_writer

    settings = load_settings(find_config(config))
    with open_writer(settings.bridge.database_url) as tx:
        return function(tx, *arguments)

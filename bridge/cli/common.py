"""What all commands share: the option for the configuration, faults as lines, and transactions beside a server."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from bridge.registry import Declared, declare_accounts
from bridge.settings import ConfigError, Settings, find_config, load_settings
from mappings.store import StoreUnusable

P = ParamSpec("P")
T = TypeVar("T")

CONFIG = click.option(
    "--config", "config", metavar="PATH", help="The configuration; else $BRIDGE_CONFIG, else ./config.toml."
)


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
        except ConfigError as error:
            raise BadConfig("\n".join(error.faults)) from None
        except StoreUnusable as error:
            raise Fault(str(error)) from None

    return run


def read_config(config: str | None) -> tuple[Settings, dict[str, Declared], Path]:
    """The validated configuration. Raises ConfigError."""
    path = find_config(config)
    settings = load_settings(path)
    return settings, declare_accounts(settings, path), path


def reading(config: str | None, function: Callable[..., T], *arguments: Any) -> T:
    """Runs a reading function beside a serving process."""
    from mappings.cli_access import open_reader

    settings, _, _ = read_config(config)
    with open_reader(settings.bridge.database_url) as tx:
        return function(tx, *arguments)


def writing(config: str | None, function: Callable[..., T], *arguments: Any) -> T:
    """Runs a short writing transaction, also beside a serving process."""
    from mappings.cli_access import open_writer

    settings, _, _ = read_config(config)
    with open_writer(settings.bridge.database_url) as tx:
        return function(tx, *arguments)

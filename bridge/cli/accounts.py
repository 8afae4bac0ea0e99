"""Commands that reach out: proving accounts, setting up vendors, signing agents in."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from bridge.app import Bridge
from bridge.cli.common import Fault, read_config
from bridge.console.texts import say
from bridge.contract import AuthFailed, Connector, KeepsAgents, SetsUp, SetUpChange, SignsIn, in_language
from bridge.registry import Declared
from bridge.settings import ConfigError, Settings, nearest
from mappings.schema import migrate

T = TypeVar("T")


@asynccontextmanager
async def opened(settings: Settings, declared: dict[str, Declared]) -> AsyncIterator[Bridge]:
    """The accounts, with what the bridge lends them. Makes the tables where there are none yet."""
    bridge = Bridge(settings, declared)
    if bridge.store.sqlite and not bridge.store.path.exists():
        bridge.store.open()
        migrate(bridge.store)
        bridge.store.close()
    async with bridge.beside():
        yield bridge


def account_of(bridge: Bridge, name: str, path: Path, kind: str = "") -> Connector[Any]:
    """The connector of an account. Raises ConfigError."""
    connected = bridge.runtime.accounts.get(name)
    if connected is None:
        raise ConfigError([no_account(name, bridge.runtime.accounts, path)])
    if kind and connected.config.kind != kind:
        raise ConfigError([f"{path}: accounts.{name}.kind: is {connected.config.kind!r}, not {kind!r}"])
    return connected.connector


def no_account(name: str, accounts: Collection[str], path: Path) -> str:
    """The fault of a name that no account has."""
    known = ", ".join(accounts) or "none"
    return f"{path}: accounts.{name}: there is no such account; accounts: {known}{nearest(name, accounts)}"


async def set_up(connector: Connector[Any], *, remove: bool, agreed: bool, language: str = "en") -> bool:
    """Shows what the vendor's side needs, and does it after a yes. False: nothing was done.

    Raises AuthFailed for credentials that are refused: what could be done by hand would then lead nowhere.
    """
    if not isinstance(connector, SetsUp):
        click.echo(say(language, "setting.nothing"))
        return True
    refused = [problem for problem in (await connector.check()).problems if problem.credentials]
    if refused:
        raise AuthFailed("{}. {}".format(*refused[0].say(language)))
    changes = await connector.plan(remove=remove)
    if not changes:
        click.echo(say(language, "account.complete"))
        return True
    for number, change in enumerate(changes, 1):
        hand = "" if change.apply else say(language, "setting.by_hand")
        click.echo(f"{number}. {hand}{change.say(language)}")
        _echo_keys(change)
    doable = [change for change in changes if change.apply is not None]
    if not doable:
        return True
    if not agreed and not click.confirm(say(language, "setting.sure"), default=False):
        return False
    for change in doable:
        assert change.apply is not None
        click.echo(f"✓ {in_language(await change.apply(), language)}")
    shown = {change.text for change in changes}
    for change in await connector.plan(remove=remove):
        if change.text not in shown:  # what could be said only now
            click.echo(say(language, "setting.by_hand") + change.say(language))
            _echo_keys(change)
    return True


def _echo_keys(change: SetUpChange) -> None:
    """What belongs into the configuration, ready to paste: a secret among it can be had nowhere else."""
    for key, value in change.keys.items():
        click.echo(f"       {key} = {json.dumps(value)}")


async def sign_in(connector: Connector[Any], name: str, password: str) -> None:
    """A sign-in for an agent of a desk that has agents of its own."""
    if not isinstance(connector, SignsIn):
        raise click.UsageError("this account has no agents of its own")
    await connector.add_agent(name, password)


async def agents_of(connector: Connector[Any]) -> list[str]:
    """Who may sign in at a desk that has agents of its own."""
    return list(await _keeper(connector).agents())


async def sign_out_for_good(connector: Connector[Any], name: str) -> None:
    """Takes a sign-in away. Raises ValueError."""
    await _keeper(connector).remove_agent(name)


async def new_password(connector: Connector[Any], name: str, password: str) -> None:
    """Another password for a sign-in that is there; whoever is signed in with the old one has to sign in again."""
    known = await agents_of(connector)
    if name.casefold() not in {one.casefold() for one in known}:
        raise ValueError(f"there is no agent {name}; there are: {', '.join(known) or 'nobody'}")
    await sign_in(connector, name, password)


def _keeper(connector: Connector[Any]) -> KeepsAgents:
    if not isinstance(connector, KeepsAgents):
        raise click.UsageError("this account has no agents of its own")
    return connector


def asked(password: str | None) -> str:
    """The password that was given, or the answer to a question."""
    if password is None:
        password = click.prompt("Password", hide_input=sys.stdin.isatty(), confirmation_prompt=sys.stdin.isatty())
    return str(password)


def with_account(config: str | None, name: str, act: Callable[[Connector[Any]], Coroutine[Any, Any, T]]) -> T:
    """Does something with one configured account, beside a process that serves."""
    settings, declared, path = read_config(config)

    async def run() -> T:
        async with opened(settings, declared) as bridge:
            return await act(account_of(bridge, name, path))

    try:
        return asyncio.run(run())
    except ValueError as error:
        raise Fault(str(error)) from None

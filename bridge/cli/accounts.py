"""Commands that reach out: proving accounts, setting up vendors, signing agents in."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from bridge.app import Bridge
from bridge.contract import AuthFailed, Connector, SetsUp, SignsIn
from bridge.registry import Declared
from bridge.settings import ConfigError, Settings, nearest
from mappings.schema import migrate


@asynccontextmanager
async def lent(settings: Settings, declared: dict[str, Declared]) -> AsyncIterator[Bridge]:
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


async def set_up(connector: Connector[Any], *, remove: bool, agreed: bool) -> bool:
    """Shows what the vendor's side needs, and does it after a yes. False: nothing was done.

    Raises AuthFailed for credentials that are refused: what could be done by hand would then lead nowhere.
    """
    if not isinstance(connector, SetsUp):
        click.echo("Nothing to set up at this vendor: see the connector's README.")
        return True
    refused = [problem for problem in (await connector.check()).problems if problem.credentials]
    if refused:
        raise AuthFailed(f"{refused[0].what}. {refused[0].remedy}")
    changes = await connector.plan(remove=remove)
    if not changes:
        click.echo("Everything is as it should be.")
        return True
    for number, change in enumerate(changes, 1):
        click.echo(f"{number}. {'' if change.apply else 'By hand: '}{change.text}")
    doable = [change for change in changes if change.apply is not None]
    if not doable:
        return True
    if not agreed and not click.confirm("Do this?", default=False):
        return False
    for change in doable:
        assert change.apply is not None
        click.echo(f"✓ {await change.apply()}")
    return True


async def sign_in(connector: Connector[Any], name: str, password: str) -> None:
    """A sign-in for an agent of a desk that has agents of its own."""
    if not isinstance(connector, SignsIn):
        raise click.UsageError("this account has no agents of its own")
    await connector.add_agent(name, password)

"""Commands that reach out: proving accounts, setting up vendors, signing agents in, writing a first configuration."""

import secrets
import string
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from bridge.app import Bridge
from bridge.contract import Connector, ConnectorError, SetsUp, SignsIn
from bridge.registry import Declared
from bridge.settings import ConfigError, Settings
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
        known = ", ".join(bridge.runtime.accounts)
        raise ConfigError([f"{path}: accounts.{name}: there is no such account; accounts: {known}"])
    if kind and connected.config.kind != kind:
        raise ConfigError([f"{path}: accounts.{name}.kind: is {connected.config.kind!r}, not {kind!r}"])
    return connected.connector


async def examine(bridge: Bridge, only: str | None) -> dict[str, dict[str, Any]]:
    """Proves each account: by name what is wrong with its remedy, and facts worth knowing."""
    found: dict[str, dict[str, Any]] = {}
    for name, connected in bridge.runtime.accounts.items():
        if only is not None and name != only:
            continue
        try:
            health = await connected.connector.check()
        except ConnectorError as error:
            remedy = "Check the address, the network and the vendor's status; then run this again."
            found[name] = {"ok": False, "facts": {}, "problems": [{"what": error.message, "remedy": remedy}]}
            continue
        problems = [problem.model_dump() for problem in health.problems]
        found[name] = {"ok": health.ok, "facts": health.facts, "problems": problems}
    return found


def examined_text(found: dict[str, dict[str, Any]]) -> str:
    """The same for people."""
    lines = []
    for name, one in found.items():
        facts = ", ".join(f"{key} {value}" for key, value in one["facts"].items())
        lines.append(f"[{'✓' if one['ok'] else '✗'}] {name}  {facts}".rstrip())
        for problem in one["problems"]:
            lines += [f"    ✗ {problem['what']}", f"      {problem['remedy']}"]
    wrong = sum(not one["ok"] for one in found.values())
    lines.append(f"{len(found) - wrong} of {len(found)} accounts are well.")
    return "\n".join(lines)


async def set_up(connector: Connector[Any], *, remove: bool, agreed: bool) -> bool:
    """Shows what the vendor's side needs, and does it after a yes. False: nothing was done."""
    if not isinstance(connector, SetsUp):
        click.echo("Nothing to set up at this vendor: see the connector's README.")
        return True
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


def first_config(public_url: str) -> str:
    """A commented configuration with generated keys, for one mini program and one desk to be filled in."""
    key = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(43))
    token = secrets.token_hex(16)
    template = (Path(__file__).parent / "first_config.toml").read_text("utf-8")
    made = {"secret": secrets.token_hex(32), "hook": secrets.token_hex(32)}
    return template.format(url=public_url, token=token, key=key, **made)

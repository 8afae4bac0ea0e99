"""Commands about who may sign in to the console."""

import asyncio
import sys
from datetime import UTC, datetime

import click

from bridge.cli.common import CONFIG, Fault, guarded, writing


@click.group()
def console() -> None:
    """The pages for those who run the bridge, at /console/."""


@console.command(name="add-user")
@click.argument("name")
@click.option("--role", type=click.Choice(["admin", "operator", "viewer"]), required=True)
@click.option("--password", envvar="BRIDGE_CONSOLE_PASSWORD", help="Else it is asked for, or read from standard input.")
@CONFIG
@guarded
def add_user(name: str, role: str, password: str | None, config: str | None) -> None:
    """A sign-in for the console, or a new password and role for one; its sessions end."""
    from bridge.console.users import new_digest, set_user
    from bridge.settings import find_config, load_settings
    from mappings.schema import make_ready

    settings = load_settings(find_config(config))
    if password is None:
        password = click.prompt("Password", hide_input=sys.stdin.isatty(), confirmation_prompt=sys.stdin.isatty())
    try:
        digest = asyncio.run(new_digest(name, str(password), role))
    except ValueError as error:
        raise Fault(str(error)) from None
    make_ready(settings.bridge.database_url)
    new = writing(config, set_user, name, role, digest, "command line", datetime.now(UTC))
    done = "can sign in" if new else "has a new password and can sign in"
    click.echo(f"{name} ({role}) {done} at {settings.bridge.public_url}/console/")

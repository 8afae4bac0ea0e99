"""`bridge api`: who may call `/api/`."""

import hashlib
import json
import secrets
from datetime import UTC, datetime

import click

from bridge.cli.common import CONFIG, Fault, guarded, reading, writing

SCOPES = ("read", "send", "context", "figures")


@click.group(name="api")
def api() -> None:
    """Tokens of the API for your own systems."""


@api.command(name="add-token")
@click.argument("name")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="Again for each one.")
@CONFIG
@guarded
def add_token_command(name: str, scopes: tuple[str, ...], config: str | None) -> None:
    """Makes a token and shows it once; only its hash is kept."""
    from bridge.settings import find_config, load_settings
    from mappings.api_tokens import add_token
    from mappings.schema import make_ready

    if not name.isprintable() or not 0 < len(name) <= 64:
        raise Fault("NAME: 1 to 64 printable characters")
    make_ready(load_settings(find_config(config)).bridge.database_url)
    token = f"bridge_{secrets.token_urlsafe(32)}"
    words = " ".join(scope for scope in SCOPES if scope in scopes)
    digest = hashlib.sha256(token.encode()).hexdigest()
    if not writing(config, add_token, name, digest, words, datetime.now(UTC)):
        raise Fault(f"there is a token {name!r} already; revoke it first: bridge api revoke {name}")
    click.echo(token)
    click.echo(f"{name} may: {words}. The token is shown this once.", err=True)


@api.command(name="list")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def list_command(config: str | None, as_json: bool) -> None:
    """The tokens' names, scopes and ages, never the tokens."""
    from mappings.api_tokens import tokens

    rows = reading(config, tokens)
    if as_json:
        shown = [
            {"name": row.name, "scopes": row.scopes.split(), "created": f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}"}
            for row in rows
        ]
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row.name}  {row.scopes}  {row.created_at:%Y-%m-%d}")
    if not rows:
        click.echo("there is no token; make one: bridge api add-token NAME --scope read")


@api.command(name="revoke")
@click.argument("name")
@CONFIG
@guarded
def revoke_command(name: str, config: str | None) -> None:
    """Ends a token at once."""
    from mappings.api_tokens import revoke_token

    if not writing(config, revoke_token, name, datetime.now(UTC)):
        raise Fault(f"there is no token {name!r}; see: bridge api list")
    click.echo(f"{name} may no longer call the API")

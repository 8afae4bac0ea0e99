"""`bridge api`: who may call `/api/`."""

import hashlib
import json
import secrets
from datetime import UTC, datetime, timedelta

import click

from bridge.cli.common import CONFIG, Fault, guarded, reading, writing

SCOPES = ("read", "send", "context", "figures")


@click.group(name="api")
def api() -> None:
    """Tokens of the API for your own systems."""


@api.command(name="add-token")
@click.argument("name")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="Again for each one.")
@click.option("--expires", default="400d", show_default=True, help="How long it opens anything: 90d, 12h, or never.")
@CONFIG
@guarded
def add_token_command(name: str, scopes: tuple[str, ...], expires: str, config: str | None) -> None:
    """Makes a token and shows it once; only its hash is kept."""
    from bridge.settings import find_config, load_settings
    from mappings.api_tokens import add_token
    from mappings.schema import make_ready

    if not name.isprintable() or not 0 < len(name) <= 64:
        raise Fault("NAME: 1 to 64 printable characters")
    now = datetime.now(UTC)
    until = _until(expires, now)
    make_ready(load_settings(find_config(config)).bridge.database_url)
    token = f"bridge_{secrets.token_urlsafe(32)}"
    words = " ".join(scope for scope in SCOPES if scope in scopes)
    digest = hashlib.sha256(token.encode()).hexdigest()
    if not writing(config, add_token, name, digest, words, now, until):
        raise Fault(f"there is a token {name!r} already; revoke it first: bridge api revoke {name}")
    click.echo(token)
    ends = f"until {until:%Y-%m-%d}" if until is not None else "without end"
    click.echo(f"{name} may: {words}, {ends}. The token is shown this once.", err=True)


def _until(text: str, now: datetime) -> datetime | None:
    from bridge.contract.durations import parse_duration

    if text == "never":
        return None
    try:
        length = parse_duration(text)
    except ValueError:
        length = timedelta(0)
    if not timedelta(minutes=1) <= length <= timedelta(days=3650):
        raise Fault("--expires: write how long, such as 90d or 12h, at most 3650d; or never")
    return now + length


@api.command(name="list")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def list_command(config: str | None, as_json: bool) -> None:
    """The tokens' names, scopes, ages and last uses, never the tokens."""
    from mappings.api_tokens import tokens

    now = datetime.now(UTC)
    rows = reading(config, tokens)
    if as_json:
        shown = [
            {
                "name": row.name,
                "scopes": row.scopes.split(),
                "created": _time(row.created_at),
                "expires": _time(row.expires_at),
                "last_used": _time(row.used_at),
            }
            for row in rows
        ]
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    for row in rows:
        ends = "no end" if row.expires_at is None else f"ends {row.expires_at:%Y-%m-%d}"
        ends = "ENDED" if row.expires_at is not None and row.expires_at <= now else ends
        used = f"last used {row.used_at:%Y-%m-%d %H:%M} UTC" if row.used_at is not None else "never used"
        click.echo(f"{row.name}  {row.scopes}  made {row.created_at:%Y-%m-%d}, {ends}, {used}")
    if not rows:
        click.echo("there is no token; make one: bridge api add-token NAME --scope read")


def _time(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment is not None else None


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

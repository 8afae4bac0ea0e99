"""The command line. Results go to standard output, logs to standard error, faults as one line each.

A command imports what it needs when it runs: all of the bridge takes a second, `--version` should not.
"""

import asyncio
import json
import sys
from pathlib import Path

import click

from bridge import __version__
from bridge.cli.access import console
from bridge.cli.api_tokens import api
from bridge.cli.bots import bot
from bridge.cli.calendars import calendar
from bridge.cli.common import CONFIG, LANGUAGE, BadConfig, Fault, guarded, language_for, read_config, reading
from bridge.cli.desk import desk
from bridge.cli.entries import entry
from bridge.cli.events import events
from bridge.cli.figures import figures
from bridge.cli.privacy import erase_person, export_person
from bridge.cli.repairs import dead, people
from bridge.cli.routes import routes
from bridge.cli.up import up


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bridge")
def main() -> None:
    """One conversation on both sides: customers where they write, agents in the helpdesk they have."""


main.add_command(api)
main.add_command(console)
main.add_command(desk)
main.add_command(up)
main.add_command(bot)
main.add_command(dead)
main.add_command(people)
main.add_command(calendar)
main.add_command(routes)
main.add_command(entry)
main.add_command(figures)
main.add_command(events)
main.add_command(export_person)
main.add_command(erase_person)


@main.command()
@CONFIG
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option("--no-work", is_flag=True, help="Take callbacks only; another process does the work (PostgreSQL).")
@click.option("--no-migrate", is_flag=True, help="Do not bring the tables up to date first.")
@guarded
def serve(config: str | None, host: str, port: int, no_work: bool, no_migrate: bool) -> None:
    """Web and workers in one process. Ends within 10 s of SIGTERM, after what is in hand is finished."""
    from structlog import get_logger

    from bridge.app import Bridge
    from bridge.published import published_secrets
    from bridge.route_checks import wrong_routes
    from bridge.serve import run_again
    from bridge.telemetry import set_up_logging

    def make() -> Bridge:
        settings, declared, path = read_config(config, serving=True)
        for fault in published_secrets(settings, declared, path):
            get_logger("bridge.serve").warning("published secret", why=fault)
        for fault in wrong_routes(settings, declared, path):
            get_logger("bridge.serve").warning("route asks for what cannot be", why=fault)
        return Bridge(settings, declared, work=not no_work, config=path)

    set_up_logging()
    run_again(make, host, port, bring_up_to_date=not no_migrate)


@main.command()
@CONFIG
@guarded
def work(config: str | None) -> None:
    """Workers only, beside `serve --no-work` (PostgreSQL)."""
    from bridge.app import Bridge
    from bridge.serve import run_workers
    from bridge.settings import ConfigError
    from bridge.telemetry import set_up_logging

    set_up_logging()
    settings, declared, path = read_config(config, serving=True)
    if settings.bridge.database_url.startswith("sqlite"):
        raise ConfigError([f"{path}: bridge.database_url: `bridge work` needs PostgreSQL; SQLite serves one process"])
    run_workers(Bridge(settings, declared))


@main.command()
@CONFIG
@click.option("--json", "as_json", is_flag=True)
def check(config: str | None, as_json: bool) -> None:
    """Reads the configuration and names every fault. Touches no network and no database."""
    from datetime import UTC, datetime

    from bridge.advice import warnings
    from bridge.published import published_secrets
    from bridge.registry import trial_faults, unrouted
    from bridge.route_checks import wrong_routes
    from bridge.settings import ConfigError

    faults: list[str] = []
    advice: list[str] = []
    try:
        settings, declared, path = read_config(config)
        faults = published_secrets(settings, declared, path) + wrong_routes(settings, declared, path)
        faults += trial_faults(settings, declared, path)
        configs = {name: one.config for name, one in declared.items()}
        advice = [f"{path}: {line}" for line in warnings(settings, configs, datetime.now(UTC).date())]
        advice += [
            f"{path}: accounts.{name}: no route names it: conversations get there only when somebody moves them"
            for name in unrouted(settings, declared)
        ]
    except ConfigError as error:
        faults = error.faults
    if as_json:
        click.echo(json.dumps({"ok": not faults, "faults": faults, "warnings": advice}, ensure_ascii=False))
    elif faults:
        click.echo("\n".join([*faults, *advice]), err=True)
    else:
        for line in advice:
            click.echo(f"warning: {line}", err=True)
        kinds = ", ".join(f"{name} ({one.config.kind})" for name, one in declared.items())
        click.echo(f"{path}: ok. Accounts: {kinds or 'none'}. Routes: {len(settings.routes)}.")
    sys.exit(2 if faults else 0)


@main.command(name="migrate")
@CONFIG
@guarded
def migrate_command(config: str | None) -> None:
    """Brings the tables up to date."""
    from bridge.app import Bridge
    from mappings.schema import migrate

    settings, declared, _ = read_config(config)
    bridge = Bridge(settings, declared)
    bridge.store.open()
    try:
        before, after = migrate(bridge.store)
    finally:
        bridge.store.close()
    click.echo(f"already at {after}" if before == after else f"{before or 'empty'} → {after}")


@main.command()
@click.option("--json", "as_json", is_flag=True)
def connectors(as_json: bool) -> None:
    """The installed connectors and what each can do."""
    from bridge.cli.capabilities import matrix_rows, matrix_text

    click.echo(json.dumps(matrix_rows(), ensure_ascii=False, indent=2) if as_json else matrix_text())


@main.command()
@CONFIG
@click.option("--account", "only", metavar="NAME", help="Only this one.")
@click.option("--json", "as_json", is_flag=True)
@LANGUAGE
@guarded
def doctor(config: str | None, only: str | None, as_json: bool, language: str | None) -> None:
    """Proves this machine and each account. Prints a remedy for each fault; exit 0, or 1."""
    from bridge.cli.accounts import no_account
    from bridge.doctor import Doctor
    from bridge.findings import checks_text
    from bridge.settings import ConfigError

    settings, declared, path = read_config(config)
    if only is not None and only not in declared:
        raise ConfigError([no_account(only, declared, path)])
    spoken = language_for(language or ("en" if as_json else None), settings.bridge.language)
    found = asyncio.run(Doctor(settings, declared, path, spoken).run(only))
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else checks_text(found, spoken))
    sys.exit(0 if all(one["ok"] for one in found.values()) else 1)


@main.command()
@click.argument("kind")
@click.option("--account", "name", metavar="NAME", required=True)
@click.option("--remove", is_flag=True, help="Take away what was set up.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@CONFIG
@LANGUAGE
@guarded
def setup(kind: str, name: str, remove: bool, yes: bool, config: str | None, language: str | None) -> None:
    """Creates or repairs what the vendor's side needs (webhook, trigger, fields). Shows the plan first."""
    from bridge.cli.accounts import account_of, opened, set_up
    from bridge.contract import ConnectorError

    settings, declared, path = read_config(config)

    async def run() -> bool:
        async with opened(settings, declared) as bridge:
            spoken = language_for(language, settings.bridge.language)
            return await set_up(account_of(bridge, name, path, kind), remove=remove, agreed=yes, language=spoken)

    try:
        done = asyncio.run(run())
    except ConnectorError as error:
        raise Fault(f"accounts.{name}: {error.message}") from None
    sys.exit(0 if done else 1)


@main.command()
@click.option("--config", "config", metavar="PATH", default="config.toml", show_default=True)
@click.option("--public-url", prompt="The address that platforms reach", metavar="URL")
@click.option("--channel", default="", metavar="KIND", help="Where customers write; `bridge connectors` lists kinds.")
@click.option("--desk", default="", metavar="KIND", help="Where agents answer.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of its comments.")
@guarded
def init(config: str, public_url: str, channel: str, desk: str, language: str) -> None:
    """Writes a first configuration with generated keys, for any installed kinds. Never overwrites."""
    from bridge.first_config import first_config
    from mappings.private import private_maker

    path = Path(config)
    text = first_config(public_url.rstrip("/"), channel=channel, desk=desk, language=language)
    try:
        with open(path, "x", encoding="utf-8", opener=private_maker) as file:
            file.write(text)
    except FileExistsError:
        raise BadConfig(f"{path}: exists already; name another file with --config") from None
    except OSError as error:
        raise BadConfig(f"{path}: cannot be written: {error.strerror}") from None
    click.echo(f"{path} is written. Fill in what is empty, then run: bridge check --config {path}")


@main.command()
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@LANGUAGE
@guarded
def status(config: str | None, as_json: bool, language: str | None) -> None:
    """One screen: accounts with state and reason, what waits, who is about to become unreachable."""
    from bridge.settings import find_config, load_settings
    from bridge.status import status_json, status_text

    settings = load_settings(find_config(config))
    spoken = language_for(language or ("en" if as_json else None), settings.bridge.language)
    found = reading(config, status_json, settings, None, spoken)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else status_text(found, spoken))


@main.command()
@click.argument("identifier", metavar="ID")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def trace(identifier: str, config: str | None, as_json: bool) -> None:
    """Where a message is and why. ID is a message id of either side, a ticket, a conversation or a person."""
    from bridge.cli.trace import trace_json, trace_text

    found = reading(config, trace_json, identifier)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    elif found["links"] or found["raws"]:
        click.echo(trace_text(found))
    if not found["links"] and not found["raws"]:
        raise Fault(f"nothing is known of {identifier!r}")


@main.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option("--data", "folder", metavar="DIR", help="Where to keep its data; else a new temporary folder.")
@click.option("--script", is_flag=True, help="Play a conversation here in the terminal instead of serving pages.")
@click.option("--desk", metavar="KIND", default="", help="The same with an installed desk's own simulator.")
@guarded
def demo(port: int, folder: str | None, script: bool, desk: str) -> None:
    """The whole product with no account anywhere: a simulated platform, the shipped bridge, a web desk."""
    from bridge.demo import run_demo
    from bridge.telemetry import set_up_logging

    set_up_logging(level="WARNING")
    asyncio.run(run_demo(port, folder, script=script, desk=desk))


@main.command(name="new-connector")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(["channel", "desk", "bot"]), help="What it will be.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="A new or empty folder; else bridge-NAME.")
@guarded
def new_connector(name: str, role: str, out: Path | None) -> None:
    """Writes a connector to begin with, a distribution of its own that passes the conformance suite as it comes."""
    from bridge.new_connector import Refused, write_connector

    try:
        folder = write_connector(name, role, out)
    except (Refused, OSError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{folder} is written. Next: cd {folder}; pip install -e '.[testing]'; pytest. Then read its README.md.")

"""`bridge figures`: how long customers waited, what they thought, what was lost."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.common import CONFIG, Fault, guarded, read_config, reading, writing

if TYPE_CHECKING:
    from bridge.figures.period import Period

SINCE = click.option("--since", default="", metavar="D", help="A date, a time, or a length such as 7d.")
UNTIL = click.option("--until", default="", metavar="D", help="The same; now, unless you say otherwise.")


@click.group(invoke_without_command=True)
@SINCE
@UNTIL
@click.option(
    "--by",
    type=click.Choice(
        ["day", "hour", "channel", "desk", "route", "group", "language", "entry", "agent", "week", "month"]
    ),
    help="A row for each.",
)
@click.option("--json", "as_json", is_flag=True)
@CONFIG
@click.pass_context
@guarded
def figures(ctx: click.Context, since: str, until: str, by: str | None, as_json: bool, config: str | None) -> None:
    """Waiting, answers, losses and opinions of a time: the last 7 days, or what you say."""
    if ctx.invoked_subcommand is not None:
        ctx.obj = config
        return
    from bridge.cli.figures_text import figures_text
    from bridge.figures.report import read_report

    asked = _period(config, since, until, hours=by == "hour")
    found = reading(config, read_report, asked, datetime.now(UTC), by or "")
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else figures_text(found))


@figures.command()
@click.option("--what", required=True, type=click.Choice(["turns", "episodes", "ratings", "facts"]))
@click.option("--format", "form", default="csv", show_default=True, type=click.Choice(["csv", "jsonl"]))
@SINCE
@UNTIL
@CONFIG
@click.pass_context
@guarded
def export(ctx: click.Context, what: str, form: str, since: str, until: str, config: str | None) -> None:
    """Rows for a spreadsheet or a BI tool, on standard output. No text of anybody is in them."""
    from bridge.figures.export import wanted, whole
    from bridge.settings import find_config, load_settings

    config = config or ctx.obj
    asked = _period(config, since or "3650d", until)

    rows = wanted(load_settings(find_config(config)), what, form, asked)

    def write(tx: Any) -> None:
        out = sys.stdout.buffer
        for piece in whole(tx, rows):
            out.write(piece.encode())
        out.flush()

    reading(config, write)


@figures.command()
@click.option("--json", "as_json", is_flag=True)
@CONFIG
@click.pass_context
@guarded
def phrases(ctx: click.Context, as_json: bool, config: str | None) -> None:
    """Which words customers say more often than before, counted now."""
    from bridge.figures.phrases import is_installed
    from bridge.figures.rising import rising

    if not is_installed():
        raise Fault("Chinese cannot be cut into words here; install it: pip install 'bridge[topics]'")
    found = [asdict(one) for one in reading(config or ctx.obj, rising, datetime.now(UTC))]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for one in found:
        click.echo(f"{one['phrase']}: {one['n']} conversations in 7 days, {one['before']} in the 28 before")
    if not found:
        click.echo("Nothing that five people say is said more often than before.")


@figures.command()
@click.option("--since", required=True, metavar="D", help="A date, a time, or a length such as 30d.")
@CONFIG
@click.pass_context
@guarded
def rebuild(ctx: click.Context, since: str, config: str | None) -> None:
    """Counts everything since a moment anew, also beside a bridge that serves. The figures are the same afterwards."""
    from bridge.app import Bridge
    from bridge.figures.worker import rebuild as rebuild_all

    config = config or ctx.obj
    asked = _period(config, since, "")
    settings, declared, _ = read_config(config)
    runtime = Bridge(settings, declared).runtime
    count = writing(config, rebuild_all, runtime, asked.since, datetime.now(UTC))
    click.echo(f"{count} conversations counted anew.")


def _period(config: str | None, since: str, until: str, *, hours: bool = False) -> Period:
    from bridge.figures.period import period, zone_of
    from bridge.settings import find_config, load_settings

    zone = zone_of(load_settings(find_config(config)))
    try:
        return period(since, until, zone, datetime.now(UTC), hours=hours)
    except ValueError as error:
        raise Fault(str(error)) from None

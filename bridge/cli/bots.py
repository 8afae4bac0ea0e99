"""`bridge bot`: one question, or a set with expectations."""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from bridge.cli.common import CONFIG, BadConfig, guarded, read_config

if TYPE_CHECKING:
    from bridge.bots.asking import Asked, Expectation


@click.group()
def bot() -> None:
    """Bots that answer before people do."""


@bot.command(name="ask")
@click.argument("name", metavar="NAME")
@click.argument("text", metavar="TEXT")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def ask_command(name: str, text: str, config: str | None, as_json: bool) -> None:
    """Asks once: answer, verdict, time, tokens. Nothing is stored or sent to a customer."""
    (found,) = _ask_all(name, [text], config)
    if as_json:
        click.echo(json.dumps(asdict(found), ensure_ascii=False, indent=2))
    else:
        click.echo(found.text or "-")
        click.echo(_facts(found), err=True)
    sys.exit(1 if found.verdict == "failed" else 0)


@bot.command(name="test")
@click.argument("name", metavar="NAME")
@click.option("--set", "path", metavar="FILE", required=True, help="TOML with [[test]] tables.")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def test_command(name: str, path: str, config: str | None, as_json: bool) -> None:
    """Asks a set of questions; exit 1 when an expectation fails."""
    from bridge.bots.asking import read_set

    try:
        wanted = read_set(Path(path))
    except ValueError as error:
        raise BadConfig(str(error)) from None
    asked = _ask_all(name, [one.question for one in wanted], config)
    faults = [one.faults(found) for one, found in zip(wanted, asked, strict=True)]
    met = sum(not fault for fault in faults)
    if as_json:
        click.echo(json.dumps(_report(wanted, asked, faults), ensure_ascii=False, indent=2))
    else:
        for found, fault in zip(asked, faults, strict=True):
            if fault:
                click.echo(f"✗ {found.question}\n    {'; '.join(fault)}\n    {found.text or '-'}  ({_facts(found)})")
        seconds = median(found.seconds for found in asked)
        tokens = sum(found.tokens for found in asked)
        click.echo(f"{met} of {len(asked)} as expected; median {seconds * 1000:.1f} ms, {tokens} tokens")
    sys.exit(0 if met == len(asked) else 1)


def _report(wanted: "list[Expectation]", asked: "list[Asked]", faults: list[list[str]]) -> dict[str, object]:
    rows = [
        {**asdict(found), "expected": list(one.verdicts), "faults": fault}
        for one, found, fault in zip(wanted, asked, faults, strict=True)
    ]
    return {"ok": not any(faults), "passed": sum(not fault for fault in faults), "total": len(rows), "tests": rows}


def _facts(found: "Asked") -> str:
    more = f", held back: {found.held_back}" if found.held_back else ""
    more += f", {found.reason}" if found.reason else ""
    return f"{found.verdict}, {found.seconds * 1000:.1f} ms, {found.tokens} tokens{more}"


def _ask_all(name: str, texts: list[str], config: str | None) -> "list[Asked]":
    from bridge.bots.asking import ask
    from bridge.cli.accounts import account_of, opened
    from bridge.contract import Role

    settings, declared, path = read_config(config)
    bots = [one for one, found in declared.items() if Role.BOT in found.connector.roles]
    if name not in bots:
        known = ", ".join(bots) or "none"
        raise BadConfig(f"{path}: accounts.{name}: there is no bot of this name; bots: {known}")
    route = next((one.bot for one in settings.routes if one.bot is not None and one.bot.name == name), None)

    async def run() -> "list[Asked]":
        async with opened(settings, declared) as bridge:
            asked = account_of(bridge, name, path)
            return [await ask(asked, text, route) for text in texts]

    return asyncio.run(run())

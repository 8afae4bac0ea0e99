"""Commands about one person: everything as an archive, or gone."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli.common import CONFIG, Fault, guarded, language_for, read_config

if TYPE_CHECKING:
    from bridge.app import Bridge
    from bridge.privacy.erasing import Erased, Plan
    from mappings.store import Store

_WHO = click.option("--person", "identifier", required=True, metavar="ID", help="As `bridge trace` takes it.")
_WAIT = 60.0  # seconds for the serving process to clean its file


@click.command(name="export")
@_WHO
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path), help="A new .zip file.")
@CONFIG
@guarded
def export_person(identifier: str, out: Path, config: str | None) -> None:
    """Writes everything that is kept about a person: one JSON file and their files, as an archive."""
    from datetime import UTC, datetime

    from bridge.cli.accounts import opened
    from bridge.privacy.erasing import NotErased, plan
    from bridge.privacy.exporting import export
    from bridge.privacy.subject import NoSubject
    from mappings import state

    settings, declared, _ = read_config(config)

    async def run() -> None:
        async with opened(settings, declared) as bridge:
            planned = await plan(bridge, identifier)
            counted = await export(bridge, planned, out)
            await bridge.store.write(state.add_audit, "command line", "export", "one person", datetime.now(UTC))
        click.echo(f"{out} is written: {_counts(counted)}")
        _others(planned, "export")

    try:
        asyncio.run(run())
    except (NoSubject, NotErased) as error:
        raise Fault(str(error)) from None
    except OSError as error:
        raise Fault(f"{out}: cannot be written: {error.strerror}") from None


@click.command(name="erase")
@_WHO
@click.option("--yes", is_flag=True, help="Do not ask.")
@CONFIG
@guarded
def erase_person(identifier: str, yes: bool, config: str | None) -> None:
    """Removes everything that is kept about a person, for good, and says what is left to do at the vendors."""
    from bridge.cli.accounts import opened
    from bridge.privacy.erasing import NotErased, erase, plan
    from bridge.privacy.subject import NoSubject

    settings, declared, _ = read_config(config)

    async def run() -> None:
        async with opened(settings, declared) as bridge:
            planned = await plan(bridge, identifier)
            _show(planned)
            if not yes:
                click.confirm("Erase all of it, for good?", default=False, abort=True)
            done = await erase(bridge, identifier, "command line")
        await _clean(bridge)
        _tell(planned, done, language_for(None, settings.bridge.language))

    try:
        asyncio.run(run())
    except (NoSubject, NotErased) as error:
        raise Fault(str(error)) from None


def _show(planned: "Plan") -> None:
    side = planned.side
    click.echo(f"Known as: {', '.join(side.named) or '-'}")
    click.echo(f"Conversations: {len(side.links)}. Tickets: {', '.join(planned.tickets) or '-'}")
    click.echo("With them go all messages, files, answers of agents, notices, consents and payloads about them.")


def _tell(planned: "Plan", done: "Erased", language: str) -> None:
    from bridge.contract import in_language

    click.echo(f"Erased: {_counts(done.gone)}")
    if done.to_do:
        click.echo("Left for you to do:")
    for number, (account, sentence) in enumerate(done.to_do, 1):
        click.echo(f"{number}. {account}: {in_language(sentence, language)}")
    _others(planned, "erase")


def _others(planned: "Plan", command: str) -> None:
    for name in planned.side.others:
        click.echo(f"The same person is also known as {name}; that side is whole: bridge {command} --person {name}")


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counted.items())


_LOG_GOES = (
    "The server's write-ahead log holds what was written before until it is overwritten. With wal_recycle = off a "
    "checkpoint removes it; as a superuser, at once:\n  SELECT pg_switch_wal();\n  CHECKPOINT;"
)


async def _clean_tables(store: "Store") -> None:
    """Of PostgreSQL: by this command, or by the bridge that serves."""
    from mappings import compaction

    await asyncio.to_thread(store.open)
    try:
        cleaning, until = compaction.Compaction(store), asyncio.get_running_loop().time() + _WAIT
        await cleaning.tick()
        while wished := await store.read(compaction.is_wished):
            if asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(0.5)
            await cleaning.tick()
    finally:
        await asyncio.to_thread(store.close)
    if wished:
        click.echo("The tables are not written anew yet: the bridge that serves does it as soon as nobody reads them.")
    elif cleaning.left:
        click.echo("These tables still hold deleted bytes; their owner, where the bridge may rest meanwhile:")
        click.echo("\n".join(f"  VACUUM (FULL, ANALYZE) {name};" for name in cleaning.left))
    else:
        click.echo("The tables are written anew: no deleted byte is left in them.")
    click.echo(_LOG_GOES)


async def _clean(bridge: "Bridge") -> None:
    """The bytes in the database's own file: by the process that serves, else here."""
    from mappings import compaction
    from mappings.cli_access import open_reader
    from mappings.store import StoreUnusable

    store = bridge.store
    if not store.sqlite:
        await _clean_tables(store)
        return
    large = store.path.stat().st_size > compaction.LARGEST
    try:
        store.open()
    except StoreUnusable:  # a bridge serves, and cleans its file itself
        until = asyncio.get_running_loop().time() + _WAIT
        while asyncio.get_running_loop().time() < until:
            with open_reader(store.url.render_as_string(hide_password=False)) as tx:
                if not compaction.is_wished(tx):
                    break
            await asyncio.sleep(0.5)
        else:
            click.echo("The database file is not clean yet: the bridge that serves does it as soon as nobody reads.")
    else:
        try:
            await compaction.Compaction(store).tick()
        finally:
            await asyncio.to_thread(store.close)
    if large:
        click.echo(
            "The database is larger than 1 GB and was not rewritten. What is deleted is overwritten at once; what an "
            "older version deleted goes with VACUUM, at a time when the bridge is stopped."
        )

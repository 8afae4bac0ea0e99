"""`bridge events`: what other systems are told of (`[[events]]`), and telling it again."""

import json
from datetime import UTC, datetime

import click

from bridge.cli.common import CONFIG, Fault, guarded, reading, writing


@click.group()
def events() -> None:
    """What your own systems are told of, as [[events]] of the configuration says."""


@events.command(name="list")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500), help="How many of the latest.")
@guarded
def list_command(config: str | None, as_json: bool, limit: int) -> None:
    """The receivers with what waits for them, and the latest events."""
    from bridge.events.overview import events_json, events_text
    from bridge.settings import find_config, load_settings

    settings = load_settings(find_config(config))
    found = reading(config, events_json, settings.events, limit)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else events_text(found))


@events.command(name="replay")
@click.argument("what", nargs=-1, metavar="RECEIVER|ID...")
@click.option("--since", metavar="DURATION", help="With a RECEIVER: all of the last 2h, 7d, …")
@CONFIG
@guarded
def replay_command(what: tuple[str, ...], since: str | None, config: str | None) -> None:
    """Sends events again: those of some IDs (as `events list` prints them), or all of a RECEIVER's `--since`.

    They keep their `webhook-id`, so a receiver that took them knows them again. One that is new is sent what
    others were told since then.
    """
    from bridge.contract.durations import parse_duration
    from bridge.events.overview import replay_ids, replay_receiver
    from bridge.settings import find_config, load_settings

    now = datetime.now(UTC)
    if since is None:
        if not what:
            raise click.UsageError("name ids (e1 e2), or a receiver and --since")
        numbers = [int(one[1:]) for one in what if one[:1] == "e" and one[1:].isascii() and one[1:].isdecimal()]
        if len(numbers) < len(what):
            raise Fault("ids look like e123 (see bridge events list); for all of a receiver's add --since 2h")
        count = writing(config, replay_ids, numbers, "command line", now)
    else:
        known = {one.receiver: one for one in load_settings(find_config(config)).events}
        if len(what) != 1 or what[0] not in known:
            raise Fault(f"name one receiver of: {', '.join(known) or 'none (there is no [[events]])'}")
        try:
            begin = now - parse_duration(since)
        except (ValueError, OverflowError):
            raise Fault("--since: write how long, such as 2h or 7d") from None
        count = writing(config, replay_receiver, known[what[0]], begin, "command line", now)
    click.echo(f"sending again: {count}")


@events.command(name="test")
@click.argument("receiver")
@CONFIG
@guarded
def test_command(receiver: str, config: str | None) -> None:
    """Sends one `bridge.test` event now and says what was answered."""
    import asyncio
    from types import SimpleNamespace

    from bridge.contract import Http
    from bridge.engine.runtime.ids import new_name
    from bridge.events.sender import Outcome, example, send
    from bridge.settings import find_config, load_settings

    found = {one.receiver: one for one in load_settings(find_config(config)).events}
    if receiver not in found:
        raise Fault(f"there is no receiver {receiver!r}; known: {', '.join(found) or 'none'}")
    now = datetime.now(UTC)

    async def ask() -> Outcome:
        http = Http(timeout=10)
        try:
            row = SimpleNamespace(name=f"evt_{new_name()}", data=example(now))
            return await send(http, found[receiver], row, now)
        finally:
            await http.close()

    outcome = asyncio.run(ask())
    if not outcome.taken:
        raise Fault(f"not taken: {outcome.code}")
    click.echo(f"taken: {outcome.code}")

"""Commands that look at what is stored and mend it: what failed, and who is who."""

import json

import click

from bridge.cli.common import CONFIG, Fault, guarded, reading, writing


@click.group()
def dead() -> None:
    """What could not be delivered or read, grouped by cause."""


@dead.command(name="list")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def dead_list(config: str | None, as_json: bool) -> None:
    """Lists it."""
    from bridge.cli.dead_letters import dead_json, dead_text

    found = reading(config, dead_json)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else dead_text(found))


@dead.command(name="replay")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Everything that is listed.")
@CONFIG
@guarded
def dead_replay(ids: tuple[str, ...], everything: bool, config: str | None) -> None:
    """Tries again. IDs are those that `dead list` prints (s… for steps, r… for payloads, e… for events)."""
    from bridge.cli.dead_letters import NoSuch, replay

    _need_ids(ids, everything=everything)
    try:
        click.echo(f"trying again: {writing(config, replay, None if everything else ids)}")
    except NoSuch as error:
        raise Fault(str(error)) from None


@dead.command(name="drop")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Everything that is listed.")
@CONFIG
@guarded
def dead_drop(ids: tuple[str, ...], everything: bool, config: str | None) -> None:
    """Gives it up for good."""
    from bridge.cli.dead_letters import NoSuch, drop

    _need_ids(ids, everything=everything)
    try:
        click.echo(f"dropped: {writing(config, drop, None if everything else ids)}")
    except NoSuch as error:
        raise Fault(str(error)) from None


@click.group()
def people() -> None:
    """Customers who may be one person: suggested by the same proven customer id."""


@people.command(name="list")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def people_list(config: str | None, as_json: bool) -> None:
    """Lists suggestions and what was joined."""
    from bridge.cli.people import merges_json, merges_text

    found = reading(config, merges_json)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else merges_text(found))


@people.command(name="join")
@click.argument("number", type=int)
@CONFIG
@guarded
def people_join(number: int, config: str | None) -> None:
    """Makes the two of a suggestion one person. Their tickets stay apart."""
    from bridge.cli.people import join

    if not writing(config, join, number):
        raise Fault(f"there is no suggestion {number}; see bridge people list")
    click.echo(f"joined; to take it back: bridge people undo {number}")


@people.command(name="undo")
@click.argument("number", type=int)
@CONFIG
@guarded
def people_undo(number: int, config: str | None) -> None:
    """Takes a merge back."""
    from bridge.cli.people import undo

    if not writing(config, undo, number):
        raise Fault(f"{number} is not joined; see bridge people list")
    click.echo("two people again")


def _need_ids(ids: tuple[str, ...], *, everything: bool) -> None:
    if not ids and not everything:
        raise click.UsageError("name what is meant, or --all")

"""`bridge routes`: why a conversation goes where it goes, and what another configuration would change."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from bridge.cli.common import CONFIG, Fault, guarded, read_config, reading, writing


@click.group()
def routes() -> None:
    """Where conversations go, and why."""


@routes.command(name="explain")
@click.option("--channel", metavar="NAME", help="Of a made-up conversation.")
@click.option("--session-from", default="", metavar="TEXT", help="What the client says of the way in.")
@click.option("--page", default="", metavar="PATH", help="The page the customer comes from.")
@click.option("--text", default="", metavar="TEXT", help="What the customer says.")
@click.option("--at", metavar="TIME", help='"2026-10-04 21:00", by the office\'s clock, not UTC; else now.')
@click.option("--conversation", metavar="ID", help="A past conversation: its id, ticket, customer or a message.")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def explain_command(config: str | None, as_json: bool, conversation: str | None, **made_up: Any) -> None:
    """Every rule with the first condition that does not hold, what is decided, and what the customer is told."""
    from bridge.explanation import explain_conversation, explain_opening, explanation_text

    runtime = _runtime(config)
    if conversation is not None:
        found = reading(config, explain_conversation, runtime, conversation)
        if not found:
            raise Fault(f"nothing is known of {conversation!r}")
        text = "\n\n".join(_past(one) for one in found)
        click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else text)
        return
    channel = made_up["channel"]
    if channel is None:
        raise click.UsageError("name a --channel, or a --conversation")
    if channel not in runtime.routes_of:
        known = ", ".join(sorted(runtime.routes_of)) or "none"
        raise Fault(f"--channel: there is no channel {channel!r}; channels: {known}")
    given = {"session_from": made_up["session_from"], "page": made_up["page"]}
    context = {name: value for name, value in given.items() if value}
    opening = explain_opening(runtime, channel, context, made_up["text"], _moment(runtime, channel, made_up["at"]))
    click.echo(json.dumps(opening, ensure_ascii=False, indent=2) if as_json else explanation_text(opening))


@routes.command(name="replay")
@click.option("--since", default="7d", show_default=True, metavar="D", help="How far back: 12h, 7d.")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def replay_command(since: str, config: str | None, as_json: bool) -> None:
    """How many past conversations would go elsewhere by the file as it is now. Changes nothing."""
    from bridge.explanation import replay

    found = reading(config, replay, _runtime(config), datetime.now(UTC) - _length(since))
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else _replayed(found))


@routes.command(name="compare")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--since", default="7d", show_default=True, metavar="D", help="How far back: 12h, 7d.")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def compare_command(file: Path, since: str, config: str | None, as_json: bool) -> None:
    """How many past conversations would go elsewhere by the [[routes]] of a FILE. Changes nothing."""
    runtime = _runtime(config)
    found = _compared(config, _draft(runtime, _read(file), str(file)), runtime, since)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else _replayed(found))


@routes.command(name="publish")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@CONFIG
@guarded
def publish_command(file: Path, yes: bool, config: str | None) -> None:
    """Puts the [[routes]] of a FILE into the configuration, in the place of its own; `undo` puts those back."""
    from bridge.route_publishing import publish

    runtime, text = _runtime(config), _read(file)
    changed = _draft(runtime, text, str(file))
    click.echo(_replayed(_compared(config, changed, runtime, "7d")))
    if not yes:
        click.confirm("Publish these routes?", abort=True)
    _change(config, publish, text, changed)


@routes.command(name="undo")
@CONFIG
@guarded
def undo_command(config: str | None) -> None:
    """Puts back the routes that were in the configuration before the last `publish`."""
    from bridge.route_publishing import Unpublishable, former, undo
    from bridge.settings import find_config

    try:
        text = former(find_config(config))
    except Unpublishable as error:
        raise Fault(f"{find_config(config)}: {error}") from None
    _change(config, undo, text, _draft(_runtime(config), text, "the former routes"))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise Fault(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Fault(f"{file}: is no text in UTF-8; save the file as UTF-8") from None


def _draft(runtime: Any, text: str, name: str) -> Any:
    """What would serve. Raises Fault for a draft that cannot; advice goes to standard error."""
    from bridge.route_drafts import read_draft

    changed, faults = read_draft(runtime, text)
    said = "\n".join(one.replace("draft:", f"{name}:", 1) for one in faults)
    if changed is None:
        raise Fault(said)
    if said:
        click.echo(said, err=True)
    return changed


def _compared(config: str | None, changed: Any, runtime: Any, since: str) -> dict[str, Any]:
    from bridge.explanation import replay

    found: dict[str, Any] = reading(config, replay, changed, datetime.now(UTC) - _length(since), runtime)
    return found


def _change(config: str | None, act: Callable[..., None], text: str, changed: Any) -> None:
    """The file and its audit row, both or none."""
    from bridge.route_publishing import Proposal, Unpublishable
    from bridge.settings import find_config, load_settings

    path, now = find_config(config), datetime.now(UTC)
    before, after = load_settings(path).routes_version, changed.settings.routes_version
    try:
        writing(config, act, path, Proposal(text, after, before), "command line", now)
    except Unpublishable as error:
        raise Fault(f"{path}: {error}") from None
    except OSError as error:
        raise Fault(f"{path}: cannot be written: {error.strerror}") from None
    click.echo(f"{path}: routes {before} → {after}. A bridge that serves goes by them when it starts anew.")


def _length(since: str) -> timedelta:
    from bridge.contract.durations import parse_duration

    try:
        length = parse_duration(since)
    except ValueError as error:
        raise Fault(f"--since: {error}") from None
    assert isinstance(length, timedelta)
    return length


def _runtime(config: str | None) -> Any:
    from bridge.app import Bridge

    settings, declared, _ = read_config(config)
    return Bridge(settings, declared).runtime


def _moment(runtime: Any, channel: str, text: str | None) -> datetime:
    from bridge.explanation import moment_of

    if text is None:
        return datetime.now(UTC)
    try:
        return moment_of(runtime, channel, text)
    except ValueError:
        raise Fault(f'--at: {text!r} is no time; write "2026-10-04 21:00"') from None


def _past(one: dict[str, Any]) -> str:
    from bridge.explanation import explanation_text

    then = one["then"]
    lines = [f"conversation {one['conversation']} ↔ {one['ticket'] or 'no ticket yet'} at {one['desk']}"]
    if then is None:
        lines.append("decided before decisions were kept")
    else:
        lines.append(f"decided {then['at']} by {then['rule']!r} (routes {then['version']})")
        lines += [f"  [✗] {name}: {why}" for name, why in then["failed"]]
    kept = "" if one["words_kept"] else " (its first words are no longer kept, so conditions on them fail)"
    return "\n".join([*lines, f"as the routes are now{kept}:", explanation_text(one["now"])])


def _replayed(found: dict[str, Any]) -> str:
    lines = [f"{found['conversations']} conversations since {found['since']}: {found['elsewhere']} would go elsewhere"]
    lines += [
        f"  {one['count']:>5}  {one['from']}  ⇒  {one['to']}   for example {', '.join(one['examples'])}"
        for one in found["changes"]
    ]
    if found["not_known"]:
        lines.append(f"{found['not_known']} cannot be told: their first words are no longer kept")
    return "\n".join(lines)

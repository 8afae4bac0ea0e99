"""`bridge entry`: the ways into the chat, ready to paste, and those that customers came by."""

import json
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from bridge.cli.common import CONFIG, Fault, guarded, read_config, reading

_SIGNING = Path(__file__).parents[1] / "routing" / "data" / "signing"
LANGUAGES = ("python", "node", "php", "java")
_SEEN = timedelta(days=30)


@click.command()
@click.argument("name", required=False)
@click.option("--page", default="", metavar="PATH", help="The page that the customer's first card shows.")
@click.option("--session-from", default="", metavar="TEXT", help="What the button says of the way in; else NAME.")
@click.option("--channel", metavar="NAME", help="Of several channels, this one.")
@click.option("--signed", is_flag=True, help="Adds the code for your server that signs who the customer is.")
@click.option("--language", "code", type=click.Choice(LANGUAGES), help="Of that code; else all.")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def entry(name: str | None, config: str | None, as_json: bool, **options: Any) -> None:
    """The button of an entry NAME, ready to paste; without NAME the entries that customers came by."""
    settings, declared, _ = read_config(config)
    if name is None:
        found = reading(config, entries_json, settings)
        click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else entries_text(found))
        return
    made = entry_json(settings, declared, name, **options)
    click.echo(json.dumps(made, ensure_ascii=False, indent=2) if as_json else _entry_text(made))


def entry_json(settings: Any, declared: Any, name: str, **options: Any) -> dict[str, Any]:
    """The button, and with `signed` the key and the code that signs. `options` are those of the command."""
    from bridge.contract import Embeds
    from bridge.services.tokens import context_key

    channel, page, signed = options["channel"], options["page"], options["signed"]
    channels = [route.channel for route in settings.routes]
    able = [one for one in dict.fromkeys(channels) if issubclass(declared[one].connector, Embeds)]
    if channel is not None and channel not in able:
        raise Fault(f"--channel: {channel!r} has no button for its pages; those that have: {', '.join(able) or 'none'}")
    chosen = channel or next(iter(able), None)
    if chosen is None:
        raise Fault("no channel of this configuration has a button for its pages")
    origin = "{{sessionFrom}}" if signed else options["session_from"] or name
    made = {"entry": name, "channel": chosen, "button": declared[chosen].connector.button(origin, page)}
    if signed:
        codes = [options["code"]] if options["code"] else list(LANGUAGES)
        made["key"] = context_key(settings.bridge.secret_key.get_secret_value())
        made["code"] = {one: (_SIGNING / f"{one}.txt").read_text(encoding="utf-8") for one in codes}
    return made


def _entry_text(made: dict[str, Any]) -> str:
    lines = [made["button"]]
    if "code" in made:
        lines += [
            "",
            "On your server, from which the mini program fetches sessionFrom. The key is a secret of the server:",
            f"BRIDGE_CONTEXT_KEY={made['key']}",
        ]
        for name, code in made["code"].items():
            lines += ["", f"--- {name} ---", code.rstrip()]
    return "\n".join(lines)


def entries_json(tx: Any, settings: Any, now: datetime | None = None, among: int | None = None) -> list[dict[str, Any]]:
    """The entries of the last 30 days, how often and when last, and whether a route names them. `among`: of so many
    of the newest conversations.
    """
    from mappings import history

    now = now or datetime.now(UTC)
    named = [
        pattern
        for route in settings.routes
        for key, values in route.when.items()
        if key in {"entry", "session_from"}
        for pattern in (values if isinstance(values, tuple) else (str(values),))
    ]
    return [
        {
            "entry": row.entry,
            "channel": row.channel,
            "conversations": row.number,
            "last": f"{row.last:%Y-%m-%dT%H:%M:%SZ}",
            "named": any(fnmatchcase(row.entry, pattern) for pattern in named),
        }
        for row in history.entries_since(tx, now - _SEEN, among=among)
    ]


def entries_text(found: list[dict[str, Any]]) -> str:
    """The same for people."""
    if not found:
        return "Nobody came by an entry that has a name."
    lines = [
        f"{one['conversations']:>6}  {one['channel']}  {one['entry']}  last {one['last']}"
        + ("" if one["named"] else "  no route names it: add one, or see what makes it")
        for one in found
    ]
    return "\n".join(["Conversations by entry, the last 30 days:", *lines])

"""The capability matrix, from the connectors' own data."""

from typing import Any

from bridge.console.texts import say
from bridge.contract import Capabilities, Connector, Invites, Listens, LooksUp, MediaRule, Polls, Serves, SetsUp, Types
from bridge.kinds import capabilities_of, known_kinds, load_kind

_PROTOCOLS = {
    "collects": Polls,
    "finds": LooksUp,
    "listens": Listens,
    "serves": Serves,
    "sets up": SetsUp,
    "typing": Types,
    "invites": Invites,
}


def matrix_rows() -> list[dict[str, Any]]:
    """One row for each installed kind, sorted by name."""
    rows: list[dict[str, Any]] = []
    for kind, point in sorted(known_kinds().items()):
        try:
            connector = load_kind(point)
        except ImportError as error:
            rows.append({"kind": kind, "missing": str(error)})
            continue
        capabilities = capabilities_of(connector)
        if capabilities is None:
            rows.append({"kind": kind, "roles": _roles(connector), "also": "depends on the account"})
            continue
        rows.append({"kind": kind, "roles": _roles(connector), **facts_of(connector, capabilities)})
    return rows


def facts_of(connector: type[Connector[Any]], capabilities: Capabilities, language: str = "en") -> dict[str, str]:
    """What a connector, or an account of it, can do: a few words each."""

    def able(word: str, **values: Any) -> str:
        return say(language, f"able.{word.replace(' ', '_')}", **values)

    def rule(one: MediaRule) -> str:
        support = able(one.support.value)
        return support if one.max_bytes is None else f"{support} ≤ {_bytes(one.max_bytes)}"

    window = capabilities.window
    also = [able(name) for name, protocol in _PROTOCOLS.items() if _implements(connector, protocol)]
    return {
        "text": _bytes(capabilities.max_text_bytes) if capabilities.max_text_bytes else able("any length"),
        **{name: rule(getattr(capabilities, name)) for name in ("image", "voice", "video", "file")},
        "card": able(capabilities.card.value),
        "location": able(capabilities.location.value),
        "private notes": able("yes" if capabilities.notes else "no"),
        "progress": able("yes" if capabilities.delivery_status else "no"),
        "window": able("window", n=window.replies, hours=f"{window.lasts.total_seconds() / 3600:g}")
        if window
        else able("none"),
        "also": say(language, "common.and").join(also),
    }


def matrix_text() -> str:
    """The matrix as a Markdown table, as the docs show it."""
    rows = matrix_rows()
    heads = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = [
            ", ".join(cell) if isinstance(cell, list) else str(cell) for cell in (row.get(head, "") for head in heads)
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _roles(connector: type[Connector[Any]]) -> list[str]:
    return sorted(role.value for role in connector.roles)


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _bytes(size: int) -> str:
    for unit, factor in (("MB", 2**20), ("kB", 2**10)):
        if size >= factor:
            return f"{round(size / factor, 1):g} {unit}"
    return f"{size} B"


def _implements(connector: type[Any], protocol: type[Any]) -> bool:
    names = [name for name in vars(protocol) if not name.startswith("_")]
    return all(hasattr(connector, name) for name in names)

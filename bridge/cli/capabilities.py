"""The capability matrix, from the connectors' own data."""

from typing import Any

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


def facts_of(connector: type[Connector[Any]], capabilities: Capabilities) -> dict[str, str]:
    """What a connector, or an account of it, can do: one short word each."""
    return {
        "text": _bytes(capabilities.max_text_bytes) if capabilities.max_text_bytes else "any length",
        "image": _rule(capabilities.image),
        "voice": _rule(capabilities.voice),
        "video": _rule(capabilities.video),
        "file": _rule(capabilities.file),
        "card": capabilities.card.value,
        "location": capabilities.location.value,
        "private notes": "yes" if capabilities.notes else "no",
        "progress": "yes" if capabilities.delivery_status else "no",
        "window": _window(capabilities),
        "also": ", ".join(name for name, protocol in _PROTOCOLS.items() if _implements(connector, protocol)),
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


def _rule(rule: MediaRule) -> str:
    return rule.support.value if rule.max_bytes is None else f"{rule.support.value} ≤ {_bytes(rule.max_bytes)}"


def _window(capabilities: Capabilities) -> str:
    window = capabilities.window
    if window is None:
        return "none"
    return f"{window.replies} in {window.lasts.total_seconds() / 3600:g} h"


def _bytes(size: int) -> str:
    for unit, factor in (("MB", 2**20), ("kB", 2**10)):
        if size >= factor:
            return f"{round(size / factor, 1):g} {unit}"
    return f"{size} B"


def _implements(connector: type[Any], protocol: type[Any]) -> bool:
    names = [name for name in vars(protocol) if not name.startswith("_")]
    return all(hasattr(connector, name) for name in names)

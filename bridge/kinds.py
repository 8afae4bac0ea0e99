"""Kinds of connectors: what is installed, and whether it is one. Anybody may have written it."""

import functools
import inspect
import sys
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path
from typing import Any

from bridge.contract import AccountConfig, Capabilities, Connector, Role
from bridge.contract.version import misfit

GROUP = "bridge.connectors"


class Unusable(ImportError):
    """A kind that cannot be used, in a sentence that names it, its distribution and what to do."""


def installed(group: str) -> EntryPoints:
    """The entry points of a group. What is installed is read once, and again when something was added or removed."""
    places = [(place, Path(place)) for place in sys.path]
    return _read(group, tuple((place, path.stat().st_mtime_ns if path.is_dir() else 0) for place, path in places))


@functools.lru_cache(maxsize=8)
def _read(group: str, _places: tuple[tuple[str, int], ...]) -> EntryPoints:
    return entry_points(group=group)


def known_kinds() -> dict[str, EntryPoint]:
    """Every kind that is installed, by name. Nothing is imported yet."""
    return {point.name: point for point in installed(GROUP)}


def load_kind(point: EntryPoint) -> type[Connector[Any]]:
    """The connector class behind an entry point. Raises Unusable, whatever its code does."""
    owners = _owners(point.name)
    if len(owners) > 1:
        raise Unusable(f"{point.name!r} comes from {' and '.join(owners)}: uninstall all but one of them")
    where = f"{point.name!r} ({owners[0] if owners else 'not installed as a distribution'})"
    try:
        loaded = point.load()
    except AttributeError:
        raise Unusable(f"{where}: its entry point names {point.value}, which is not there") from None
    except ModuleNotFoundError as error:
        raise Unusable(f"{where} cannot be loaded: there is no module {error.name}; install what it needs") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is somebody else's code, and others are to go on
        raise Unusable(f"{where} cannot be loaded: {type(error).__name__} at import: {_one_line(error)}") from None
    fault = find_fault(loaded, point.name)
    if fault:
        raise Unusable(f"{where}: {fault}")
    kind: type[Connector[Any]] = loaded
    return kind


def find_fault(loaded: object, name: str = "") -> str:
    """What keeps a class from being a connector, in one sentence; "" when nothing does."""
    if not isinstance(loaded, type) or not issubclass(loaded, Connector):
        return f"its entry point is {_called(loaded)}, which is no subclass of bridge.contract.Connector"
    called = loaded.__name__
    wrong = misfit(getattr(loaded, "contract", ""))
    if wrong:
        return wrong
    missing = sorted(getattr(loaded, "__abstractmethods__", ()))
    if missing:
        return f"{called} lacks {', '.join(f'`{method}`' for method in missing)}"
    kind = getattr(loaded, "kind", None)
    if not isinstance(kind, str) or (name and kind != name):
        return f"{called}.kind is {kind!r}, its entry point is called {name!r}: they must be the same word"
    roles = getattr(loaded, "roles", None)
    if not isinstance(roles, frozenset) or not roles or not all(isinstance(role, Role) for role in roles):
        return f"{called}.roles must be a frozenset of Role, with one at least"
    config = getattr(loaded, "Config", None)
    if not isinstance(config, type) or not issubclass(config, AccountConfig):
        return f"{called}.Config must be a subclass of AccountConfig"
    return _capability_fault(loaded)


def capabilities_of(connector: type[Connector[Any]]) -> Capabilities | None:
    """What a kind says it can do before it has an account; None where that depends on the account."""
    found = inspect.getattr_static(connector, "capabilities", None)
    return found if isinstance(found, Capabilities) else None


def _capability_fault(connector: type[Connector[Any]]) -> str:
    found = inspect.getattr_static(connector, "capabilities", None)
    if isinstance(found, Capabilities | property):
        return ""
    if found is not None:
        return f"{connector.__name__}.capabilities is {_called(found)}, not a Capabilities"
    if connector.__init__ is Connector.__init__:
        return f"{connector.__name__} has no capabilities: set them in the class or in __init__"
    return ""


def _owners(name: str) -> list[str]:
    found = (point.dist for point in installed(GROUP) if point.name == name)
    return sorted({f"{dist.metadata['Name']} {dist.version}" for dist in found if dist is not None})


def _called(thing: object) -> str:
    return f"{thing.__module__}.{thing.__qualname__}" if isinstance(thing, type) else f"a {type(thing).__name__}"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]

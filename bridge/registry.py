"""From the configuration to connectors: entry points, the accounts they serve, and the routes between them."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.contract import AccountConfig, Connector, Role
from bridge.settings import ConfigError, RouteSettings, Settings, explain, nearest, read_secret_files

GROUP = "bridge.connectors"


@dataclass(frozen=True, slots=True)
class Declared:
    """An account of the configuration, validated by its connector."""

    name: str
    connector: type[Connector[Any]]
    config: AccountConfig


def known_kinds() -> dict[str, EntryPoint]:
    """Every kind that is installed, by name. Nothing is imported yet."""
    return {point.name: point for point in entry_points(group=GROUP)}


def load_kind(point: EntryPoint) -> type[Connector[Any]]:
    """The connector class behind an entry point."""
    loaded: type[Connector[Any]] = point.load()
    return loaded


def declare_accounts(settings: Settings, path: Path) -> dict[str, Declared]:
    """Validates all accounts and routes. Raises ConfigError with every fault."""
    faults: list[str] = []
    kinds = known_kinds()
    declared: dict[str, Declared] = {}
    for name, section in settings.accounts.items():
        try:
            declared[name] = _declare(name, section, kinds, path)
        except ConfigError as error:
            faults += error.faults
    if not faults:
        faults = _route_faults(settings, declared, path)
    if faults:
        raise ConfigError(faults)
    return declared


def _declare(name: str, section: dict[str, Any], kinds: dict[str, EntryPoint], path: Path) -> Declared:
    where = f"accounts.{name}"
    kind = section.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        known = ", ".join(sorted(kinds))
        what = "is missing" if kind is None else f"{kind!r} is unknown"
        raise ConfigError([f"{path}: {where}.kind: {what}; known kinds: {known}{nearest(kind, kinds)}"])
    try:
        connector = load_kind(kinds[kind])
    except ImportError as error:
        raise ConfigError([f"{path}: {where}.kind: {kind!r} cannot be loaded: {error}"]) from None
    keys = set(connector.Config.model_fields)
    section = read_secret_files(section, keys, path, where)
    try:
        return Declared(name, connector, connector.Config.model_validate(section))
    except ValidationError as error:
        raise ConfigError(explain(error, path, where, connector.Config)) from None


def _route_faults(settings: Settings, declared: dict[str, Declared], path: Path) -> list[str]:
    faults = []
    last: dict[str, RouteSettings] = {}
    for index, route in enumerate(settings.routes):
        for side, role in (("channel", Role.CHANNEL), ("desk", Role.DESK)):
            name = getattr(route, side)
            if name not in declared:
                known = ", ".join(sorted(declared)) or "none"
                meant = nearest(name, declared)
                faults.append(f"{path}: routes.{index}.{side}: there is no account {name!r}; accounts: {known}{meant}")
            elif role not in declared[name].connector.roles:
                faults.append(f"{path}: routes.{index}.{side}: account {name!r} cannot be a {side}")
        if route.calendar and route.calendar not in settings.calendars:
            known = ", ".join(sorted(settings.calendars)) or "none"
            meant = nearest(route.calendar, settings.calendars)
            faults.append(
                f"{path}: routes.{index}.calendar: there is no calendar {route.calendar!r}; calendars: {known}{meant}"
            )
        last[route.channel] = route
    for channel, route in last.items():
        if route.when and channel in declared:
            index = settings.routes.index(route)
            faults.append(f"{path}: routes.{index}.when: the last route of {channel!r} must match everything")
    if faults:
        return faults
    used = {route.channel for route in settings.routes} | {route.desk for route in settings.routes}
    return [
        f"{path}: accounts.{name}: no route names this account; add one under [[routes]]"
        for name in declared
        if name not in used
    ]


def find_route(routes: tuple[RouteSettings, ...], channel: str, context: dict[str, str]) -> RouteSettings | None:
    """The first route of a channel that matches where the customer came from."""
    for route in routes:
        if route.channel == channel and all(
            fnmatchcase(context.get(key, ""), pattern) for key, pattern in route.when.items()
        ):
            return route
    return None

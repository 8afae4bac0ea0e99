"""From the configuration to receivers of alerts: entry points and what they accept."""

from importlib.metadata import EntryPoint
from pathlib import Path

from pydantic import ValidationError

from bridge.contract import AlertConfig, AlertReceiver
from bridge.kinds import installed
from bridge.settings import ConfigError, Settings, explain, nearest, read_secret_files

GROUP = "bridge.alerts"
DeclaredAlerts = dict[str, tuple[type[AlertReceiver[AlertConfig]], AlertConfig]]


def known_receivers() -> dict[str, EntryPoint]:
    """Every kind that is installed."""
    return {point.name: point for point in installed(GROUP)}


def declare_alerts(settings: Settings, path: Path) -> DeclaredAlerts:
    """Validates `[alerts.*]`, and that targets name what is there. Raises ConfigError with every fault."""
    kinds, faults, found = known_receivers(), [], {}
    for name, section in settings.alerts.items():
        where, kind = f"alerts.{name}", section.get("kind")
        if not isinstance(kind, str) or kind not in kinds:
            what = "is missing" if kind is None else f"{kind!r} is unknown"
            faults.append(f"{path}: {where}.kind: {what}; known: {', '.join(sorted(kinds))}{nearest(kind, kinds)}")
            continue
        receiver = kinds[kind].load()
        try:
            keys = set(receiver.Config.model_fields)
            found[name] = receiver, receiver.Config.model_validate(read_secret_files(section, keys, path, where))
        except ValidationError as error:
            faults += explain(error, path, where, receiver.Config)
        except ConfigError as error:
            faults += error.faults
    for name, target in settings.targets.items():
        for one in target.alert:
            if one not in settings.alerts:
                known = ", ".join(sorted(settings.alerts)) or "none"
                faults.append(f"{path}: targets.{name}.alert: there is no alert {one!r}; alerts: {known}")
    for one in settings.figures.weekly:
        if one not in settings.alerts:
            known = ", ".join(sorted(settings.alerts)) or "none"
            faults.append(f"{path}: figures.weekly: there is no alert {one!r}; alerts: {known}")
    if faults:
        raise ConfigError(faults)
    return found

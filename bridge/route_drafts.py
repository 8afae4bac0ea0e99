"""Routes as they might be: a draft is read and checked like the configuration, and compared with what serves.

Nothing is kept and nothing changes: a draft becomes real when somebody puts it into the configuration.
"""

import json
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bridge.contract.durations import format_duration
from bridge.engine.context import Runtime
from bridge.registry import Declared, route_faults
from bridge.route_checks import wrong_routes
from bridge.settings import RouteSettings, explain
from bridge.settings.routes import numbered

_ROUTES: TypeAdapter[tuple[RouteSettings, ...]] = TypeAdapter(tuple[RouteSettings, ...])
_DRAFT = Path("draft")


def routes_text(routes: tuple[RouteSettings, ...]) -> str:
    """Routes as the configuration writes them, without what is so anyway."""
    return "\n".join(_table(one.model_dump(exclude_defaults=True)) for one in routes)


def read_draft(runtime: Runtime, text: str) -> tuple[Runtime | None, list[str]]:
    """What a bridge would go by with the `[[routes]]` of a text, and all that is wrong with them; None where they
    cannot be read.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [f"draft: not valid TOML: {error}"]
    others = [name for name in content if name != "routes"]
    if others:
        return None, [f"draft: {name}: a draft has [[routes]] only" for name in others]
    try:
        routes = numbered(_ROUTES.validate_python(content.get("routes", [])))
    except ValidationError as error:
        return None, explain(error, _DRAFT, "routes", RouteSettings)
    except ValueError as error:
        return None, [f"draft: routes: {error}"]
    settings = runtime.settings.model_copy(update={"routes": routes})
    settings.__dict__.pop("routes_version", None)  # worked out anew
    declared = {
        name: Declared(name, type(one.connector), one.config)
        for name, one in runtime.accounts.items()
        if not one.absent
    }
    faults = route_faults(settings, declared, _DRAFT)
    if faults:
        return None, faults
    advice = wrong_routes(settings, declared, _DRAFT)
    return Runtime(settings, runtime.accounts, runtime.now, runtime.link_to), advice


def _table(values: Mapping[str, Any]) -> str:
    """One `[[routes]]`: its own keys first, then its tables."""
    plain = {name: value for name, value in values.items() if not isinstance(value, dict) or name == "when"}
    lines = ["[[routes]]", *(f"{name} = {_value(value)}" for name, value in plain.items())]
    for name, value in values.items():
        if name not in plain:
            lines += [f"[routes.{name}]", *(f"{_key(key)} = {_value(one)}" for key, one in value.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    match value:
        case dict():
            return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
        case list() | tuple() | set() | frozenset():
            return "[" + ", ".join(map(_value, value)) + "]"
        case timedelta():
            return json.dumps(format_duration(value))
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            return json.dumps(str(value), ensure_ascii=False)


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else json.dumps(name)

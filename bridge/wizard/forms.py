"""A form from what a connector says of its settings, and the values that come back from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bridge.console.texts import catalogue, say
from bridge.contract import Connector, Setting, WrongValue
from bridge.first_config import keys_of
from bridge.kinds import known_kinds, load_kind

_SHOWN = 4  # last characters of a secret that is kept


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `shape` is text, secret, check, choice or list; `kept` is what may be said of a secret that is stored;
    `fault` is what validation said.
    """

    setting: Setting
    shape: str
    value: str
    kept: str
    fault: str = ""

    @property
    def name(self) -> str:
        return self.setting.key


def class_of(kind: str) -> type[Connector[Any]]:
    """The connector of an installed kind."""
    return load_kind(known_kinds()[kind])


def kinds_for(role: str) -> dict[str, type[Connector[Any]]]:
    """All installed kinds that can be a channel, or a desk. One that cannot be loaded is left out."""
    found = {}
    for name, point in sorted(known_kinds().items()):
        try:
            connector = load_kind(point)
        except ImportError:
            continue
        if role in {one.value for one in connector.roles}:
            found[name] = connector
    return found


def made_values(kind: str, role: str) -> dict[str, Any]:
    """What can be made up for a new account."""
    return {one.key: one.make() for one in keys_of(role, kind) if one.make is not None}


def fields_of(kind: str, role: str, values: Mapping[str, Any], faults: Mapping[str, str]) -> list[Field]:
    """All inputs of a kind in a role. What is made up is not among them: it is shown to be copied."""
    config = class_of(kind).Config
    return [
        _field(one, config, values, faults.get(one.key, ""))
        for one in keys_of(role, kind)
        if one.make is None and _shape(one, config) != "table"
    ]


def _field(one: Setting, config: type[BaseModel], values: Mapping[str, Any], fault: str) -> Field:
    shape, value = _shape(one, config), values.get(one.key)
    if shape == "secret":
        text = str(value or "")
        return Field(one, shape, "", f"…{text[-_SHOWN:]}" if len(text) > 2 * _SHOWN else "•" * len(text), fault)
    if shape == "list":
        shown = "\n".join(map(str, value)) if value else ""
    elif shape == "check":
        shown = "1" if (config.model_fields[one.key].default if value is None else value) else ""
    elif shape == "choice":
        shown = str(value if value is not None else one.default.strip('"'))
    else:
        shown = "" if value is None else str(value)
    return Field(one, shape, shown, "", fault)


def _shape(one: Setting, config: type[BaseModel]) -> str:
    annotation = config.model_fields[one.key].annotation
    if one.secret:
        return "secret"
    if annotation is bool:
        return "check"
    if one.choices:
        return "choice" if get_origin(annotation) not in {tuple, list} else "list"
    origin: Any = get_origin(annotation)
    return {tuple: "list", list: "list", dict: "table"}.get(origin, "text")


def entered(kind: str, role: str, form: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values after a form came back: an empty secret stays as it was, what is empty or by default is left out."""
    config = class_of(kind).Config
    result = dict(values)
    for one in keys_of(role, kind):
        shape = _shape(one, config)
        if one.make is not None or shape == "table" or (shape != "check" and one.key not in form):
            continue
        given = form.get(one.key, "").strip()
        if shape == "secret" and not given:
            continue
        default = config.model_fields[one.key].default
        value: Any = given
        if shape == "check":
            value = bool(given)
        elif shape == "list":
            value = [line.strip() for line in given.replace(",", "\n").splitlines() if line.strip()]
        elif config.model_fields[one.key].annotation is int and given.lstrip("-").isdigit():
            value = int(given)
        if value in ("", []) or (shape == "check" and value == default):
            result.pop(one.key, None)
        else:
            result[one.key] = value
    return result


def faults_of(kind: str, values: Mapping[str, Any], language: str = "en") -> dict[str, str]:
    """What validation says, by key ("" for what concerns several). Empty: the account can be tried."""
    try:
        class_of(kind).Config.model_validate({**values, "kind": kind})
    except ValidationError as error:
        found: dict[str, str] = {}
        for fault in error.errors(include_url=False, include_input=False):
            key = str(fault["loc"][0]) if fault["loc"] else ""
            found.setdefault(key, "missing" if fault["type"] == "missing" else _said(fault, language))
        return found
    return {}


def _said(fault: ErrorDetails, language: str) -> str:
    """One fault in a language: a validator's own words, else those of the kind of fault."""
    context = fault.get("ctx", {})
    if isinstance(context.get("error"), WrongValue):
        return str(context["error"].words.say(language))
    text = str(fault["msg"]).removeprefix("Value error, ")
    return say(language, f"value.{fault['type']}", **context) if f"value.{fault['type']}" in catalogue() else text

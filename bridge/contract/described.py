"""Settings that describe themselves: from what a connector says of its `Config` come the form of the set-up, a first
configuration, the tables of the documentation and hints for mistyped keys.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bridge.contract.durations import format_duration
from bridge.contract.words import Words

_NONE = Words("", "")
_MARKS = {"dict": ".NAME", "tuple": "[]", "list": "[]"}  # what stands for a name or a place in a key
MessageRef = Words | tuple[str, str]


@dataclass(frozen=True, slots=True)
class About:
    """What one setting is: `app_id: Annotated[str, About(("AppID", "AppID"), ("Which app.", "哪个应用。"))]`.

    `find` is where at the vendor the value is found. `ask`: it belongs into a first configuration though it has a
    default. `make` makes up a value where the admin may choose one (a token, a key). `only` is the role (`channel`,
    `desk`) in which it means something. `published` are values of documentation: as a secret everybody knows them.
    """

    title: MessageRef
    help: MessageRef
    find: MessageRef = _NONE
    example: str = ""
    ask: bool = False
    make: Callable[[], str] | None = None
    only: str = ""
    published: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of an account. `key` is its path: `window.replies`, `templates.NAME.id`, `agents[].name`.

    `default` is written as in the file, "" where there is none. `choices` are all values that it may have, if few.
    """

    key: str
    title: Words
    help: Words
    find: Words
    example: str
    secret: bool
    required: bool
    default: str
    choices: tuple[str, ...]
    asked: bool
    only: str
    make: Callable[[], str] | None
    published: tuple[str, ...]


def describe(config: type[BaseModel]) -> tuple[Setting, ...]:
    """All keys of a `Config` in their order, those of its tables among them. `kind` is left out: it is chosen first."""
    return tuple(_settings(config, ""))


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model behind a field's type: itself, or what an optional, a list or a table by names holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = model_of(inner)
        if found is not None:
            return found
    return None


def _settings(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        if name == "kind" and not prefix:
            continue
        inside = model_of(field.annotation)
        if inside is None:
            yield _setting(f"{prefix}{name}", field, about_of(model, name))
        else:
            mark = _MARKS.get(str(getattr(get_origin(field.annotation), "__name__", "")), "")
            yield from _settings(inside, f"{prefix}{name}{mark}.")


def about_of(model: type[BaseModel], name: str) -> About:
    """What a field, or the one that it stands for in a base class, says of itself."""
    for one in model.__mro__:
        field = getattr(one, "model_fields", {}).get(name)
        found = next((meta for meta in field.metadata if isinstance(meta, About)), None) if field else None
        if found is not None:
            return found
    title = name.replace("_", " ")
    return About((title, title), _NONE)


def _setting(key: str, field: FieldInfo, about: About) -> Setting:
    return Setting(
        key=key,
        title=Words(*about.title),
        help=Words(*about.help),
        find=Words(*about.find),
        example=about.example,
        secret="SecretStr" in str(field.annotation),
        required=field.is_required(),
        default="" if field.is_required() else written(field.default),
        choices=tuple(str(one) for one in _choices(field.annotation)),
        asked=about.ask or field.is_required() or about.make is not None,
        only=about.only,
        make=about.make,
        published=about.published,
    )


def _choices(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(one.value for one in annotation)
    return ()


def written(value: Any) -> str:
    """A value as it stands in a TOML file; "" for none."""
    if value is None or value is PydanticUndefined:
        return ""
    if isinstance(value, SecretStr):
        return written(value.get_secret_value())
    if isinstance(value, timedelta):
        return written(format_duration(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(written(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False, default=str)

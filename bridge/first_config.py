"""A first configuration, commented, with generated keys: for any installed kinds, from what they say of their keys."""

import secrets
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bridge.contract import Setting, describe
from bridge.contract.described import written
from bridge.kinds import GROUP, known_kinds, load_kind
from bridge.settings import ConfigError, nearest

NAMES = {"channel": "shop", "desk": "support"}
_HEAD = {
    "en": "# Written by `bridge init`. Fill in what is empty; `bridge check` names every fault, and\n"
    "# docs/reference/config.md all that can be set.",
    "zh": (
        "# 由 `bridge init` 生成。请填写空白处；`bridge check` 会指出所有错误，\n"
        "# 全部配置项见 docs/reference/config.md。"
    ),
}
_SIDES = {
    "channel": {"en": "# Where customers write.", "zh": "# 客户发消息的渠道。"},
    "desk": {"en": "# Where agents answer.", "zh": "# 客服回复的地方。"},
}


class Chosen(NamedTuple):
    """One side of a first configuration. `values` are what an admin entered; without them everything asked is left
    empty, and what can be made up is made up.
    """

    role: str
    kind: str
    values: Mapping[str, Any] | None = None


def first_config(public_url: str, *, channel: str = "", desk: str = "", language: str = "en") -> str:
    """The text of a file for one channel and one desk. Raises ConfigError for a kind that is not installed or cannot
    be that.
    """
    kinds = first_kinds()
    sides = [Chosen("channel", channel or kinds["channel"]), Chosen("desk", desk or kinds["desk"])]
    head = {"public_url": public_url, "secret_key": secrets.token_hex(32)}
    return config_text(head, sides, language, _HEAD[language])


def first_kinds() -> dict[str, str]:
    """Which kinds are taken when nobody says otherwise, by role."""
    found: dict[str, str] = tomllib.loads((Path(__file__).parent / "first_kinds.toml").read_text("utf-8"))
    return found


def config_text(head: Mapping[str, str], sides: Sequence[Chosen], language: str, comment: str) -> str:
    """A file with `head` in `[bridge]`, these two accounts, and the route between them. Raises ConfigError."""
    sections = [_account(side, language) for side in sides]
    return "\n".join([comment, "", _bridge(head, language), *sections, _ROUTE])


def _bridge(head: Mapping[str, str], language: str) -> str:
    values = {
        "public_url": "",
        "database_url": "sqlite+aiosqlite:///bridge.db",
        "media_dir": "media",
        **head,
        "language": language,
    }
    return "[bridge]\n" + "".join(f"{key:<12} = {written(value)}\n" for key, value in values.items())


_ROUTE = f'[[routes]]\nchannel = "{NAMES["channel"]}"\ndesk    = "{NAMES["desk"]}"\n'


def _account(side: Chosen, language: str) -> str:
    settings = keys_of(side.role, side.kind)
    given = side.values
    width = max((len(one.key) for one in settings), default=4)
    lines = [_SIDES[side.role][language], f"[accounts.{NAMES[side.role]}]", f'{"kind":<{width}} = "{side.kind}"']
    rest = []
    for one in settings:
        if one.asked or (given is not None and one.key in given):
            lines += [f"# {line}" for line in _said(one, language)]
            value = _value(one) if given is None or one.key not in given else written(given[one.key])
            lines.append(f"{one.key:<{width}} = {value}")
        else:
            rest.append(f"# {one.key:<{width}} = {one.default or written(one.example)}")
    return "\n".join([*lines, *rest]) + "\n"


def keys_of(role: str, kind: str) -> list[Setting]:
    """The keys of a kind that mean something in a role, its tables left out."""
    kinds = known_kinds()
    if kind not in kinds:
        able = ", ".join(sorted(kinds))
        raise ConfigError([f"--{role}: {kind!r} is not installed{nearest(kind, kinds)}; kinds: {able} ({GROUP})"])
    try:
        connector = load_kind(kinds[kind])
    except ImportError as error:
        raise ConfigError([f"--{role}: {kind!r} cannot be loaded: {error}"]) from None
    if role not in {one.value for one in connector.roles}:
        raise ConfigError([f"--{role}: {kind!r} cannot be a {role}; `bridge connectors` lists what each kind can be"])
    return [one for one in describe(connector.Config) if "." not in one.key and one.only in {"", role}]


def _said(one: Setting, language: str) -> list[str]:
    """Title and help, and where to find the value."""
    title, help_, find = (words.say(language) for words in (one.title, one.help, one.find))
    stop, colon = ("。", "：") if language == "zh" else (".", ": ")
    lines = [f"{title}{colon}{help_}" if help_ else f"{title}{stop}"]
    if find:
        lines.append(f"  {'获取位置：' if language == 'zh' else 'Found at: '}{find}")
    if one.example and one.make is None:
        lines.append(f"  {'例如：' if language == 'zh' else 'For example: '}{one.example}")
    return [part for line in lines for part in line.split("\n")]


def _value(one: Setting) -> str:
    if one.make is not None:
        return written(one.make())
    return one.default or '""'

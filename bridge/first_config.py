"""A first configuration, commented, with generated keys: for any installed kinds, from what they say of their keys."""

import secrets
import tomllib
from pathlib import Path

from bridge.contract import Setting, describe
from bridge.contract.described import written
from bridge.kinds import GROUP, known_kinds, load_kind
from bridge.settings import ConfigError, nearest

_NAMES = {"channel": "shop", "desk": "support"}
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


def first_config(public_url: str, *, channel: str = "", desk: str = "", language: str = "en") -> str:
    """The text of a file for one channel and one desk. Raises ConfigError for a kind that is not installed or cannot
    be that.
    """
    chosen = tomllib.loads((Path(__file__).parent / "first_kinds.toml").read_text("utf-8"))
    kinds = {"channel": channel or chosen["channel"], "desk": desk or chosen["desk"]}
    sections = [_account(role, kind, language) for role, kind in kinds.items()]
    return "\n".join([_HEAD[language], "", _bridge(public_url, language), *sections, _ROUTE])


def _bridge(public_url: str, language: str) -> str:
    values = {
        "public_url": public_url,
        "database_url": "sqlite+aiosqlite:///bridge.db",
        "media_dir": "media",
        "secret_key": secrets.token_hex(32),
        "language": language,
    }
    return "[bridge]\n" + "".join(f"{key:<12} = {written(value)}\n" for key, value in values.items())


_ROUTE = f'[[routes]]\nchannel = "{_NAMES["channel"]}"\ndesk    = "{_NAMES["desk"]}"\n'


def _account(role: str, kind: str, language: str) -> str:
    settings = _keys_of(role, kind)
    width = max(len(one.key) for one in settings) if settings else 4
    lines = [_SIDES[role][language], f"[accounts.{_NAMES[role]}]", f'{"kind":<{width}} = "{kind}"']
    rest = []
    for one in settings:
        if one.asked:
            lines += [f"# {line}" for line in _said(one, language)]
            lines.append(f"{one.key:<{width}} = {_value(one)}")
        else:
            rest.append(f"# {one.key:<{width}} = {one.default or written(one.example)}")
    return "\n".join([*lines, *rest]) + "\n"


def _keys_of(role: str, kind: str) -> list[Setting]:
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

"""The keys of connectors as tables for the documentation, from what they say of themselves."""

from collections.abc import Sequence

from bridge.contract import AccountConfig, Setting, describe
from bridge.kinds import known_kinds, load_kind

_WORDS = {
    "en": {
        "head": "| key | default | meaning |",
        "required": "required",
        "none": "none",
        "choices": "One of {}.",
        "channel": "As a channel only.",
        "desk": "As a desk only.",
        "bot": "As a bot only.",
        "find": "Found at: {}.",
        "example": "For example `{}`.",
        "secret": "Secret.",
        "comma": ", ",
        "space": " ",
    },
    "zh": {
        "head": "| 键 | 默认值 | 含义 |",
        "required": "必填",
        "none": "无",
        "choices": "可选值：{}。",
        "channel": "仅用作渠道时。",
        "desk": "仅用作工单系统时。",
        "bot": "仅用作机器人时。",
        "find": "位置：{}。",
        "example": "例如 `{}`。",
        "secret": "密钥，请保密。",
        "comma": "、",
        "space": "",
    },
}


def keys_text(kind: str, language: str = "en") -> str:
    """A Markdown table of the keys of one kind; those that every account has are left out, unless they differ."""
    common = {one.key: one for one in describe(AccountConfig)}
    rows = [one for one in describe(load_kind(known_kinds()[kind]).Config) if common.get(one.key) != one]
    return "\n".join([_WORDS[language]["head"], "|---|---|---|", *(_row(one, language) for one in rows)])


def all_keys_text(kinds: Sequence[str]) -> str:
    """The tables of some kinds, each under its name."""
    return "\n\n".join(f"### `{kind}`\n\n{keys_text(kind)}" for kind in kinds)


def _row(one: Setting, language: str) -> str:
    words = _WORDS[language]
    default = words["none"] if one.default in {"", '""', "[]", "{}"} else f"`{one.default}`"
    said = [one.help.say(language) or one.title.say(language)]
    if one.choices:
        said.append(words["choices"].format(words["comma"].join(f"`{choice}`" for choice in one.choices)))
    if one.only:
        said.append(words[one.only])
    if one.find.say(language):
        said.append(words["find"].format(one.find.say(language).rstrip("。")))
    if one.example and not one.secret:
        said.append(words["example"].format(one.example))
    if one.secret:
        said.append(words["secret"])
    shown = words["required"] if one.required else default
    return f"| `{one.key}` | {shown} | {words['space'].join(said)} |".replace("\n", " ")

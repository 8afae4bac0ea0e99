"""The keys of connectors as tables for the documentation, from what they say of themselves."""

from collections.abc import Sequence

from bridge.contract import AccountConfig, Setting, describe
from bridge.kinds import known_kinds, load_kind


def keys_text(kind: str) -> str:
    """A Markdown table of the keys of one kind; those that every account has are left out, unless they differ."""
    common = {one.key: one for one in describe(AccountConfig)}
    rows = [one for one in describe(load_kind(known_kinds()[kind]).Config) if common.get(one.key) != one]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *map(_row, rows)])


def all_keys_text(kinds: Sequence[str]) -> str:
    """The tables of some kinds, each under its name."""
    return "\n\n".join(f"### `{kind}`\n\n{keys_text(kind)}" for kind in kinds)


def _row(one: Setting) -> str:
    default = "required" if one.required else "none" if one.default in {"", '""', "[]", "{}"} else f"`{one.default}`"
    said = [one.help.en or one.title.en]
    if one.choices:
        said.append(f"One of {', '.join(f'`{choice}`' for choice in one.choices)}.")
    if one.only:
        said.append(f"As a {one.only} only.")
    if one.find.en:
        said.append(f"Found at: {one.find.en}.")
    if one.example and not one.secret:
        said.append(f"For example `{one.example}`.")
    if one.secret:
        said.append("Secret.")
    return f"| `{one.key}` | {default} | {' '.join(said)} |".replace("\n", " ")

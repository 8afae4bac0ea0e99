"""Routes put into the configuration: only its `[[routes]]` change, and what was there before can be put back.

The former ones are kept beside the configuration, in `routes/`. A bridge that serves reads routes when it starts.
"""

import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from bridge.contract import Words
from bridge.settings import load_settings
from mappings import state
from mappings.private import write_whole
from mappings.store import Tx

_HEAD = re.compile(r"^\s*\[\[?\s*([^\].]+)")
_BY_HAND = Words("write the routes into it yourself", "请手动将路由写入该文件")
_FORM = Words(
    f"has its [[routes]] in a form that cannot be changed by lines; {_BY_HAND.en}",
    f"其中 [[routes]] 的写法无法自动修改，{_BY_HAND.zh}",
)
_NONE = Words(
    "no former routes are kept beside it, so there is nothing to put back", "没有保留之前的路由，无可恢复的内容"
)
_MEANWHILE = Words(
    "its routes were changed meanwhile; look at them, and compare again", "其中的路由刚刚已被更改，请查看后重新比较"
)


class Unpublishable(ValueError):
    """Why routes cannot be put into this file, in a sentence."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Standing(NamedTuple):
    """The routes that a configuration has now: their lines, and the name they are known by."""

    text: str
    version: str


class Proposal(NamedTuple):
    """Other routes for a configuration. `instead_of`: the version that it has as far as whoever proposes knows."""

    text: str
    version: str
    instead_of: str


def with_routes(text: str, routes: str) -> str:
    """A configuration with other `[[routes]]`, where its first ones stood; everything else as it was, to the letter.
    Raises Unpublishable where that cannot be done by lines.
    """
    kept: list[str] = []
    place, mine = None, False
    for line in text.splitlines(keepends=True):
        head = _HEAD.match(line)
        if head:
            mine = head[1].strip().strip("\"'") == "routes"
            if mine and place is None:
                place = len(kept)
        if not mine:
            kept.append(line)
    place = len(kept) if place is None else place
    before = "".join(kept[:place])
    made = (before if not before or before.endswith("\n") else f"{before}\n") + routes.strip() + "\n\n"
    made = (made + "".join(kept[place:])).rstrip("\n") + "\n"
    try:
        old, new, wanted = (tomllib.loads(one) for one in (text, made, routes))
    except tomllib.TOMLDecodeError as error:
        raise Unpublishable(
            Words(f"cannot be put in by lines ({error}); {_BY_HAND.en}", f"无法自动写入（{error}），{_BY_HAND.zh}")
        ) from None
    if new != {**old, "routes": wanted.get("routes", [])}:
        raise Unpublishable(_FORM)
    return made


def routes_in(text: str) -> str:
    """The lines of a configuration that are its `[[routes]]`, with the comments in them."""
    lines, mine = [], False
    for line in text.splitlines(keepends=True):
        head = _HEAD.match(line)
        if head:
            mine = head[1].strip().strip("\"'") == "routes"
        lines += [line] if mine else []
    return "".join(lines)


def standing(path: Path) -> Standing:
    """What is in the file now, which may not be what serves. Raises ConfigError."""
    return Standing(routes_in(path.read_text("utf-8")), load_settings(path).routes_version)


def former(path: Path) -> str:
    """The routes that were there before the last time they were published. Raises Unpublishable where none are kept."""
    return _former(path).read_text("utf-8")


def is_kept(path: Path) -> bool:
    """Whether there are former routes to put back."""
    return any((path.parent / "routes").glob("*.toml"))


def publish(tx: Tx, path: Path, proposal: Proposal, who: str, now: datetime) -> None:
    """Puts routes into the configuration and keeps the former ones, with a row of the audit. Raises Unpublishable,
    ConfigError, OSError; the file is the last that changes.
    """
    text = _unchanged(path, proposal)
    made = with_routes(text, routes_in(proposal.text) or proposal.text)
    state.add_audit(tx, who, "publish routes", f"{proposal.instead_of} → {proposal.version}", now)
    folder = path.parent / "routes"
    folder.mkdir(exist_ok=True)
    write_whole(folder / f"{now:%Y%m%dT%H%M%S%fZ}.toml", routes_in(text).encode())
    _write(path, made)


def undo(tx: Tx, path: Path, proposal: Proposal, who: str, now: datetime) -> None:
    """Puts the former routes back, which the proposal names. Undone once more, those before them come."""
    text, kept = _unchanged(path, proposal), _former(path)
    if kept.read_text("utf-8") != proposal.text:
        raise Unpublishable(_MEANWHILE)
    made = with_routes(text, proposal.text)
    state.add_audit(tx, who, "undo routes", f"{proposal.instead_of} → {proposal.version}", now)
    _write(path, made)
    kept.unlink()


def _unchanged(path: Path, proposal: Proposal) -> str:
    """The file, if nobody else put other routes into it meanwhile."""
    if load_settings(path).routes_version != proposal.instead_of:
        raise Unpublishable(_MEANWHILE)
    return path.read_text("utf-8")


def _former(path: Path) -> Path:
    found = sorted((path.parent / "routes").glob("*.toml"))
    if not found:
        raise Unpublishable(_NONE)
    return found[-1]


def _write(path: Path, text: str) -> None:
    """Whole or not at all, with the same rights."""
    write_whole(path.resolve(), text.encode(), path.stat().st_mode & 0o777)

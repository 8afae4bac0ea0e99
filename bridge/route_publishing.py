"""Routes put into the configuration: only its `[[routes]]` change, and what was there before can be put back.

The former ones are kept beside the configuration, in `routes/`. A bridge that serves reads routes when it starts.
"""

import re
import tomllib
from datetime import datetime
from pathlib import Path

from mappings.private import write_whole

_HEAD = re.compile(r"^\s*\[\[?\s*([^\].]+)")


class Unpublishable(ValueError):
    """Why routes cannot be put into this file, in a sentence."""


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
        raise Unpublishable(f"cannot be put in by lines ({error}); write the routes into it yourself") from None
    if new != {**old, "routes": wanted.get("routes", [])}:
        raise Unpublishable("has its [[routes]] in a form that cannot be changed by lines; write them into it yourself")
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


def put(path: Path, routes: str, now: datetime) -> None:
    """Routes into a configuration; the former ones are kept."""
    text = path.read_text("utf-8")
    made = with_routes(text, routes_in(routes) or routes)
    folder = path.parent / "routes"
    folder.mkdir(exist_ok=True)
    (folder / f"{now:%Y%m%dT%H%M%S%fZ}.toml").write_text(routes_in(text), "utf-8")
    _write(path, made)


def former(path: Path) -> Path | None:
    """The routes that were there before the last time they were published."""
    found = sorted((path.parent / "routes").glob("*.toml"))
    return found[-1] if found else None


def put_back(path: Path) -> None:
    """The former routes into a configuration. Undone once more, those before them come."""
    kept = former(path)
    if kept is None:
        raise Unpublishable("no former routes are kept beside it, so there is nothing to put back")
    _write(path, with_routes(path.read_text("utf-8"), kept.read_text("utf-8")))
    kept.unlink()


def _write(path: Path, text: str) -> None:
    """Whole or not at all, with the same rights."""
    write_whole(path.resolve(), text.encode(), path.stat().st_mode & 0o777)

"""The disks of this machine that the bridge writes to: that of the files, and that of the database where it is a file.

Files are refused while less than `keep_free` is left on theirs. The database has no such choice: it is watched, so that
somebody hears of it before callbacks have to be refused. A database server's disk is seen by that server alone.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

FILES, DATABASE = "files", "database"


@dataclass(frozen=True, slots=True)
class Shortage:
    """What is wrong with a disk: `free` of `least` bytes, or `free` < 0 where it cannot be written at all."""

    what: str
    place: Path
    free: int
    least: int

    @property
    def words(self) -> str:
        """For whoever runs the machine."""
        if self.free < 0:
            return f"files cannot be stored: media_dir cannot be written: {self.place}"
        left = f"{mebibytes(self.free)} are free in {self.place}, bridge.keep_free asks for {mebibytes(self.least)}"
        if self.what == FILES:
            return f"files are refused: {left}"
        return f"the database's disk runs full, then no message can be kept: {left}"


def shortages(media_dir: Path, database_url: str, keep_free: int) -> list[Shortage]:
    """What is short now. Reads the file systems: call it from a thread."""
    found = []
    if media_dir.exists() and not (media_dir.is_dir() and os.access(media_dir, os.W_OK | os.X_OK)):
        found.append(Shortage(FILES, media_dir, -1, keep_free))
    elif (free := free_bytes(media_dir)) < keep_free:
        found.append(Shortage(FILES, media_dir, free, keep_free))
    place = database_folder(database_url)
    if place is not None and (short := database_shortage(place, media_dir, keep_free)) is not None:
        found.append(short)
    return found


def database_shortage(place: Path, media_dir: Path, keep_free: int) -> Shortage | None:
    """On one disk with the files it is told later: what they leave is kept for it."""
    least = keep_free // 2 if _disk(place) == _disk(media_dir) else keep_free
    free = free_bytes(place)
    return Shortage(DATABASE, place, free, least) if free < least else None


def database_folder(database_url: str) -> Path | None:
    """Where the database's file is; None for a server's, and for one in memory."""
    url = make_url(database_url)
    if not url.drivername.startswith("sqlite") or not url.database or url.database == ":memory:":
        return None
    return Path(url.database).parent


def free_bytes(place: Path) -> int:
    """What is free on the disk of a folder that may not be there yet."""
    return shutil.disk_usage(_there(place)).free


def mebibytes(count: int) -> str:
    """For people."""
    return f"{count / 2**20:,.0f} MiB"


def _disk(place: Path) -> int:
    return _there(place).stat().st_dev


def _there(place: Path) -> Path:
    while not place.exists() and place != place.parent:
        place = place.parent
    return place

"""Files and folders that hold customers' words: theirs who runs the bridge, nobody else's on this machine."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

_FILE, _FOLDER = 0o600, 0o700
_OTHERS = 0o007


def private_folder(path: Path) -> None:
    """Makes a folder and what is missing above it, each 0700. One that is there and open to everybody is closed.

    Raises OSError when it cannot be made.
    """
    for folder in reversed([one for one in (path, *path.parents) if not one.exists()]):
        folder.mkdir(mode=_FOLDER, exist_ok=True)
    _close(path, _FOLDER)


def private_file(path: Path) -> None:
    """Makes an empty file, 0600, where there is none. One that is there and open to everybody is closed.

    SQLite gives its journals the mode of the database, so this has to come first. Raises OSError.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE))
    _close(path, _FILE)


def private_maker(path: str, flags: int) -> int:
    """An opener for `open`: what it makes is 0600 from the first moment."""
    return os.open(path, flags | os.O_CLOEXEC, _FILE)


def write_whole(path: Path, data: bytes, mode: int = _FILE) -> None:
    """A whole file or none, also when the machine stops in between. Raises OSError."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(partial, "xb", opener=private_maker) as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise


def close_to_others(path: Path) -> None:
    """Takes a file that is there away from everybody but its owner. What is not ours stays as it is."""
    _close(path, _FILE)


def _close(path: Path, mode: int) -> None:
    """An admin who lets a group in (0640, for backups) means it; everybody is never meant. /tmp is nobody's own."""
    with suppress(OSError):
        found = path.stat().st_mode
        if found & _OTHERS and not found & stat.S_ISVTX:
            path.chmod(mode)

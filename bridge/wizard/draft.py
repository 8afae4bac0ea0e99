"""The half-done configuration, kept on disk between two clicks: sealed, and readable by its owner only.

Its key lies beside it, as the secrets will lie in the configuration's file: who can read one may read the other. What
the seal prevents is that a copy, a search or a backup of the one file shows them.
"""

import hashlib
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bridge.services.encryption import seal, unseal
from mappings.private import private_folder, write_whole

FOLDER = ".bridge-setup"


class Former(BaseModel):
    """A value that was replaced by a new one: callbacks may still carry it."""

    key: str
    value: str
    until: str  # when, in UTC


class Account(BaseModel):
    """A chosen kind and what is entered so far, as it will stand in the file."""

    kind: str
    values: dict[str, Any] = {}
    former: list[Former] = []


class Draft(BaseModel):
    """All that was entered so far. `done` are steps that were finished or skipped, `browsers` hashes of their cookies,
    `written` is the hash of the file that was made of it. `put_aside` is what was entered for kinds that are not chosen
    now, by role and kind.
    """

    language: str = ""
    admin: str = ""
    public_url: str = ""
    secret_key: str = ""
    channel: Account | None = None
    desk: Account | None = None
    done: list[str] = []
    browsers: list[str] = []
    since: str = ""
    written: str = ""
    put_aside: dict[str, Account] = {}

    def finish(self, step: str) -> None:
        """A step is done, or left for later."""
        self.done = [*(one for one in self.done if one != step), step]


class Drafts:
    """Where the draft of one configuration's file is kept."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self._folder = config.parent / FOLDER
        self._key = self._folder / "key"
        self._file = self._folder / config.name

    def load(self) -> Draft:
        """What was kept, or a new one. One that cannot be opened (its key is gone) is begun anew."""
        try:
            found = unseal(self._file.read_bytes(), self._read_key())
        except (OSError, ValueError):
            found = None
        return Draft.model_validate(found) if found else Draft(secret_key=secrets.token_hex(32))

    def save(self, draft: Draft) -> None:
        """Durable on return. Raises OSError."""
        private_folder(self._folder)
        if not self._key.exists():
            write_whole(self._key, secrets.token_bytes(32))
        write_whole(self._file, seal(draft.model_dump(mode="json"), self._read_key()))

    def forget(self) -> None:
        """The set-up is finished."""
        for path in (self._file, self._key):
            with suppress(OSError):
                path.unlink()
        with suppress(OSError):
            self._folder.rmdir()

    def unfinished(self) -> bool:
        """Whether there is something to go on with: no file yet, or just the one that this draft wrote."""
        if not self.config.exists():
            return True
        if not self._file.exists():
            return False
        return self.load().written == digest(self.config)

    def _read_key(self) -> bytes:
        return self._key.read_bytes()[:32].ljust(32, b"\0")


def digest(path: Path) -> str:
    """The hash of a file, "" where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def write_private(path: Path, text: str) -> None:
    """A whole file or none, 0600. Raises OSError."""
    write_whole(path, text.encode())

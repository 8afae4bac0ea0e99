"""Where the bytes of files are: one folder on this machine's disk, each file named by its hash.

What this disk refuses (full, read-only, no rights, worn out) is the fault of the machine and of no file: it is said
once in the log, and in `bridge status` and `/readyz` until something can be written again. Files are refused while less
than `keep_free` bytes are left, so that the database beside them can still keep what people write.
"""

import contextlib
import errno
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from bridge.contract import Rejected, Scope, StoreDown, Throttled
from bridge.services.disks import free_bytes, mebibytes
from mappings.private import private_folder

log = structlog.get_logger("bridge.media")

_GONE = {"en": "the file is no longer kept here", "zh": "文件已不再保留"}
_DOWN = {"en": "the bridge cannot store files at the moment", "zh": "系统暂时无法保存文件"}
_REMEDY = (
    "Free the disk, or give the bridge's user the right to write in media_dir. Files are tried again by themselves."
)
_AGAIN = 30.0  # seconds
_PART = ".part"
_FORGOTTEN = 3600.0  # seconds after which an unfinished file of another process is a leftover
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF})  # some network file systems have none


class MediaDown(Throttled, StoreDown):
    """This machine cannot store or read files now. It waits for the machine, however long, and blames no account."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=_AGAIN, scope=Scope.MACHINE, code="media_dir", reason=_DOWN)


class MediaFolder:
    """Files by their hash. `trouble` says why none can be stored at present; empty while all is well.

    All but `path` do input and output: call them from a thread.
    """

    def __init__(self, place: Path, keep_free: int = 0) -> None:
        self.place = place
        self.keep_free = keep_free
        self.trouble = ""
        self._room = 1  # bytes that must fit before the trouble is over

    def path(self, digest: str) -> Path:
        """Where the bytes of a hash are. Raises ValueError for what is no hash."""
        if len(digest) != 64 or not all(letter in "0123456789abcdef" for letter in digest):
            raise ValueError("not a hash")
        return self.place / digest[:2] / digest

    def read(self, digest: str) -> bytes:
        """Raises Rejected when retention has removed it, MediaDown when this machine cannot read now."""
        try:
            return self.path(digest).read_bytes()
        except ValueError:
            raise _gone() from None
        except FileNotFoundError:
            if self.place.is_dir():
                raise _gone() from None
            raise MediaDown(f"media_dir is not there: {self.place}") from None
        except OSError as error:
            raise MediaDown(f"media_dir cannot be read: {self.place}: {_why(error)}") from None

    def save(self, data: bytes) -> str:
        """Stores bytes under their hash: whole and durable, or not at all. Raises MediaDown."""
        digest = hashlib.sha256(data).hexdigest()
        if why := self._short(len(data)):
            raise self._refused(why, len(data))
        try:
            written = self._save(self.path(digest), data)
        except OSError as error:
            raise self._failed(error, len(data)) from None
        if written and len(data) >= self._room:  # a small one that found room says nothing of the one that did not
            self._well()
        return digest

    def probe(self) -> bool:
        """Whether a file could be stored now; while there is trouble, one as large as the one that failed."""
        if why := self._short(self._room):
            self._refused(why, self._room)
            return False
        try:
            private_folder(self.place)
            with self._part(self.place) as (handle, _):
                os.posix_fallocate(handle, 0, self._room)
        except OSError as error:
            self._failed(error, self._room)
            return False
        self._well()
        return True

    def remove(self, digests: Sequence[str]) -> None:
        """Deletes files that nothing names any more. Raises OSError."""
        for digest in digests:
            with contextlib.suppress(FileNotFoundError, ValueError):
                self.path(digest).unlink()

    def remove_partial(self, *, alone: bool) -> None:
        """Removes what a crash left half written; `alone`: no other process writes here. Others' are left an hour."""
        for pattern in (f"*{_PART}", f"[0-9a-f][0-9a-f]/*{_PART}"):
            for part in self.place.glob(pattern):
                with contextlib.suppress(OSError):
                    if alone or time.time() - part.stat().st_mtime > _FORGOTTEN:
                        part.unlink()

    def _save(self, path: Path, data: bytes) -> bool:
        private_folder(self.place)
        fresh = not path.parent.exists()
        private_folder(path.parent)
        missing = not path.exists()
        if missing:
            with self._part(path.parent) as (handle, part):
                with open(handle, "wb", closefd=False) as file:
                    file.write(data)
                os.fsync(handle)
                part.replace(path)
        _sync_folder(path.parent)  # also for one that another writer has just put there
        if fresh:
            _sync_folder(self.place)
        return missing

    @contextlib.contextmanager
    def _part(self, folder: Path) -> Iterator[tuple[int, Path]]:
        """A new file that nobody else has, 0600; gone at the end unless it was moved to its place."""
        handle, name = tempfile.mkstemp(suffix=_PART, dir=folder)
        part = Path(name)
        try:
            yield handle, part
        finally:
            os.close(handle)
            with contextlib.suppress(OSError):
                part.unlink()

    def _short(self, more: int) -> str:
        """Why `more` bytes would leave too little room; "" when they would not."""
        if not self.keep_free or free_bytes(self.place) - more >= self.keep_free:
            return ""
        return f"media_dir has less room than keep_free asks for ({mebibytes(self.keep_free)}): {self.place}"

    def _failed(self, error: OSError, room: int) -> MediaDown:
        return self._refused(f"media_dir cannot be written: {self.place}: {_why(error)}", room)

    def _refused(self, why: str, room: int) -> MediaDown:
        self._room = max(room, 1)
        if why != self.trouble:
            self.trouble = why
            log.warning("files cannot be stored", why=why, remedy=_REMEDY)
        return MediaDown(why)

    def _well(self) -> None:
        self._room = 1
        if self.trouble:
            self.trouble = ""
            log.warning("files can be stored again", media_dir=str(self.place))


def _gone() -> Rejected:
    return Rejected("the file is no longer kept here", code="file gone", reason=_GONE)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _sync_folder(folder: Path) -> None:
    """A new name is durable once its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)

"""What visitors of the demonstration do to the world, shared with the process that serves: the time, and the desk."""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

_SHAPE = struct.Struct("<d?")


class Switches:
    """A few bytes of shared memory in a file: they outlive a process that is killed."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_SHAPE.pack(0.0, False))
        with path.open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), _SHAPE.size)

    def _read(self) -> tuple[float, bool]:
        ahead, down = _SHAPE.unpack(self._bytes[: _SHAPE.size])
        return ahead, down

    def now(self) -> datetime:
        """The demonstration's time."""
        return datetime.now(UTC) + timedelta(seconds=self._read()[0])

    @property
    def ahead(self) -> timedelta:
        """How much later it is there."""
        return timedelta(seconds=self._read()[0])

    @property
    def down(self) -> bool:
        """Whether the desk is taken down."""
        return self._read()[1]

    def let_pass(self, time: timedelta) -> None:
        """It is that much later."""
        ahead, down = self._read()
        self._bytes[: _SHAPE.size] = _SHAPE.pack(ahead + time.total_seconds(), down)

    def take_down(self, *, down: bool) -> None:
        """The desk is away, or back."""
        self._bytes[: _SHAPE.size] = _SHAPE.pack(self._read()[0], down)

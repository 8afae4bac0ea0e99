"""What a page says of a disk, and that a log that cannot be written stops nothing."""

import errno
import io
from typing import Any

import pytest

from bridge.console.app import _refusal_of
from bridge.log_lines import Stream
from bridge.services.folder import MediaDown
from tests.console.console_harness import ConsoleScene


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EFBIG])
def test_a_disk_that_takes_nothing_is_no_bug(code: int) -> None:
    refused = _refusal_of(OSError(code, "why"))
    assert (refused.text, refused.status) == ("error.disk", 503)
    why = refused.values["why"]
    assert why.en == "why" and why.zh.endswith("（why）") and len(why.zh) > 7
    assert _refusal_of(MediaDown("media_dir is full")).text == "error.disk"
    assert _refusal_of(ConnectionResetError(errno.ECONNRESET, "x")).text == "error.bug"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_export_without_room_is_said(scene: ConsoleScene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.says("anna", "hello")
    await scene.quiet()
    admin = await scene.person()

    def full(**_: Any) -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    answer = await admin.send("/people/1/export", named="shop:anna")
    assert answer.status_code == 503 and "No usable temporary directory" in answer.text


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(errno.ENOSPC, "no space left on device")

        def flush(self) -> None:
            raise BrokenPipeError

    print("a line", file=Stream(Full()), flush=True)  # type: ignore[arg-type]  # as the logger does it

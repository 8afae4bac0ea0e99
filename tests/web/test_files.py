"""Links to files: what opens one, until when."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.contract import Media
from bridge.services.media import MediaFiles
from bridge.testing.clock import VirtualClock

_DIGEST, _OTHER = "a" * 64, "b" * 64


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def _files(folder: Path, clock: VirtualClock, key: bytes = b"k" * 32) -> MediaFiles:
    store: Any = None  # a link is made and opened without a look into the database
    return MediaFiles(store, folder, public_url="https://bridge.example", key=key, valid=timedelta(days=7), now=clock)


def test_a_link_opens_its_own_file_until_it_ends(tmp_path: Path, clock: VirtualClock) -> None:
    files = _files(tmp_path, clock)
    link = files.link(Media(account="shop", id="m", sha256=_DIGEST))
    token = link.removeprefix("https://bridge.example/media/")
    assert files.open_link(token) == _DIGEST
    clock.advance(7 * 86400 - 1)
    assert files.open_link(token) == _DIGEST
    clock.advance(3601)  # links end with an hour, so that many messages name the same one
    assert files.open_link(token) is None


def test_what_was_changed_opens_nothing(tmp_path: Path, clock: VirtualClock) -> None:
    files = _files(tmp_path, clock)
    token = files.link(Media(account="shop", id="m", sha256=_DIGEST)).rpartition("/")[2]
    digest, until, mark = token.split(".")
    later = str(int(until) + 86400)
    forged = [
        f"{_OTHER}.{until}.{mark}",
        f"{digest}.{later}.{mark}",
        f"{digest}.{until}.{mark[:-1]}",
        f"{digest}.{until}.",
    ]
    odd = [
        "",
        ".",
        "..",
        digest,
        f"{digest}.x.{mark}",
        f"{digest}.{'9' * 30}.{mark}",
        f"{digest}.\u0662.{mark}",
        "%00.1.x",
    ]
    assert [files.open_link(one) for one in (*forged, *odd)] == [None] * len([*forged, *odd])
    assert _files(tmp_path, clock, b"o" * 32).open_link(token) is None, "another bridge's key"

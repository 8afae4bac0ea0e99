"""A console that is open."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.console.console_harness import ConsoleScene


@pytest.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[ConsoleScene]:
    async with ConsoleScene(database_url, tmp_path).open() as open_scene:
        yield open_scene

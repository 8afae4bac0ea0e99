from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine.bot_harness import BotScene, Opened
from tests.engine.engine_harness import Scene


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> Scene:
    return Scene(database_url, tmp_path)


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Opened:
    """Opens a shop with a bot: `async with opened(**options) as scene`."""

    @asynccontextmanager
    async def open_it(**options: Any) -> AsyncIterator[BotScene]:
        scene = BotScene(database_url, tmp_path, **options)
        async with scene.running():
            yield scene

    return open_it

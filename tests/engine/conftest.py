from pathlib import Path

import pytest

from tests.engine.engine_harness import Scene


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> Scene:
    return Scene(database_url, tmp_path)

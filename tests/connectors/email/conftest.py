import pytest
from mail_rig import make_world


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def desk():
    async with make_world() as world:
        yield world


@pytest.fixture
async def channel():
    async with make_world(role="channel") as world:
        yield world

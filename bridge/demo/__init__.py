"""A demonstration with no account anywhere: simulated vendors on loopback, and the shipped bridge between them."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

from bridge.demo.any_desk import converse
from bridge.demo.script import play
from bridge.demo.show import show
from mappings.private import private_folder


async def run_demo(port: int, folder: str | None, *, script: bool, desk: str = "") -> None:
    """Serves the demonstration's page until it is stopped; with `script`, plays a conversation in the terminal, and
    with `desk` one with the simulator of an installed desk.
    """
    with contextlib.ExitStack() as stack:
        chosen = folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-demo-"))
        place = await asyncio.to_thread(_made, Path(chosen))
        if desk:
            await converse(place, desk)
        else:
            await (play(place) if script else show(port, place))


def _made(place: Path) -> Path:
    place = place.absolute()
    if not place.exists():
        private_folder(place)
    return place

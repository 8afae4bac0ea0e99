"""What all random interleavings share: one bridge that is killed and started again on one world, with its own database."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.databases import sqlite_database
from tests.engine.engine_harness import Scene


class VendorsMachine(RuleBasedStateMachine):
    """Subclasses make the scene, add what its people do, and judge in the end."""

    database_url: ClassVar[str] = ""  # "": a file of its own
    pauses: ClassVar[tuple[float, ...]] = (1, 40)

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.scene = self.make_scene(self.database_url or sqlite_database(self.folder.name), Path(self.folder.name))
        self.scene.vendors.replies = 5
        self.context: Any = None
        self.runner.run(self._start())

    def make_scene(self, url: str, folder: Path) -> Any:
        return Scene(url, folder)

    async def judge(self) -> None:
        raise NotImplementedError

    async def _start(self) -> None:
        self.context = self.scene.running()
        await self.context.__aenter__()

    async def _crash(self) -> None:
        """No step is finished, no lease is given back."""
        engine = self.scene.bridge.engine
        engine.timetable.scheduler.stop()
        for dispatcher in engine.loops.dispatchers.values():
            dispatcher.cancel()
        tasks = [*engine._tasks, *(task for one in engine.loops.dispatchers.values() for task in one._tasks)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        engine._tasks.clear()
        await self.context.__aexit__(None, None, None)

    @rule(place=st.integers(0, 9))
    def time_passes(self, place: int) -> None:
        self.runner.run(self.scene.pass_time(self.pauses[place % len(self.pauses)]))

    @rule()
    def all_is_quiet(self) -> None:
        self.runner.run(self.scene.quiet())

    @rule()
    def the_process_dies(self) -> None:
        self.runner.run(self._crash())
        self.runner.run(self._start())

    async def settle(self, seconds: float, *, rounds: int = 6) -> None:
        """Everything that can happen by itself has happened."""
        for _ in range(rounds):
            self.scene.look()
            await self.scene.collected()
            await self.scene.pass_time(seconds)
            await self.scene.quiet()

    def teardown(self) -> None:
        try:
            self.runner.run(self.judge())
        finally:
            self.runner.run(self._crash())
            self.runner.close()
            self.folder.cleanup()


def run_machine(machine: type[VendorsMachine], database_url: str, *, examples: int = 12, steps: int = 25) -> None:
    """Many on files, one on a server: its database cannot be made anew for each. `BRIDGE_EXAMPLES` asks for more, and
    pytest's `--hypothesis-seed` for others.
    """
    examples = int(os.environ.get("BRIDGE_EXAMPLES", examples))
    sqlite = "sqlite" in database_url
    made = type(machine.__name__, (machine,), {"database_url": "" if sqlite else database_url})
    run_state_machine_as_test(
        made,
        settings=settings(
            max_examples=examples if sqlite else 1,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # what depends on real time cannot be shrunk
        ),
    )

"""What a visitor may break. It is done to the real thing: a process is killed, a call is repeated, time passes."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bridge.cli.trace import trace_json
from bridge.demo.forward import Forward
from bridge.demo.parts import CUSTOMER
from bridge.demo.people import Colleagues
from bridge.demo.story import held_in, waiting_for
from bridge.demo.texts import say
from mappings.cli_access import open_reader
from mappings.states import StepState
from mappings.store import StoreUnusable

if TYPE_CHECKING:
    from bridge.demo.show import Scene

_LATER = timedelta(hours=48, minutes=1)
_MOST = 12  # answers at a time
_PATIENCE = 10.0  # seconds for one of them


class Breaking:
    """The buttons of the panel."""

    def __init__(self, scene: "Scene", colleagues: Colleagues, forward: Forward) -> None:
        self._scene = scene
        self._colleagues = colleagues
        self._forward = forward
        self._repeated = ""  # the message that was delivered twice
        self._desk_was_down = False

    async def do(self, verb: str, language: str) -> str | None:
        """One of them. A sentence where it cannot be done, "" where it was, None for what there is not."""
        acts = {
            "desk": self._desk,
            "kill": self._kill,
            "twice": self._twice,
            "later": self._later,
            "spend": self._spend,
        }
        act = acts.get(verb)
        return await act(language) if act is not None else None

    async def _desk(self, _language: str) -> str:
        down = not self._scene.switches.down
        self._scene.switches.take_down(down=down)
        self._desk_was_down = True
        if down:
            self._forward.cut()
        return ""

    async def _kill(self, _language: str) -> str:
        serving = self._scene.serving
        if serving.alive:
            serving.kill()
            self._forward.cut()
        else:
            serving.start()
            await serving.ready()
        return ""

    async def _twice(self, language: str) -> str:
        phone = self._scene.phone
        self._repeated = await phone.says(CUSTOMER, say(language, "twice_text"))
        await phone.delivers_again()
        return ""

    async def _later(self, _language: str) -> str:
        self._scene.switches.let_pass(_LATER)
        self._forward.cut()
        return ""

    async def _spend(self, language: str) -> str:
        if not self._scene.serving.alive:
            return say(language, "away_killed")
        if self._scene.switches.down:
            return say(language, "away_desk")
        ticket = self._ticket()
        if not ticket:
            return say(language, "first_write")
        phone = self._scene.phone
        left = phone.left(CUSTOMER)
        for number in range(1, min(left, _MOST) + 2):
            if not await self._colleagues.answer(ticket, say(language, "spend_text").format(n=number)):
                return say(language, "first_write")
            await self._sent(left - number)
        return ""

    async def _sent(self, left: int) -> None:
        """Waits until an answer is out: those that are written meanwhile would share a reply with the next."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self._scene.phone.left(CUSTOMER) > max(left, 0):
                    await asyncio.sleep(0.02)

    def _ticket(self) -> str:
        try:
            with open_reader(f"sqlite:///{self._scene.place}/bridge.db") as tx:
                links = trace_json(tx, CUSTOMER, self._scene.switches.now())["links"]
        except StoreUnusable:
            return ""
        return str(links[-1]["ticket"] or "") if links else ""

    def facts(self, found: dict[str, Any]) -> dict[str, Any]:
        """How the world is, for the panel."""
        scene, phone = self._scene, self._scene.phone
        steps = [step for link in found["links"] for step in link["steps"] if step["to"] == link["desk"]]
        return {
            "desk": {
                "on": scene.switches.down,
                "was": self._desk_was_down,
                "n": waiting_for(found, "desk"),
            },
            "kill": {
                "on": not scene.serving.alive,
                "was": bool(scene.serving.killed),
                "killed": scene.serving.killed,
                "pid": scene.serving.pid if scene.serving.alive else scene.serving.killed,
            },
            "twice": {
                "was": bool(self._repeated),
                "calls": sum(name == self._repeated and status == 200 for name, status in phone.attempts),
                "times": bool(self._repeated)
                and sum(
                    any(message.endswith(self._repeated) for message in step["messages"])
                    for step in steps
                    if step["state"] == StepState.DONE
                ),
            },
            "later": {"was": bool(scene.switches.ahead), "hours": int(scene.switches.ahead.total_seconds() // 3600)},
            "spend": {"was": held_in(found) > 0, "left": phone.left(CUSTOMER), "n": held_in(found)},
        }

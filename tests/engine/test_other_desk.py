"""The desk that knows a customer, and another one when a desk refuses for long."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.app import Bridge
from bridge.contract import AuthFailed, Step
from bridge.registry import Declared
from mappings import links
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeConfig


class TwoDesks(Scene):
    """A second desk of the same kind beside the first."""

    def build(self) -> Bridge:
        config = FakeConfig(kind="fake")
        declared = {
            "shop": Declared("shop", self.channel_class, config),
            "desk": Declared("desk", self.desk_class, config),
            "mailbox": Declared("mailbox", self.desk_class, config),
        }
        return Bridge(self.settings(), declared, clock=self.clock)

    async def link(self, customer: str) -> Any:
        assert self.bridge is not None
        return await self.bridge.store.read(links.open_link, "shop", customer, lock=False)

    async def desk_of(self, customer: str) -> str:
        return str((await self.link(customer)).desk)


def scene_of(url: str, folder: Path, *routes: dict[str, Any], **more: Any) -> TwoDesks:
    accounts = {"shop": {"kind": "x"}, "desk": {"kind": "x"}, "mailbox": {"kind": "x"}}
    return TwoDesks(url, folder, accounts=accounts, routes=list(routes), **more)


FALLS = {"name": "rest", "channel": "shop", "desk": "desk", "fallback": "mailbox"}


def refuse(account: str, step: Step, phase: str) -> None:
    if account == "desk":
        raise AuthFailed("the token was refused", code="401")


async def test_desk_refused_for_twenty_minutes(database_url: str, tmp_path: Path) -> None:
    """For a quarter of an hour all wait; then those without a ticket get one elsewhere, in order, once."""
    scene = scene_of(database_url, tmp_path, FALLS)
    async with scene.running() as bridge:
        await scene.says("olga", "before all this")
        await scene.quiet()
        scene.vendors.trouble = refuse
        await scene.says("anna", "one")
        await scene.says("anna", "two")
        await scene.says("olga", "another thing")
        await scene.quiet()
        await scene.pass_time(minutes=10)
        await scene.quiet()
        assert await scene.desk_of("anna") == "desk" and len(scene.vendors.tickets) == 1
        await scene.pass_time(minutes=10)
        await scene.quiet()
        assert await scene.desk_of("anna") == "mailbox"
        (ticket,) = [one for one in scene.vendors.tickets.values() if one.customer == "anna"]
        said = [entry.text for entry in ticket.entries if entry.who not in {"note", "agent"}]
        assert [line for text in said for line in text.split("\n") if line in {"one", "two"}] == ["one", "two"]
        assert any("the desk could not be reached for too long" in note for note in scene.vendors.notes(ticket.id))
        await scene.says("bert", "hello")  # a new one goes there at once, and says why
        await scene.quiet()
        link = await scene.link("bert")
        assert link.desk == "mailbox"
        assert json.loads(link.decided)["because"] == "fallback" and json.loads(link.decided)["instead"] == "desk"
        assert await scene.desk_of("olga") == "desk"  # whose ticket is there waits for its desk
        scene.vendors.trouble = None
        await bridge.engine.timetable.check_paused()  # type: ignore[union-attr]
        await scene.quiet()
        await scene.says("carl", "well again")
        await scene.quiet()
        assert await scene.desk_of("carl") == "desk" and await scene.desk_of("anna") == "mailbox"
        olgas = [one for one in scene.vendors.tickets.values() if one.customer == "olga"]
        assert [one.entries[-1].text for one in olgas] == ["another thing"]
        assert len([one for one in scene.vendors.tickets.values() if one.customer == "anna"]) == 1


async def test_without_a_fallback_they_wait(database_url: str, tmp_path: Path) -> None:
    scene = scene_of(database_url, tmp_path, {**FALLS, "fallback": ""})
    async with scene.running():
        scene.vendors.trouble = refuse
        await scene.says("anna", "one")
        await scene.quiet()
        await scene.pass_time(minutes=30)
        await scene.quiet()
        assert await scene.desk_of("anna") == "desk" and scene.vendors.tickets == {}


@pytest.mark.parametrize(("stick", "days", "desk"), [("desk", 5, "mailbox"), ("desk", 40, "desk"), ("none", 5, "desk")])
async def test_who_was_served_elsewhere_goes_there_again(
    database_url: str, tmp_path: Path, stick: str, days: int, desk: str
) -> None:
    first = {"name": "mail", "channel": "shop", "desk": "mailbox", "when": {"words": "mail"}, "group": "Mail"}
    rest = {"name": "rest", "channel": "shop", "desk": "desk", "group": "Support", "stick": stick}
    scene = scene_of(database_url, tmp_path, first, rest, tickets={"reopen_within": "1m"})
    async with scene.running():
        await scene.says("anna", "by mail please")
        await scene.quiet()
        assert await scene.desk_of("anna") == "mailbox"
        assert scene.bridge is not None
        ticket = (await scene.link("anna")).ticket
        scene.vendors.set_status(ticket, "closed")
        assert scene.bridge.engine is not None
        scene.bridge.engine.refresh("mailbox", ("any",))
        await scene.quiet()
        await scene.pass_time(days=days)
        await scene.says("anna", "hello")
        await scene.quiet()
        link = await scene.link("anna")
        assert link.desk == desk
        assert json.loads(link.fields)["group"] == ("Mail" if desk == "mailbox" else "Support")

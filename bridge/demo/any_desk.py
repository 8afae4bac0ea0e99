"""The demonstration with any installed desk: its simulator, the simulated platform, the shipped bridge between them."""

import asyncio
import importlib
import inspect
from pathlib import Path
from typing import Any

import click

from bridge.app import Bridge
from bridge.cli.common import Fault
from bridge.contract import AuthorKind, Role, line_of
from bridge.demo.parts import CUSTOMER, free_port, picture, settings_of, simulator_of
from bridge.demo.script import serving, until
from bridge.engine.conversation.notices import quote
from bridge.engine.conversation.queueing import carried_by
from bridge.kinds import known_kinds, load_kind
from bridge.testing.simulator import Simulator
from mappings import inspection, links
from mappings.links import LinkRow
from mappings.states import StepState
from mappings.store import Tx

_LINES = ("你好，请问这款还有货吗？", "Can it be here on Friday?")
_WAIT = 30.0
_ANSWER = "Yes, it ships today. 今天发货。"


async def converse(place: Path, kind: str) -> None:
    """A conversation between the simulated platform and a desk's simulator, printed as the desk accepted it."""
    port = free_port()
    phone = simulator_of("wechat")(hook_url=f"http://127.0.0.1:{port}/hooks/shop")
    desk = desk_simulator(kind)
    if hasattr(desk, "hook_url"):
        desk.hook_url = f"http://127.0.0.1:{port}/hooks/desk"
    async with phone, desk:
        accounts = {"shop": phone.settings(), "desk": {"kind": kind, **desk.settings()}}
        settings = settings_of(port, place, accounts, [{"channel": "shop", "desk": "desk"}])
        async with serving(settings, place, port) as bridge:
            await _talk(bridge, phone, desk, kind)
    click.echo("\nEverything between the two was the shipped bridge, with your desk's connector as it is installed.")


def desk_simulator(kind: str) -> Any:
    """A desk's simulator: the one subclass of the kit's that stands in `simulator` beside the connector."""
    if kind not in known_kinds():
        raise Fault(f"{kind!r} is not installed; `bridge connectors` lists what is")
    if Role.DESK not in load_kind(known_kinds()[kind]).roles:
        raise Fault(f"{kind!r} is no desk")
    module = known_kinds()[kind].value.partition(":")[0]
    for name in (f"{module}.simulator", f"{module.rpartition('.')[0]}.simulator"):
        try:
            found = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not (error.name and name.startswith(error.name)):
                raise  # something that the simulator itself needs
            continue
        classes = [one for _, one in inspect.getmembers(found, inspect.isclass) if _is_simulator(one)]
        if classes:
            return classes[0]()
    raise Fault(
        f"{kind!r} comes without a simulator: put a subclass of bridge.testing.simulator.Simulator into "
        f"{module}.simulator"
    )


def _is_simulator(one: type) -> bool:
    return (
        issubclass(one, Simulator) and not inspect.isabstract(one) and not one.__module__.startswith("bridge.testing")
    )


async def _talk(bridge: Bridge, phone: Any, desk: Any, kind: str) -> None:
    engine = bridge.engine
    assert engine is not None
    await phone.enters(CUSTOMER, session_from="product-17")
    for line in _LINES:
        click.echo(f"the customer writes     {line}")
        await phone.says(CUSTOMER, line)
    click.echo("the customer sends      a picture")
    await phone.sends_image(CUSTOMER, picture("order 17", "steelblue"))
    async with asyncio.timeout(_WAIT):
        while (link := await bridge.store.read(_link)) is None or link.ticket is None:
            await asyncio.sleep(0.05)
        while len(accepted := await bridge.store.read(_accepted, link.id)) <= len(_LINES):
            await asyncio.sleep(0.05)
    for text in accepted:
        click.echo(f"{kind} has accepted".ljust(24) + text)
    click.echo(f"the ticket is           {link.ticket} {link.url}".rstrip())
    if not hasattr(desk, "agent_says"):
        click.echo(f"{type(desk).__name__} has no `agent_says(ticket, text)`: nobody can answer here")
        return
    click.echo(f"an agent answers        {_ANSWER}")
    await desk.agent_says(link.ticket, _ANSWER)
    engine.refresh("desk", (link.ticket,))
    await until(lambda: phone.received(CUSTOMER))
    for text in phone.received(CUSTOMER):
        click.echo(f"the customer reads      {text}")


def _link(tx: Tx) -> LinkRow | None:
    return links.open_link(tx, "shop", CUSTOMER, lock=False)


def _accepted(tx: Tx, link_id: int) -> list[str]:
    """What the desk took of the customer's words, a line for each message."""
    rows = inspection.steps_of_link(tx, link_id)
    done = [row for row in rows if row.state == StepState.DONE and links.is_towards_desk(row.lane)]
    messages = {message.id: message for row in done for message in carried_by(row)}
    return [line_of(quote([message])) for message in messages.values() if message.author.kind is AuthorKind.CUSTOMER]

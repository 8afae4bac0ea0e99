"""Routes with the shipped connectors: what customers and agents see when a desk is not as the configuration thinks."""

from pathlib import Path
from typing import Any

import pytest

from bridge.alerts.watch import Watch
from bridge.app import Bridge
from bridge.contract import Alert
from bridge.doctor import Doctor
from bridge.explanation import explain_conversation
from bridge.registry import Declared, known_kinds, load_kind
from bridge.routing.contexts import sign
from tests.e2e.desks import Desk, Freshdesk, Rt, Zendesk
from tests.engine.desk_harness import DeskHarness


def harness_of(database_url: str, folder: Path, desk: type[Desk], **route: Any) -> DeskHarness:
    routes = [{"name": "orders", "channel": "shop", "desk": "desk", **route}]
    return DeskHarness(database_url, folder, desk, routes=routes)


@pytest.mark.parametrize("desk", [Zendesk, Freshdesk], ids=lambda one: one.kind)
@pytest.mark.parametrize("group", ["Finance", "99"], ids=["by name", "by number"])
async def test_moved_group(database_url: str, tmp_path: Path, desk: type[Desk], group: str) -> None:
    """The group that a rule names is gone: the message has its ticket, and agents and admins hear of it."""
    harness = harness_of(database_url, tmp_path, desk, group=group, tags=["after-hours"])
    async with harness.running():
        await harness.asks("where is my parcel?")
        assert harness.desk.seen() == ["where is my parcel?"]
        (note,) = harness.notes
        assert (
            f"The desk did not take what the route asks for: group {group}. The ticket was opened without it." in note
        )
        assert "after-hours" in harness.tags
        await harness.answer("on its way")
        assert harness.phone.received(harness.customer) == ["on its way"]
        await harness.asks("thanks")
        assert len(harness.notes) == 1


@pytest.mark.parametrize("desk", [Zendesk, Freshdesk], ids=lambda one: one.kind)
async def test_a_group_that_is_there_takes_the_ticket(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    harness = harness_of(database_url, tmp_path, desk, group="wechat")
    async with harness.running():
        await harness.asks("where is my parcel?")
        ticket = harness.desk.simulator.state.tickets[int(harness.desk.ticket)]
        assert {15, 82} & {getattr(ticket, "group", None), getattr(ticket, "fields", {}).get("group_id")}
        assert harness.notes == []


@pytest.mark.parametrize("desk", [Zendesk, Freshdesk], ids=lambda one: one.kind)
async def test_doctor_finds_a_group_that_is_not_there(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    """Before a ticket does: what a rule names is looked for at the desk, by name and by number."""
    harness = harness_of(database_url, tmp_path, desk, group="Finance", custom_fields={"nowhere": "x"})
    async with harness.running() as bridge:
        doctor = Doctor(harness.settings(), {}, tmp_path / "config.toml")
        found = await doctor._routes(bridge)
        assert [one["what"] for one in found.told("en")["problems"]] == [
            "routes.0: 'orders' names group Finance, which desk does not have",
            "routes.0: 'orders' names field nowhere, which desk does not have",
        ]
    harness = harness_of(database_url, tmp_path, desk, group="wechat")
    async with harness.running() as bridge:
        assert (await Doctor(harness.settings(), {}, tmp_path / "config.toml")._routes(bridge)).problems == []


@pytest.mark.parametrize("tags", [[], ["bridge"]], ids=["without the tag", "for a stranger"])
async def test_an_agents_ticket_that_is_none_of_ours_stays_theirs(
    database_url: str, tmp_path: Path, tags: list[str]
) -> None:
    harness = harness_of(database_url, tmp_path, Zendesk)
    async with harness.running():
        await harness.asks("hello")
        state = harness.desk.simulator.state
        customer = state.users[state.tickets[int(harness.desk.ticket)].requester] if not tags else None
        harness.desk.simulator.open_ticket(requester=customer, subject="among ourselves", tags=tags, as_agent=True)
        await harness.read()
        assert harness.phone.received(harness.customer) == []


ALL = pytest.mark.parametrize("desk", [Zendesk, Freshdesk, Rt], ids=lambda one: one.kind)
VIP = {"name": "vip", "channel": "shop", "desk": "desk", "when": {"verified": True, "customer.tier": "gold"}}


@ALL
@pytest.mark.parametrize("forged", ["tier=gold&vip=1", "another key", "ended", "somebody else's"])
async def test_vip_forged(database_url: str, tmp_path: Path, desk: type[Desk], forged: str) -> None:
    """Who says so themselves is served like everybody; agents read that it was not proven, and explain says why."""
    rest = {"name": "rest", "channel": "shop", "desk": "desk"}
    harness = DeskHarness(database_url, tmp_path, desk, routes=[VIP, rest])
    ends = int(harness.clock().timestamp()) + 600
    async with harness.running() as bridge:
        key = bridge.runtime.context_key
        claims = {"e": "order", "t": "gold", "c": "42"}
        origin = {
            "another key": sign({**claims, "x": ends}, "another key"),
            "ended": sign({**claims, "x": ends - 601}, key),
            "somebody else's": sign({**claims, "x": ends, "u": "0123456789abcdef"}, key),
        }.get(forged, forged)
        await harness.phone.enters(harness.customer, session_from=origin)
        await harness.asks("I am important")
        assert harness.desk.seen()[0] == "I am important"
        (found,) = await bridge.store.read(explain_conversation, bridge.runtime, harness.customer)
        assert found["then"]["rule"] == "rest" and found["then"]["failed"] == [["vip", "verified = true"]]
        marked = forged != "tier=gold&vip=1"  # that one does not even claim to be signed
        if harness.desk.kind == "rt":
            said = [note for note in harness.notes if "claim to be signed by your server and are not" in note]
            assert len(said) == marked
        else:
            assert ("unverified" in harness.tags) == marked
        assert "v1." not in str(harness.desk.all_entries())  # what was signed goes no further
        await harness.answer("so is everybody")
        assert harness.phone.received(harness.customer) == ["so is everybody"]


class TwoDesks(DeskHarness):
    """A second desk beside the first: of the same kind, or of `other`."""

    def __init__(
        self, database_url: str, folder: Path, desk: type[Desk], *, other: type[Desk] | None = None, **options: Any
    ) -> None:
        super().__init__(database_url, folder, desk, **options)
        self.other: Any = (other or desk)(clock=self.clock)  # type: ignore[call-arg] # as above
        self.other.silence()

    def build(self) -> Bridge:
        made = super().build()
        declared = {
            name: Declared(name, type(one.connector), one.config) for name, one in made.runtime.accounts.items()
        }
        kind = load_kind(known_kinds()[self.other.kind])
        declared["mailbox"] = Declared("mailbox", kind, kind.Config.model_validate(self.other.settings()))
        return Bridge(self.settings(), declared, clock=self.clock)

    def agents_see(self, desk: Desk, ticket: str) -> list[tuple[str, str]]:
        """A ticket as its agents read it: whose each entry is, and its lines without the bridge's references."""
        found = []
        for one in desk.entries(ticket):
            lines = [line.strip() for line in one.text.split("\n")]
            found.append(
                (one.side, "\n".join(line for line in lines if line and not line.startswith(("ref ", "[ref "))))
            )
        return found


class Ears:
    """What admins are told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def send(self, alert: Alert) -> None:
        self.heard += alert.lines


FALLS = {"name": "rest", "channel": "shop", "desk": "desk", "fallback": "mailbox"}
ACCOUNTS = {name: {"kind": "x"} for name in ("shop", "desk", "mailbox")}


@ALL
async def test_desk_refused_for_twenty_minutes(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    await desk_refused_for_twenty_minutes(database_url, tmp_path, desk)


async def desk_refused_for_twenty_minutes(
    database_url: str, tmp_path: Path, desk: type[Desk], other: type[Desk] | None = None
) -> None:
    """Who has no ticket gets one at the other desk, with all their words in order; who has one waits. Admins hear."""
    harness = TwoDesks(database_url, tmp_path, desk, other=other, routes=[FALLS], accounts=ACCOUNTS)
    async with harness.other.simulator, harness.running() as bridge:
        heard = bridge.settings.model_copy(update={"alerts": {"ops": {}}})
        ears = Ears()
        watch = Watch(bridge.store, heard, {"ops": ears}, harness.clock, {})  # type: ignore[dict-item] # sends nowhere
        await harness.asks("before all this", "oCustomer_B")
        harness.desk.refuse_credentials()  # type: ignore[attr-defined] # of the house's own desks
        await harness.asks("one")
        await harness.asks("two")
        await harness.asks("another thing", "oCustomer_B")
        await watch.tick()
        await harness.wait(minutes=10)
        await watch.tick()
        assert harness.other.tickets() == [] and len(harness.desk.tickets()) == 1
        (told,) = ears.heard
        assert told.startswith("· desk is paused: ") and told.endswith(". `bridge doctor --account desk`")
        await harness.wait(minutes=10)
        (ticket,) = harness.other.tickets()
        seen = harness.agents_see(harness.other, ticket)
        said = [line for side, text in seen if side == "customer" for line in text.split("\n")]
        assert [line for line in said if line in {"one", "two"}] == ["one", "two"]
        (note,) = [text for side, text in seen if side == "note"]
        moved = "This conversation was handed over from desk to mailbox: the desk could not be reached for too long."
        assert note.startswith(moved)
        await harness.other.agent_says(ticket, "here we are")
        harness.clock.advance(1)
        bridge.engine.refresh("mailbox", (ticket,))  # type: ignore[union-attr]
        await harness.quiet()
        assert harness.phone.received(harness.customer) == ["here we are"]
        await harness.asks("hello, I am new", "oCustomer_C")  # goes there at once
        assert harness.phone.received("oCustomer_B") == harness.phone.received("oCustomer_C") == []
        assert len(harness.other.tickets()) == 2 and len(harness.desk.tickets()) == 1
        (found,) = await bridge.store.read(explain_conversation, bridge.runtime, "oCustomer_C")
        assert (found["desk"], found["then"]["instead"], found["then"]["because"]) == ("mailbox", "desk", "fallback")
        harness.desk.accept_credentials()  # type: ignore[attr-defined] # as above
        await bridge.engine.timetable.check_paused()  # type: ignore[union-attr]
        await harness.quiet()
        await watch.tick()
        assert ears.heard[1:] == ["· desk sends again"]
        await harness.asks("and I after it", "oCustomer_D")
        assert [harness.agents_see(harness.desk, one) for one in harness.desk.tickets()] == [
            [("customer", "before all this"), ("customer", "another thing")],
            [("customer", "and I after it")],
        ]
        assert len(harness.other.tickets()) == 2
        await harness.asks("thanks", harness.customer)  # whose talk it is stays where it went
        assert harness.agents_see(harness.other, ticket)[-1] == ("customer", "thanks")
        assert harness.notes == []


@pytest.mark.parametrize("stick", ["agent", "none"])
async def test_who_served_them_last_is_said(database_url: str, tmp_path: Path, stick: str) -> None:
    harness = harness_of(database_url, tmp_path, Zendesk, stick=stick)
    harness.options["tickets"] = {"reopen_within": "1m"}
    async with harness.running():
        await comes_back(harness)
        named = [one.text.strip() for one in harness.desk.entries(harness.desk.ticket) if one.side == "note"]
        assert named == (["Last served by Agent."] if stick == "agent" else [])


async def comes_back(harness: DeskHarness) -> None:
    """Served by an agent, and writes again when that ticket is closed for good."""
    await harness.asks("hello")
    await harness.answer("good day")
    await harness.wait(10)
    await harness.desk.close(harness.desk.ticket)
    await harness.read()
    harness.clock.advance(3600)
    await harness.asks("hello again")


@pytest.mark.parametrize("there", [True, False], ids=["there", "away"])
@pytest.mark.parametrize("desk", [Zendesk, Freshdesk], ids=lambda one: one.kind)
async def test_the_same_agent_gets_the_next_ticket_if_they_are_there(
    database_url: str, tmp_path: Path, desk: type[Desk], there: bool
) -> None:
    harness = harness_of(database_url, tmp_path, desk, stick="agent")
    harness.options["tickets"] = {"reopen_within": "1m"}
    simulator = harness.desk.simulator
    async with harness.running():
        if harness.desk.kind == "zendesk":
            simulator.state.agent.status = "online" if there else "away"
            who = simulator.state.agent.id
        else:
            simulator.colleague.available = there
            who = simulator.colleague.id
        await comes_back(harness)
        ticket = simulator.state.tickets[int(harness.desk.ticket)]
        given = getattr(ticket, "assignee", None) or getattr(ticket, "fields", {}).get("responder_id")
        assert len(simulator.state.tickets) == 2 and given == (who if there else None)


async def test_an_agent_who_may_not_have_it_costs_no_ticket(database_url: str, tmp_path: Path) -> None:
    """They left meanwhile, and the desk refuses them: the ticket comes without, and nobody is bothered."""
    harness = harness_of(database_url, tmp_path, Zendesk, stick="agent")
    harness.options["tickets"] = {"reopen_within": "1m"}
    simulator = harness.desk.simulator
    async with harness.running():
        simulator.state.agent.status = "online"
        simulator.tickets.refuses_assignees = True
        await comes_back(harness)
        ticket = simulator.state.tickets[int(harness.desk.ticket)]
        assert len(simulator.state.tickets) == 2 and ticket.assignee is None
        assert harness.notes[1:] == []

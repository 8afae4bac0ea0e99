"""What an error is about is what rests because of it, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.contract import (
    AuthFailed,
    ConnectorError,
    Gone,
    Rejected,
    Retryable,
    Scope,
    Step,
    Throttled,
    WindowClosed,
)
from bridge.engine.outbound.breaker import Breaker
from bridge.engine.outbound.policy import AttemptFacts, Disposition, decide, scope_of
from tests.engine.engine_harness import Scene

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FACTS = AttemptFacts(
    now=NOW, attempts=1, tries=1, age=timedelta(0), max_age=timedelta(hours=1), looks=True, repeats=False,
    settle=timedelta(seconds=10), backoff_max=timedelta(minutes=5), towards_customer=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("error", "scope"),
    [
        (Throttled("m", retry_after=1), Scope.ACCOUNT),
        (Throttled("m", retry_after=1, scope=Scope.INTERFACE), Scope.INTERFACE),
        (Retryable("m"), Scope.ACCOUNT),
        (Retryable("m", scope=Scope.CONVERSATION), Scope.CONVERSATION),
        (AuthFailed("m"), Scope.ACCOUNT),
        (WindowClosed("m"), Scope.CONVERSATION),
        (Gone("m"), Scope.CONVERSATION),
        (Rejected("m"), Scope.ITEM),
        (ConnectorError("m"), Scope.ITEM),
        (KeyError("m"), Scope.ITEM),
    ],
)
def test_every_error_has_a_scope(error: Exception, scope: Scope) -> None:
    assert scope_of(error) is scope


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("kind", [Throttled, Retryable, AuthFailed])
def test_only_what_it_is_about_rests(kind: type[ConnectorError], scope: Scope) -> None:
    more: dict[str, Any] = {"retry_after": 100} if kind is Throttled else {}
    decision = decide(kind("m", scope=scope, **more), FACTS)
    pauses = decision.disposition is Disposition.PAUSE or decision.hold_account is not None or decision.trouble
    assert pauses == (scope in {Scope.ACCOUNT, Scope.MACHINE} and (kind, scope) != (Throttled, Scope.MACHINE))
    if kind is Throttled:
        assert (decision.hold_interface is not None) == (scope is Scope.INTERFACE)


def test_a_quota_that_may_be_lifted_is_asked_for_before_its_end() -> None:
    decision = decide(Throttled("m", retry_after=40_000, probe_after=60, scope=Scope.INTERFACE), FACTS)
    assert decision.due_at is not None
    assert decision.due_at - NOW < timedelta(seconds=62)


def test_one_conversation_in_trouble_does_not_open_the_breaker_but_five_do() -> None:
    breaker = Breaker(4, timedelta(seconds=30))
    assert not any(breaker.record_failure(NOW, lane=4) for _ in range(50))
    assert [breaker.record_failure(NOW, lane=lane) for lane in (8, 12, 16, 20)] == [False, False, False, True]


async def test_an_interface_that_rests_leaves_the_others_alone(scene: Scene) -> None:
    """Notes are refused for an hour: customers' words go on; and notes go as soon as they may, not an hour later."""
    asked = []

    def trouble(account: str, step: Step, phase: str) -> None:
        if account == "desk" and step.verb == "note" and phase == "before":
            asked.append(step)
            if limited:
                raise Throttled("notes", retry_after=3600, scope=Scope.INTERFACE, code="n1", probe_after=60)

    limited = True
    async with scene.running():
        for customer in ("anna", "bo"):
            await scene.says(customer, "hello")
            await scene.quiet()
        tickets = dict(zip(("anna", "bo"), scene.vendors.tickets, strict=True))
        scene.vendors.trouble = trouble
        for customer in ("anna", "bo"):
            scene.vendors.agent_says(tickets[customer], "#nonsense", private=True)
            scene.look()
            await scene.collected()
            await scene.quiet()
        assert len(asked) == 1, "the second one rests with the first, unasked"
        for customer in ("cleo", "dan"):
            await scene.says(customer, "good day")
        await scene.quiet()
        assert sum("good day" in scene.vendors.visible(ticket) for ticket in scene.vendors.tickets) == 2
        limited = False
        await scene.pass_time(62)
        await scene.quiet()
        assert [len(scene.vendors.notes(ticket)) for ticket in tickets.values()] == [1, 1]


async def test_a_ticket_that_is_shut_to_us_stops_no_other(scene: Scene) -> None:
    async with scene.running() as bridge:
        await scene.says("anna", "hello")
        await scene.quiet()
        shut = scene.only_ticket

        def trouble(account: str, step: Step, phase: str) -> None:
            if account == "desk" and step.body.get("texts") == ["more"]:
                raise AuthFailed("not this ticket", code="403", scope=Scope.CONVERSATION)

        scene.vendors.trouble = trouble
        await scene.says("anna", "more")
        await scene.quiet()
        for number in range(8):
            await scene.pass_time(400)
            await scene.says(f"customer {number}", "hello")
            await scene.quiet()
        assert len(scene.vendors.tickets) == 9, "everybody else is served"
        assert bridge.engine is not None
        assert not bridge.engine.loops.dispatchers["desk"].breaker.is_open
        scene.vendors.trouble = None
        await scene.pass_time(400)
        await scene.quiet()
        assert scene.vendors.visible(shut) == ["hello", "more"]

"""Networks and vendors in trouble: every failure has a class, and `certain` is never a lie."""

import dataclasses
from typing import Any

import pytest

from bridge.contract import (
    AuthFailed,
    ConnectorError,
    Http,
    LooksUp,
    Prepares,
    Retryable,
    Step,
    Target,
    Text,
    Throttled,
)
from bridge.engine.outbound.policy import about, scope_of
from bridge.testing.conformance.builders import said, target_for
from bridge.testing.conformance.case import ConnectorCase, applies
from bridge.testing.conformance.harness import Harness
from bridge.testing.faults import Trouble

WORDS = "said in a time of trouble"
_CARRIED_OUT = frozenset(
    {Trouble.STATUS_AFTER, Trouble.RESET_AFTER, Trouble.TRUNCATED, Trouble.GARBAGE, Trouble.NESTED}
)


def _meets(*troubles: Trouble) -> Any:
    return lambda case: case.simulator is not None and set(troubles) <= set(case.troubles)


def _has_vendor(case: type[ConnectorCase]) -> bool:
    return case.simulator is not None


class Failures(ConnectorCase):
    """One step, delivered while something goes wrong."""

    @applies(_meets(Trouble.RESET_BEFORE))
    async def test_reset_before_anything_was_done(self, harness: Harness) -> None:
        await self._suffer(harness, Trouble.RESET_BEFORE)

    @applies(_meets(Trouble.RESET_AFTER))
    async def test_reset_after_it_was_done(self, harness: Harness) -> None:
        await self._suffer(harness, Trouble.RESET_AFTER)

    @applies(_meets(Trouble.TRUNCATED))
    async def test_half_an_answer(self, harness: Harness) -> None:
        await self._suffer(harness, Trouble.TRUNCATED)

    @applies(_meets(Trouble.GARBAGE))
    async def test_an_answer_that_is_none(self, harness: Harness) -> None:
        await self._suffer(harness, Trouble.GARBAGE)

    @applies(_meets(Trouble.NESTED))
    async def test_an_answer_nested_without_end(self, harness: Harness) -> None:
        await self._suffer(harness, Trouble.NESTED)

    @applies(_meets(Trouble.STATUS))
    async def test_a_500_before_anything_was_done(self, harness: Harness) -> None:
        await self._suffer(harness, Trouble.STATUS, status=500)

    @applies(_meets(Trouble.STATUS_AFTER))
    async def test_a_500_after_it_was_done(self, harness: Harness) -> None:
        await self._suffer(harness, Trouble.STATUS_AFTER, status=500)

    @applies(_meets(Trouble.STATUS_AFTER))
    async def test_a_gateway_that_gave_up_after_it_was_done(self, harness: Harness) -> None:
        await self._suffer(harness, Trouble.STATUS_AFTER, status=504)

    @applies(_meets(Trouble.STATUS))
    async def test_503_is_tried_again(self, harness: Harness) -> None:
        await self._suffer(harness, Trouble.STATUS, status=503)

    @applies(_meets(Trouble.STATUS))
    async def test_429_says_how_long(self, harness: Harness) -> None:
        error = await self._suffer(harness, Trouble.STATUS, status=429, headers={"retry-after": "17"})
        assert isinstance(error, Throttled), f"429 gave {type(error).__name__}"
        assert error.retry_after >= 17, "Retry-After was not honoured"

    @applies(_meets(Trouble.STATUS))
    async def test_401_is_a_matter_of_credentials(self, harness: Harness) -> None:
        error = await self._fail(harness, Trouble.STATUS, status=401, times=5)
        assert isinstance(error, AuthFailed), f"401 gave {type(error).__name__}"

    @applies(_meets(Trouble.DELAY))
    async def test_an_answer_that_comes_too_late(self, harness: Harness) -> None:
        step, target = await self._ready(harness)
        hasty = dataclasses.replace(
            harness.account, http=Http(home=str(harness.connector.config.api_base), timeout=0.1), request_timeout=0.1
        )
        await self.arm(harness, Trouble.DELAY, seconds=0.15)
        try:
            with pytest.raises(Retryable) as caught:
                await self.connector(harness.connector.config, hasty).deliver(step, target)
        finally:
            await hasty.http.close()
        await harness.vendor.stop()  # waits for what is in progress: it is carried out although nobody listens any more
        await harness.vendor.start()
        assert await self.times(harness, WORDS) == 1, "the simulator did not carry out what came too late"
        await self._judge(harness, caught.value, step, target)

    @applies(_meets(Trouble.LATE))
    async def test_what_is_carried_out_long_after_the_connection_broke(self, harness: Harness) -> None:
        """A look-up tells what is there now. Until the vendor is done the error must not pretend to know, and what it
        calls safe to repeat is repeated before.
        """
        step, target = await self._ready(harness)
        late = harness.vendor.faults.add(Trouble.LATE, self.effect)
        with pytest.raises(Retryable) as caught:
            await harness.connector.deliver(step, target)
        connector: Any = harness.connector
        assert not caught.value.ended, "nobody answered, so nobody knows whether the vendor is done with it"
        assert await self.times(harness, WORDS) == 0, "the simulator did not do what the fault says"
        if isinstance(connector, LooksUp):
            assert await connector.lookup(step, target) is None, "it is not there yet"
        if caught.value.certain:
            await connector.deliver(step, target)
        await late.commit()
        assert await self.times(harness, WORDS) == 1
        if isinstance(connector, LooksUp) and not caught.value.certain:
            assert await connector.lookup(step, target) is not None, "it is there now"

    @applies(_has_vendor)
    async def test_a_vendor_that_is_down(self, harness: Harness) -> None:
        """Nothing listens: certainly nothing happened, and it goes through once the vendor is back."""
        step, target = await self._ready(harness)
        await harness.vendor.stop()
        with pytest.raises(Retryable) as caught:
            await harness.connector.deliver(step, target)
        assert caught.value.certain, "a refused connection is certain: nothing was done"
        await harness.vendor.start()
        await harness.connector.deliver(step, target)
        assert await self.times(harness, WORDS) == 1

    @applies(_has_vendor)
    async def test_every_refusal_has_its_class(self, harness: Harness) -> None:
        assert self.refusals, "list the vendor's refusals: how it says no, and which error follows"
        for refusal in self.refusals:
            error = await self._fail(
                harness,
                Trouble.STATUS,
                status=refusal.status,
                body=refusal.body,
                headers=refusal.headers,
                times=refusal.attempts,
            )
            assert isinstance(error, refusal.expect), f"{refusal.name}: {error!r} is no {refusal.expect.__name__}"
            assert str(error), f"{refusal.name}: the error says nothing"
            scope = refusal.scope or about(refusal.expect)
            assert scope_of(error) is scope, (
                f"{refusal.name} is about the {scope}, and holds back the {scope_of(error)}"
            )

    # Helpers

    async def _ready(self, harness: Harness) -> tuple[Step, Target]:
        """A step that is prepared."""
        conversation = await self.open_conversation(harness)
        context, target = target_for(self.role, conversation, key="key-in-trouble")
        (step,) = harness.connector.render([said(self.role, Text(body=WORDS), conversation=conversation)], context)
        if isinstance(harness.connector, Prepares):
            target = target.model_copy(update={"prepared": await harness.connector.prepare(step, target)})
        return step, target

    async def _fail(self, harness: Harness, trouble: Trouble, **options: Any) -> ConnectorError:
        step, target = await self._ready(harness)
        await self.arm(harness, trouble, **options)
        with pytest.raises(ConnectorError) as caught:
            await harness.connector.deliver(step, target)
        self.disarm(harness)
        return caught.value

    async def _suffer(self, harness: Harness, trouble: Trouble, **options: Any) -> ConnectorError:
        step, target = await self._ready(harness)
        await self.arm(harness, trouble, **options)
        with pytest.raises(Retryable) as caught:
            await harness.connector.deliver(step, target)
        self.disarm(harness)
        assert await self.times(harness, WORDS) == int(trouble in _CARRIED_OUT), (
            "the simulator did not do what the fault says"
        )
        await self._judge(harness, caught.value, step, target)
        return caught.value

    async def _judge(self, harness: Harness, error: ConnectorError, step: Step, target: Target) -> None:
        """Repeats exactly as the engine would, and counts what people see."""
        done = await self.times(harness, WORDS)
        assert done in {0, 1}
        connector: Any = harness.connector
        if isinstance(connector, LooksUp):
            found = await connector.lookup(step, target)
            assert (found is not None) == bool(done), f"find said {found}, people see it {done} times"
            if found is not None and not error.certain:
                return
        elif not error.certain:
            return  # nobody can know; the account's `uncertain` decides
        await connector.deliver(step, target)
        assert await self.times(harness, WORDS) == 1, (
            "the error claimed that repeating is safe, and now it is there twice"
        )

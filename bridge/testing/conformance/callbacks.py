"""`verify`: what is authentic means something, what is not leaves no trace."""

import dataclasses

from bridge.contract import CallbackResult, Malformed, Request, Unauthentic
from bridge.testing.conformance.case import ACCOUNT, ConnectorCase, applies
from bridge.testing.conformance.forgeries import forgeries, odd_requests
from bridge.testing.conformance.harness import Harness
from bridge.testing.conformance.secrecy import secrets_of
from bridge.testing.rig import result_of


def _called(case: type[ConnectorCase]) -> bool:
    return case.takes_callbacks


class Callbacks(ConnectorCase):
    """Forged, altered, repeated, replayed and odd callbacks."""

    @applies(_called)
    async def test_an_authentic_callback_means_something(self, harness: Harness) -> None:
        result = await self._result(harness, "callback one")
        assert result.raws or result.refresh, "an authentic callback about a new message gave neither raws nor a nudge"
        assert result.reply.status < 300, f"its answer was {result.reply.status}"

    @applies(_called)
    async def test_a_repeated_callback_has_the_same_keys(self, harness: Harness) -> None:
        await self.happens(harness, "said once")
        request = await harness.request()
        first = await result_of(harness.connector, request)
        again = await result_of(harness.connector, request)
        assert _keys(first) == _keys(again), "the key must name the thing, not the delivery"

    @applies(_called)
    async def test_two_happenings_have_different_keys(self, harness: Harness) -> None:
        await self.happens(harness, "the first")
        first = await result_of(harness.connector, await harness.request())
        arrived = len(harness.requests)
        await self.happens(harness, "the second")
        second = await result_of(harness.connector, await harness.request(arrived))
        assert not set(_keys(first)) & set(_keys(second)), "two messages share a key: one of them would be lost"

    @applies(_called)
    async def test_a_callback_replayed_a_day_later_is_refused_or_known(self, harness: Harness) -> None:
        await self.happens(harness, "said once")
        request = await harness.request()
        first = await result_of(harness.connector, request)
        harness.clock.advance(days=1)
        late = await _judge(harness, dataclasses.replace(request, at=harness.clock()))
        assert late is None or _keys(late) == _keys(first)

    @applies(_called)
    async def test_a_forged_callback_is_no_evidence(self, harness: Harness) -> None:
        """Whatever is altered: it is refused, means exactly what the original meant, or is only a nudge."""
        await self.happens(harness, "authentic words")
        request = await harness.request()
        original = await result_of(harness.connector, request)
        refused = 0
        for name, forged in forgeries(request):
            result = await _judge(harness, forged)
            refused += result is None
            assert result is None or not result.raws or _same(result, original), (
                f"{name}: an altered callback was taken as evidence"
            )
        assert refused, "nothing that was altered led to a refusal: does verify look at a secret at all?"

    @applies(_called)
    async def test_a_callback_without_credentials_is_refused(self, harness: Harness) -> None:
        await self.happens(harness, "authentic words")
        request = await harness.request()
        bare = dataclasses.replace(request, query=(), headers={"content-type": "application/json"})
        assert await _judge(harness, bare) is None, "a callback without any credential was accepted"

    async def test_odd_callbacks_are_refused(self, harness: Harness) -> None:
        for name, request in odd_requests(ACCOUNT, harness.clock()):
            result = await _judge(harness, request)
            assert result is None or not result.raws, f"{name}: was taken as evidence"

    @applies(lambda case: not case.takes_callbacks)
    async def test_without_callbacks_every_call_is_refused(self, harness: Harness) -> None:
        for name, request in odd_requests(ACCOUNT, harness.clock()):
            assert await _judge(harness, request) is None, f"{name}: was accepted"

    @applies(_called)
    async def test_refusals_do_not_say_which_check_failed(self, harness: Harness) -> None:
        await self.happens(harness, "authentic words")
        request = await harness.request()
        for name, forged in forgeries(request):
            try:
                await result_of(harness.connector, forged)
            except (Unauthentic, Malformed) as error:
                for secret in secrets_of(harness.connector.config):
                    assert secret not in str(error), f"{name}: the refusal contains a secret"

    async def _result(self, harness: Harness, text: str) -> CallbackResult:
        await self.happens(harness, text)
        return await result_of(harness.connector, await harness.request())


async def _judge(harness: Harness, request: Request) -> CallbackResult | None:
    """The result, None for a refusal. Any other error leaves here."""
    try:
        return await result_of(harness.connector, request)
    except (Unauthentic, Malformed):
        return None


def _keys(result: CallbackResult) -> list[str]:
    return [raw.key for raw in result.raws]


def _same(one: CallbackResult, other: CallbackResult) -> bool:
    return [(raw.key, raw.payload) for raw in one.raws] == [(raw.key, raw.payload) for raw in other.raws]

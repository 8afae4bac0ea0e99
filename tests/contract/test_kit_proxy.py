"""The proxy that brings the suite's trouble to a real server: a green connector stays green through it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bridge.contract import Http, Retryable
from bridge.testing.conformance import Harness
from bridge.testing.conformance.builders import CUSTOMER
from bridge.testing.conformance.failures import Failures
from bridge.testing.faults import Trouble
from bridge.testing.proxy import FaultProxy
from bridge.testing.rig import lend_account
from connectors.rt import RequestTracker
from connectors.rt.simulator import Simulator
from connectors.rt.text import address
from tests.connectors.rt.test_rt_conformance import TestRequestTracker as Whole


class TestThroughTheProxy(Failures):
    """The vendor's own simulator, as if it were the vendor: the faults are the proxy's."""

    connector = RequestTracker
    simulator = FaultProxy
    effect = Whole.effect
    refusals = Whole.refusals

    @asynccontextmanager
    async def staged(self, *, timeout: float = 10.0) -> AsyncIterator[Harness]:
        async with Simulator() as self.desk, FaultProxy(self.desk.origin) as proxy:
            settings = self.desk.settings() | {"api_base": proxy.rewrite(self.desk.base)}
            async with lend_account("trial", home=settings["api_base"]) as account:
                connector = RequestTracker(RequestTracker.Config.model_validate(settings), account)
                yield Harness(account.now, account, connector, proxy)

    async def open_conversation(self, harness: Harness) -> str:
        return self.desk.open_ticket(address(CUSTOMER.id, harness.connector.config.requestor_domain))

    async def shown(self, harness: Harness) -> list[Any]:
        return [seen.text for number in self.desk.state.tickets for seen in self.desk.ticket(str(number))]


async def test_a_vendor_out_of_reach_and_back() -> None:
    async with Simulator() as desk, FaultProxy(desk.origin) as proxy:
        http = Http(timeout=5)
        await proxy.stop()
        with pytest.raises(Retryable) as caught:
            await http.request("GET", proxy.rewrite(desk.base) + "/rt")
        assert caught.value.certain
        await proxy.start()
        fault = proxy.faults.add(Trouble.STATUS, "GET .*/rt$", status=503)
        assert (await http.request("GET", proxy.rewrite(desk.base) + "/rt")).status == 503
        headers = {"authorization": f"token {desk.settings()['token']}"}
        assert (await http.request("GET", proxy.rewrite(desk.base) + "/rt", headers=headers)).ok
        assert fault.hits == 1
        await http.close()


def test_another_servers_address_is_refused() -> None:
    with pytest.raises(ValueError, match="is not at"):
        FaultProxy("http://127.0.0.1:9/x").rewrite("http://127.0.0.1:99/x")

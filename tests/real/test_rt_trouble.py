"""The suite's trouble in front of a real Request Tracker: what it does itself when an answer is lost."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import pytest

from bridge.contract import AuthFailed, Gone, Rejected, Retryable, Throttled
from bridge.testing.conformance import Harness, Refusal
from bridge.testing.conformance.builders import CUSTOMER
from bridge.testing.conformance.failures import Failures
from bridge.testing.proxy import FaultProxy
from bridge.testing.rig import lend_account
from connectors.rt import RequestTracker
from connectors.rt.text import address
from tests.real.rt_server import RealRt

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def rt() -> Iterator[RealRt]:
    with tempfile.TemporaryDirectory(prefix="bridge-rt-") as place:
        Path(place).chmod(0o755)  # RT's server is another user
        found = RealRt(Path(place) / "data").start()
        yield found
        found.clean()


class TestRealRequestTracker(Failures):
    connector = RequestTracker
    simulator = FaultProxy  # it stands where a simulator would
    effect = "POST .*/(correspond|comment|ticket)$"
    refusals = (
        Refusal("wrong token", AuthFailed, status=401, body=b'{"message":"Unauthorized"}'),
        Refusal("no such ticket", Gone, status=404, body=b'{"message":"Not Found"}'),
        Refusal("content refused", Rejected, status=400, body=b'{"message":"ContentType is a required field"}'),
        Refusal("fault", Retryable, status=500),
        Refusal("overloaded", Throttled, status=503, headers={"retry-after": "7"}),
    )
    real: ClassVar[RealRt]
    gateway: ClassVar[bool] = False

    @pytest.fixture(autouse=True)
    def of_this_server(self, rt: RealRt) -> None:
        type(self).real = rt

    @asynccontextmanager
    async def staged(self, *, timeout: float = 30.0) -> AsyncIterator[Harness]:
        facts = self.real.facts
        async with FaultProxy(facts["base_url"]) as proxy:
            more = {"mail_gateway": proxy.rewrite(facts["base_url"])} if self.gateway else {}
            settings = self.real.account(api_base=proxy.rewrite(facts["rest2"]), **more)
            async with lend_account("trial", home=settings["api_base"], timeout=30) as account:
                connector = RequestTracker(RequestTracker.Config.model_validate(settings), account)
                yield Harness(account.now, account, connector, proxy)

    async def open_conversation(self, harness: Harness) -> str:
        subject = {
            "Queue": self.real.facts["queue"],
            "Subject": uuid4().hex,
            "Requestor": address(CUSTOMER.id, "bridge.invalid"),
        }
        answer = await self.real._call("POST", "/ticket", json=subject)
        harness.cursor = str(answer.json()["id"])
        return harness.cursor

    async def shown(self, harness: Harness) -> list[str]:
        assert harness.cursor is not None
        return [text for _, _, text, _ in await self.real.seen(harness.cursor)]

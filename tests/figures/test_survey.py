"""Customers are asked once how it was, from what is left above the reserve; what they say stands on the ticket."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bridge.figures import worker
from bridge.privacy.erasing import erase
from mappings.figure_tables import Episode, Survey
from mappings.sql import table
from mappings.store import Tx
from tests.engine.platform_harness import CUSTOMER, PlatformHarness

ROUTE = {"channel": "shop", "desk": "desk"}
ASKED = "How satisfied were you"


class Asking(PlatformHarness):
    def __init__(self, database_url: str, folder: Path, **survey: Any) -> None:
        super().__init__(database_url, folder, routes=[{**ROUTE, "survey": survey}])

    async def solve(self, status: str = "solved") -> None:
        self.vendors.set_status(self.only_ticket, status)
        await self.read()

    async def served(self) -> None:
        """A customer asked, an agent answered, the ticket is solved."""
        await self.asks("where is it?")
        await self.answer("on its way")
        await self.solve()

    @property
    def questions(self) -> list[str]:
        return [text for text in self.received() if ASKED in text or "满意吗" in text]

    async def surveys(self) -> list[Any]:
        return await self.of(Survey)

    async def of(self, model: Any) -> list[Any]:
        def read(tx: Tx) -> list[Any]:
            return list(tx.execute(select(table(model))))

        assert self.bridge is not None
        return await self.bridge.store.read(read)

    def said(self, part: str) -> list[str]:
        return [note for note in self.notes if part in note]


@pytest.fixture
async def harness(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Asking]:
    found = Asking(database_url, tmp_path, **getattr(request, "param", {}))
    async with found.running():
        yield found


async def test_asked_once_rated_and_corrected_without_reopening(harness: Asking) -> None:
    await harness.served()
    await harness.wait(60)
    assert harness.questions == []  # there is time for one more thing
    await harness.wait(70)
    assert len(harness.questions) == 1
    for _ in range(3):
        await harness.wait(300)
    assert len(harness.questions) == 1
    await harness.asks("2")
    await harness.wait(60)
    await harness.asks("４分")
    await harness.wait(5)
    assert harness.vendors.visible(harness.only_ticket)[-1] == "on its way"
    assert len(harness.said("rated this service 2 of 5")) == len(harness.said("corrected the rating: 4 of 5")) == 1
    (row,) = await harness.surveys()
    assert (row.state, row.score) == ("rated", 4)
    assert harness.bridge is not None
    shown = [body for body in harness.shown[harness.only_ticket] if body["rating"]]
    assert [(body["tags"], body["rating"]) for body in shown] == [(["csat-2"], 2), (["csat-4"], 4)]
    for _ in range(3):
        await worker.tick(harness.bridge.store, harness.bridge.runtime, "test", at_once=True)
        harness.clock.advance(61)
    (episode,) = await harness.of(Episode)
    assert (episode.rating, episode.state, episode.reopens) == (4, "solved", 0)
    await harness.wait(minutes=10)
    await harness.asks("5")  # too late for a correction: a message like any other
    assert harness.vendors.visible(harness.only_ticket)[-1] == "5"


async def test_a_number_within_a_conversation_is_no_rating(harness: Asking) -> None:
    await harness.asks("5")
    await harness.answer("five of what?")
    await harness.solve()
    await harness.wait(150)
    await harness.asks("5 pieces")
    await harness.asks("5")
    assert (await harness.surveys())[0].state == "asked"
    assert harness.vendors.visible(harness.only_ticket)[-2:] == ["5 pieces", "5"]


@pytest.mark.parametrize("harness", [{"keep": 4}], indirect=True)
async def test_never_from_what_is_to_be_kept(harness: Asking) -> None:
    await harness.served()
    await harness.wait(150)
    assert harness.questions == []
    assert len(harness.said("too few replies would have been left")) == 1
    await harness.wait(600)
    assert len(harness.said("too few replies would have been left")) == 1


async def test_a_closed_window_is_said_once(harness: Asking) -> None:
    await harness.asks("where is it?")
    await harness.answer("on its way")
    await harness.wait(hours=47.99)
    await harness.answer("has it come?")
    await harness.solve()
    await harness.wait(minutes=5)
    assert harness.questions == []
    assert len(harness.said("could not be asked")) == 1


async def test_a_refusal_between_decision_and_sending_is_said(harness: Asking) -> None:
    await harness.served()
    harness.phone.platform.allowances[CUSTOMER].left = 0
    await harness.wait(150)
    await harness.wait(5)
    assert harness.questions == []
    assert (await harness.surveys())[0].state == "void"
    assert len(harness.said("could not be asked")) == 1


async def test_nobody_is_asked_whom_nobody_answered(harness: Asking) -> None:
    await harness.asks("hello")
    await harness.solve()
    await harness.wait(150)
    assert harness.questions == []
    assert (await harness.surveys())[0].why == "nobody answered"


async def test_reopened_before_it_was_asked_and_not_twice_a_day(harness: Asking) -> None:
    await harness.served()
    await harness.asks("one more thing")
    await harness.wait(150)
    assert harness.questions == []
    await harness.answer("done")
    await harness.solve()
    await harness.wait(150)
    assert len(harness.questions) == 1
    await harness.asks("thanks, and what of the other?")
    await harness.answer("sent")
    await harness.solve()
    await harness.wait(150)
    assert len(harness.questions) == 1


async def test_asked_once_over_a_restart(database_url: str, tmp_path: Path) -> None:
    harness = Asking(database_url, tmp_path)
    async with harness.running():
        await harness.served()
        harness.clock.advance(150)
    for _ in range(2):
        async with harness.running():
            await harness.wait(1)
            await harness.wait(1)
    assert len(harness.questions) == 1


@pytest.mark.parametrize("harness", [{"way": "link", "comment": True}], indirect=True)
async def test_a_link_is_a_page_that_takes_one_answer(harness: Asking) -> None:
    await harness.served()
    await harness.wait(150)
    found = re.search(r"https://\S+/rate/(\S+)", harness.received()[-1])
    assert found is not None
    assert harness.bridge is not None
    transport = httpx.ASGITransport(harness.bridge.app())
    async with httpx.AsyncClient(transport=transport, base_url="https://bridge.example.com") as client:
        page = await client.get(f"/rate/{found[1]}", headers={"accept-language": "zh-CN"})
        assert 'lang="zh-CN"' in page.text and page.text.count('type="radio"') == 5
        # an old web view, without a network of its own: one file, no script
        assert not re.search(r"<script|<link[^>]+href=\"(?!data:)|src=|url\(|https?:|@import", page.text)
        assert (await client.get(f"/rate/{found[1][:-1]}x")).status_code == 404
        assert (await client.post(f"/rate/{found[1]}", data={"score": "9"})).status_code == 422
        for odd in (b"&".join([b"score=5"] * 12), b"&" * 16_000, b"score=5&comment=\xff"):
            assert (await client.post(f"/rate/{found[1]}", content=odd)).status_code == 400, odd[:20]
            assert (await client.post("/rate/nobody", content=odd)).status_code == 400, "no bug of ours"
        done = await client.post(f"/rate/{found[1]}", data={"score": "5", "comment": "all <b>well</b>"})
        assert done.status_code == 200 and "Thank you" in done.text
        large = {"content-length": "99999999999", "content-type": "application/x-www-form-urlencoded"}
        assert (await client.post(f"/rate/{found[1]}", content=b"score=5", headers=large)).status_code == 413
        again = await client.post(f"/rate/{found[1]}", data={"score": "1"})
        assert again.status_code == 409
    await harness.quiet()
    (row,) = await harness.surveys()
    assert (row.state, row.score) == ("rated", 5)
    assert len(harness.said("rated this service 5 of 5")) == 1 and "all <b>well</b>" in harness.said("5 of 5")[0]


@pytest.mark.parametrize("harness", [{"way": "link"}], indirect=True)
async def test_a_link_of_somebody_erased_opens_nothing(harness: Asking) -> None:
    await harness.served()
    await harness.wait(150)
    found = re.search(r"https://[^/\s]+(/rate/\S+)", harness.received()[-1])
    assert found is not None and harness.bridge is not None
    transport = httpx.ASGITransport(harness.bridge.app())
    async with httpx.AsyncClient(transport=transport, base_url="https://bridge.example.com") as client:
        assert (await client.get(found[1])).status_code == 200
        await erase(harness.bridge, CUSTOMER, "test")
        assert (await client.get(found[1])).status_code == 404
        assert (await client.post(found[1], data={"score": "5"})).status_code == 404

"""The real Request Tracker in the words of the journeys, so that they run with it on the virtual clock as with the
simulators: what the bridge does goes by its own clock, and no order comes from RT's.
"""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote
from urllib.request import Request, urlopen

from bridge.testing.e2e.desk import Desk, Entry, File
from tests.real.rt_server import RealRt


class RealRtDesk(Desk):
    """One queue of a running RT; only what was made after it counts."""

    kind: ClassVar[str] = "rt"

    def __init__(self, rt: RealRt) -> None:
        self._rt = rt
        self._texts: dict[str, str] = {}  # by transaction
        self._first = max(map(int, self._all()), default=0)

    @classmethod
    def of(cls, rt: RealRt) -> Callable[..., "RealRtDesk"]:
        """As the journeys make a desk."""

        def make(clock: Callable[[], datetime] | None = None) -> RealRtDesk:
            return cls(rt)

        return make

    @property
    def simulator(self) -> Any:  # type: ignore[override] # it runs already, and goes on
        return _running()

    def settings(self) -> dict[str, Any]:
        return self._rt.account()

    def silence(self) -> None:
        """Nobody told it whom to call."""

    def refuse_credentials(self) -> None:
        self._rt.disable(disabled=True)

    def accept_credentials(self) -> None:
        self._rt.disable(disabled=False)

    def tickets(self) -> list[str]:
        return [one for one in self._all() if int(one) > self._first]

    def entries(self, ticket: str) -> list[Entry]:
        found = []
        for item in self._get(f"/ticket/{ticket}/history?fields=Type,Creator&per_page=100")["items"]:
            if item["Type"] not in {"Create", "Correspond", "Comment"}:
                continue
            text = self._text_of(item["id"])
            by_agent = item["Creator"]["id"] == "agent"
            side = "agent" if by_agent else "note" if item["Type"] == "Comment" else "customer"
            found.append(Entry(side, text))
        return found

    async def agent_says(self, ticket: str, text: str, files: Sequence[File] = ()) -> None:
        await self._rt.answers(ticket, text)

    async def agent_notes(self, ticket: str, text: str) -> None:
        await self._rt.answers(ticket, text, verb="comment")

    async def opens(self, requestor: str, text: str) -> str:
        """An agent makes a ticket for somebody."""
        body = {
            "Queue": self._rt.facts["queue"], "Subject": "Parcel", "Requestor": requestor, "Content": text,
            "ContentType": "text/plain",
        }  # fmt: skip
        return str(self._get("/ticket", body)["id"])

    def _text_of(self, transaction: str) -> str:
        """What it holds never changes."""
        if transaction not in self._texts:
            path = f"/transaction/{transaction}/attachments?fields=Filename,ContentType,Content&per_page=100"
            parts = [one for one in self._get(path)["items"] if one["ContentType"].startswith("text/")]
            self._texts[transaction] = "".join(one["Content"] for one in parts if not one["Filename"])
        return self._texts[transaction]

    def _all(self) -> list[str]:
        query = quote(f"Queue = '{self._rt.facts['queue']}'")
        newest = self._get(f"/tickets?query={query}&orderby=id&order=DESC&per_page=100")["items"]
        return [str(one["id"]) for one in reversed(newest)]

    def _get(self, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"authorization": f"token {self._rt.facts['agent_token']}", "content-type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        with urlopen(Request(self._rt.facts["rest2"] + path, data, headers), timeout=30) as answer:
            return json.loads(answer.read())


@asynccontextmanager
async def _running() -> AsyncIterator[None]:
    yield

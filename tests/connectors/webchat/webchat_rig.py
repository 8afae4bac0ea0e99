"""One account's routes on the account in memory, and people who call them."""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from argon2 import PasswordHasher
from starlette.applications import Starlette

from bridge.contract import Contact, Message, Raw, Receipt, RenderContext, StoreDown, Target
from bridge.testing.clock import VirtualClock
from bridge.testing.rig import lend_account
from connectors.webchat import WebChat

PUBLIC = "https://bridge.example.com"
SECRET = "a secret that signs visitors"
PASSWORD = "a long password"
HASH = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
ORIGIN = "https://www.acme.example"


class WebchatRig:
    """An account `site` with its routes; `kept` is what the engine would have."""

    def __init__(self, account: Any, clock: VirtualClock, **keys: Any) -> None:
        settings = {
            "kind": "webchat",
            "allowed_origins": [ORIGIN],
            "identity_secret": SECRET,
            "agents": [{"name": name, "hash": HASH} for name in ("Agent A", "Agent B")],
            **keys,
        }
        self.account = account
        self.clock = clock
        self.chat = WebChat(WebChat.Config.model_validate(settings), account)
        self.kept: list[Raw] = []
        self.down = False
        self.app = Starlette(routes=list(self.chat.routes(self.keep)))
        self.clients: list[httpx.AsyncClient] = []

    async def keep(self, raws: Sequence[Raw], cursor: str | None = None) -> None:
        if self.down:
            raise StoreDown
        known = {raw.key for raw in self.kept}
        self.kept += [raw for raw in raws if raw.key not in known]

    def client(self, address: str = "198.51.100.7", **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=(address, 1234))
        client = httpx.AsyncClient(transport=transport, base_url=PUBLIC, headers=headers)
        self.clients.append(client)
        return client

    async def visitor(self, address: str = "198.51.100.7", **body: Any) -> "Visitor":
        client = self.client(address)
        answer = await client.post("/chat/site/v1/sessions", json=body)
        assert answer.status_code == 200, answer.text
        return Visitor(self, client, answer.json())

    async def agent(self, name: str = "Agent A") -> httpx.AsyncClient:
        client = self.client(**{"x-desk": "1"})
        answer = await client.post("/desk/site/v1/sign-in", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return client

    def events(self) -> list[Any]:
        return [event for raw in self.kept for event in self.chat.normalise(raw)]

    async def bring(self, message: Message, key: str, *, to: str | None, **more: Any) -> Receipt:
        """What the engine does with one message: render, deliver each step."""
        contact = more.pop("contact", Contact(id="v_0000000000000001", name="Customer A"))
        steps = self.chat.render([message], RenderContext(conversation=to, contact=contact))
        receipt = Receipt()
        for number, step in enumerate(steps):
            target = Target(key=f"{key}{number or ''}", link="1", conversation=to, contact=contact, **more)
            receipt = await self.chat.deliver(step, target)
        return receipt


@dataclasses.dataclass
class Visitor:
    """A browser with a session."""

    rig: WebchatRig
    client: httpx.AsyncClient
    session: dict[str, Any]

    @property
    def id(self) -> str:
        name: str = self.session["visitor"]["id"]
        return name

    @property
    def token(self) -> str:
        token: str = self.session["visitor_token"]
        return token

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.session['access_token']}"}

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        return await self.client.post(f"/chat/site/v1/{path}", json=body or {}, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        return await self.client.get(f"/chat/site/v1/{path}", headers=headers, **more)

    async def say(self, text: str, client: str = "", **more: Any) -> httpx.Response:
        body = {"client_id": client or f"client-{abs(hash(text)):016x}", "text": text, **more}
        return await self.post("messages", body)

    async def upload(self, data: bytes, name: str = "file", kind: str = "application/octet-stream") -> httpx.Response:
        headers = {**self.headers, "content-type": kind, "x-name": name}
        return await self.client.post("/chat/site/v1/uploads", content=data, headers=headers)

    async def seen(self, since: str = "") -> dict[str, Any]:
        answer = await self.get("events", params={"since": since, "wait": "0"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@asynccontextmanager
async def opened(**keys: Any) -> AsyncIterator[WebchatRig]:
    clock = VirtualClock()
    async with lend_account("site", clock=clock, public_url=PUBLIC) as account:
        rig = WebchatRig(account, clock, **keys)
        yield rig
        for client in rig.clients:
            await client.aclose()


def code(answer: httpx.Response) -> str:
    name: str = answer.json()["error"]["code"]
    return name

"""Web chat passes the suite that every connector passes, once for each of its roles."""

from typing import Any

from argon2 import PasswordHasher

from bridge.contract import Audience, AuthorKind, Role
from bridge.testing.conformance import ConnectorConformance, Harness, raws_in
from connectors.webchat import WebChat
from tests.connectors.webchat.samples import FIXTURES, key_of

HASH = PasswordHasher(time_cost=1, memory_cost=1024).hash("a long password")


class _Common(ConnectorConformance):
    connector = WebChat
    takes_callbacks = False
    samples = raws_in(FIXTURES, keys=key_of)

    def settings(self, vendor: Any) -> dict[str, Any]:
        return {
            "kind": "webchat",
            "allowed_origins": ["https://www.acme.example"],
            "identity_secret": "a secret that signs visitors",
            "agents": [{"name": "Agent", "hash": HASH}],
        }


class TestChannel(_Common):
    role = Role.CHANNEL
    cannot_show = {
        "says": "a visitor's own session speaks: see test_webchat_visitors",
        "sends_file": "uploads have tests of their own: see test_webchat_uploads",
        "files_shown": "files are links to the media store: see test_webchat_visitors",
    }

    async def _visitor(self, harness: Harness) -> dict[str, str]:
        assert harness.served is not None
        answer = await harness.served.post("/chat/trial/v1/sessions", json={})
        answer.raise_for_status()
        return {"authorization": f"Bearer {answer.json()['access_token']}", "id": answer.json()["visitor"]["id"]}

    async def open_conversation(self, harness: Harness) -> str:
        return (await self._visitor(harness))["id"]

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        assert harness.served is not None
        bearer = {"authorization": (await self._visitor(harness))["authorization"]}
        about = {**bearer, "content-type": "application/pdf", "x-name": "invoice.pdf"}
        kept = await harness.served.post("/chat/trial/v1/uploads", content=b"%PDF-1.7\n", headers=about)
        body = {"client_id": "client-without-words", "text": "", "attachments": [kept.json()["id"]]}
        (await harness.served.post("/chat/trial/v1/messages", json=body, headers=bearer)).raise_for_status()
        return "invoice.pdf"

    async def happens(self, harness: Harness, text: str) -> None:
        assert harness.served is not None
        headers = await self._visitor(harness)
        body = {"client_id": f"client-{text.encode().hex()[:40]}", "text": text}
        answer = await harness.served.post(
            "/chat/trial/v1/messages", json=body, headers={"authorization": headers["authorization"]}
        )
        answer.raise_for_status()

    async def shown(self, harness: Harness) -> list[str]:
        found = []
        for name, _ in await harness.account.records.list("visitor"):
            for _, event in await harness.account.records.read(f"visitor:{name}"):
                if event["type"] == "message.new":
                    found.append(event["text"] or str(event.get("attachments") or event.get("cards")))
        return found


class TestDesk(_Common):
    role = Role.DESK
    cannot_show = {
        "gives_to_another": "a ticket of the web desk is its customer's for good: there is no way to change it",
        "sends_file": "uploads have tests of their own: see test_webchat_uploads",
        "files_shown": "files are links to the media store: see test_webchat_desk",
    }

    async def says(self, harness: Harness, conversation: str, text: str) -> None:
        await self._write(harness, conversation, text)

    async def says_privately(self, harness: Harness, conversation: str, text: str) -> None:
        await self._write(harness, conversation, text, to="notes")

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        assert harness.served is not None
        await self._sign_in(harness)
        about = {"x-desk": "1", "content-type": "application/pdf", "x-name": "invoice.pdf"}
        kept = await harness.served.post("/desk/trial/v1/uploads", content=b"%PDF-1.7\n", headers=about)
        url = f"/desk/trial/v1/tickets/{conversation}/messages"
        body = {"client_id": "client-without-words", "text": "", "attachments": [kept.json()["id"]]}
        (await harness.served.post(url, json=body, headers={"x-desk": "1"})).raise_for_status()
        return "invoice.pdf"

    async def retries(self, harness: Harness, conversation: str, text: str) -> None:
        assert harness.served is not None
        await self._sign_in(harness)
        url = f"/desk/trial/v1/tickets/{conversation}/messages/{(await self._entry(harness, text))['id']}/again"
        (await harness.served.post(url, json={}, headers={"x-desk": "1"})).raise_for_status()

    async def audience_of(self, harness: Harness, text: str) -> Audience:
        return Audience.AGENTS if (await self._entry(harness, text))["type"] == "note" else Audience.CUSTOMER

    async def author_of(self, harness: Harness, text: str) -> AuthorKind:
        kind = (await self._entry(harness, text))["from"]["kind"]
        return {"customer": AuthorKind.CUSTOMER, "agent": AuthorKind.AGENT}.get(kind, AuthorKind.BRIDGE)

    async def _entry(self, harness: Harness, text: str) -> dict[str, Any]:
        (found,) = [
            entry
            for name, _ in await harness.account.records.list("ticket")
            for _, entry in await harness.account.records.read(f"ticket:{name}")
            if text in str(entry.get("text"))
        ]
        return found

    async def _write(self, harness: Harness, ticket: str, text: str, to: str = "messages") -> None:
        assert harness.served is not None
        await self._sign_in(harness)
        answer = await harness.served.post(
            f"/desk/trial/v1/tickets/{ticket}/{to}",
            json={"client_id": f"client-{text.encode().hex()[:40]}", "text": text},
            headers={"x-desk": "1"},
        )
        answer.raise_for_status()

    async def _sign_in(self, harness: Harness) -> None:
        assert harness.served is not None
        if not harness.served.cookies:
            answer = await harness.served.post(
                "/desk/trial/v1/sign-in", json={"name": "agent", "password": "a long password"}, headers={"x-desk": "1"}
            )
            answer.raise_for_status()

    async def open_conversation(self, harness: Harness) -> str:
        from bridge.contract import Text
        from bridge.testing.conformance.builders import said, send, target_for

        context, target = target_for(self.role, None, key=f"opening-{await self._count(harness)}")
        (step,) = harness.connector.render([said(self.role, Text(body="opened"), conversation="c1")], context)
        return (await send(harness, step, target)).conversation

    async def finishes(self, harness: Harness, conversation: str) -> None:
        assert harness.served is not None
        await self._sign_in(harness)
        url = f"/desk/trial/v1/tickets/{conversation}/status"
        (await harness.served.post(url, json={"status": "solved"}, headers={"x-desk": "1"})).raise_for_status()

    async def is_open(self, harness: Harness, conversation: str) -> bool:
        row = await harness.account.records.get("ticket", conversation)
        return row is not None and row[0]["status"] == "open"

    async def _count(self, harness: Harness) -> int:
        return len(await harness.account.records.list("ticket"))

    async def happens(self, harness: Harness, text: str) -> None:
        assert harness.served is not None
        await self._sign_in(harness)
        ticket = await self.open_conversation(harness)
        answer = await harness.served.post(
            f"/desk/trial/v1/tickets/{ticket}/messages",
            json={"client_id": f"client-{text.encode().hex()[:40]}", "text": text},
            headers={"x-desk": "1"},
        )
        answer.raise_for_status()

    async def shown(self, harness: Harness) -> list[str]:
        found = []
        for name, _ in await harness.account.records.list("ticket"):
            for _, entry in await harness.account.records.read(f"ticket:{name}"):
                if entry["type"] in {"message", "note"}:
                    found.append(entry["text"] or str(entry.get("attachments") or entry.get("cards")))
        return found

"""A program as a desk: what every desk has to keep."""

import json
from typing import Any

from bridge.contract import Audience, AuthFailed, AuthorKind, Gone, Media, Raw, Rejected, Retryable, Role, Throttled
from bridge.testing.conformance import ConnectorConformance, Harness, Refusal
from connectors.webhook import Webhook
from connectors.webhook.simulator import Simulator

ANSWER = {
    "type": "answer",
    "ticket": "17",
    "id": "a-1",
    "text": "Hello, **there**",
    "author": {"id": "7", "name": "Mei"},
}
BY_LINK = {"name": "a.pdf", "mime": "application/pdf", "url": "https://crm.example.com/files/a.pdf"}
STORED = {"name": "p.png", "mime": "image/png", "sha256": "ab" * 32, "size": 9}


def sample(name: str, **fields: Any) -> Raw:
    return Raw(name, json.dumps(ANSWER | fields, ensure_ascii=False).encode())


class TestWebhookDesk(ConnectorConformance):
    connector = Webhook
    role = Role.DESK
    simulator = Simulator
    effect = r"POST /bridge$"
    grants_rights = False
    cannot_show = {"gives_to_another": "the bridge itself names the tickets, and tells whose each is"}
    samples = (
        sample("answer"),
        sample("markdown", format="markdown"),
        sample("html", format="html", text="<p>Hello</p>"),
        sample("note", type="note"),
        sample("files", files=[BY_LINK, STORED, BY_LINK | {"mime": "audio/mpeg"}, BY_LINK | {"mime": "video/mp4"}]),
        sample("only a file", text="", files=[STORED]),
        sample("echo", origin="018f"),
        Raw("solved", b'{"type": "status", "ticket": "17", "id": "s-1", "status": "solved"}'),
        Raw("deleted", b'{"type": "deleted", "ticket": "17", "id": "a-1"}'),
    )
    refusals = (
        Refusal("signature", AuthFailed, status=401),
        Refusal("forbidden", AuthFailed, status=403),
        Refusal("nothing there", AuthFailed, status=404),
        Refusal("led elsewhere", AuthFailed, status=302, headers={"location": "https://login.example/"}),
        Refusal("no more for this ticket", Gone, status=410),
        Refusal("not understood", Rejected, status=422),
        Refusal("too large", Rejected, status=413),
        Refusal("slow down", Throttled, status=429),
        Refusal("fault", Retryable, status=500),
        Refusal("bad gateway", Retryable, status=502, body=b"<html>bad gateway</html>"),
    )

    def wrong_settings(self, vendor: Simulator) -> dict[str, Any]:
        return vendor.settings() | {"secret": "whsec_YW5vdGhlci1zZWNyZXQtb2Ytbm9ib2R5LTAwMDE="}

    async def open_conversation(self, harness: Harness) -> str:
        name: str = harness.vendor.books.open_ticket()
        return name

    async def happens(self, harness: Harness, text: str) -> None:
        await harness.vendor.agent_says(harness.vendor.books.open_ticket(), text)

    async def shown(self, harness: Harness) -> list[str]:
        return [entry.text for entry in self._entries(harness)]

    async def finishes(self, harness: Harness, conversation: str) -> None:
        await harness.vendor.solves(conversation)

    async def is_open(self, harness: Harness, conversation: str) -> bool:
        return bool(harness.vendor.books.tickets[conversation].status == "open")

    async def says(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.agent_says(conversation, text)

    async def says_privately(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.notes(conversation, text)

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        picture = '<p><img src="https://cdn.shop.example/map.png"></p>'
        body = {"type": "answer", "ticket": conversation, "id": "wordless", "text": picture, "format": "html"}
        await harness.vendor.posts(body)
        return "cdn.shop.example/map.png"

    async def audience_of(self, harness: Harness, text: str) -> Audience:
        return Audience.AGENTS if self._entry(harness, text).private else Audience.CUSTOMER

    async def author_of(self, harness: Harness, text: str) -> AuthorKind:
        return AuthorKind(self._entry(harness, text).author)

    async def sends_file(self, harness: Harness, conversation: str, data: bytes) -> None:
        await harness.vendor.agent_says(conversation, "see the file", data=data, by_link=True)

    async def files_shown(self, harness: Harness) -> list[bytes]:
        return [data for entry in self._entries(harness) for data in entry.files]

    async def put_file(self, harness: Harness, data: bytes) -> Media:
        return Media(account=harness.account.name, id=harness.vendor.put_file("a.pdf", data), name="a.pdf")

    def _entries(self, harness: Harness) -> list[Any]:
        return [entry for ticket in harness.vendor.books.tickets.values() for entry in ticket.entries]

    def _entry(self, harness: Harness, text: str) -> Any:
        (found,) = [entry for entry in self._entries(harness) if text in entry.text]
        return found

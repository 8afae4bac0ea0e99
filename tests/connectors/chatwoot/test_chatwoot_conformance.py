"""What every connector has to keep, with webhooks that are signed and with such that are not."""

import json
from typing import Any

from bridge.contract import Audience, AuthFailed, AuthorKind, Gone, Media, Raw, Rejected, Retryable, Scope, Throttled
from bridge.testing.conformance import ConnectorConformance, Harness, Refusal
from connectors.chatwoot import Chatwoot
from connectors.chatwoot.simulator import Simulator
from connectors.chatwoot.simulator.vendor import ADMIN

CONVERSATION = {"id": 12, "inbox_id": 17, "status": "open", "contact_inbox": {"source_id": "s"}, "labels": []}
BASE = {
    "id": 501,
    "content": "Hello **there**\\\nsecond line",
    "content_type": "text",
    "content_attributes": {},
    "message_type": "outgoing",
    "private": False,
    "source_id": None,
    "created_at": "2026-01-05T09:00:00.000Z",
    "sender": {"id": 2, "name": "Mei", "type": "user"},
    "inbox": {"id": 17, "name": "bridge"},
    "account": {"id": 1, "name": "Shop"},
    "conversation": CONVERSATION,
}
FILE = {
    "id": 9,
    "message_id": 501,
    "file_type": "image",
    "file_size": 12,
    "extension": "png",
    "data_url": "https://x/9",
}
CARD = {
    "title": "Shoes",
    "description": "red",
    "actions": [{"type": "link", "text": "Buy", "uri": "https://s.example/1"}],
}


def sample(name: str, event: str = "message_created", **fields: Any) -> Raw:
    return Raw(name, json.dumps(BASE | {"event": event} | fields, ensure_ascii=False).encode())


SAMPLES = (
    sample("answer"),
    sample("note", private=True),
    sample("files", content=None, attachments=[FILE, FILE | {"id": 10, "file_type": "audio"}]),
    sample("video", attachments=[FILE | {"id": 11, "file_type": "video"}, FILE | {"id": 12, "file_type": "file"}]),
    sample("place", attachments=[{"id": 13, "file_type": "location", "coordinates_lat": 1.5, "coordinates_long": 2}]),
    sample("customer", message_type="incoming", source_id="step-1", sender={"id": 3, "name": "c", "type": "contact"}),
    sample("bot", sender={"id": 4, "name": "bot", "type": "agent_bot"}),
    sample("automation", message_type="template", sender=None),
    sample("cards", content="", content_type="cards", content_attributes={"items": [CARD]}),
    sample("articles", content_type="article", content_attributes={"items": [{"title": "t", "link": "https://h/1"}]}),
    sample("list", message_type=1, created_at=1767603600),
    sample("deleted", "message_updated", content_attributes={"deleted": True}),
    sample("state of delivery", "message_updated", status="delivered"),
    Raw(
        "resolved", json.dumps({"event": "conversation_status_changed", **CONVERSATION, "status": "resolved"}).encode()
    ),
)


class ChatwootConformance(ConnectorConformance):
    connector = Chatwoot
    simulator = Simulator
    effect = r"POST .*/messages$"
    samples = SAMPLES
    signs = True
    refusals = (
        Refusal("token", AuthFailed, status=401, body=b'{"error":"Invalid Access Token"}'),
        Refusal("no member of the inbox", AuthFailed, status=403, body=b'{"error":"You are not authorized"}'),
        Refusal("led elsewhere", AuthFailed, status=302, headers={"location": "https://login.example/"}),
        Refusal("deleted", Gone, status=404, body=b'{"error":"Resource could not be found"}'),
        Refusal("refused", Rejected, status=422, body=b'{"message":"Content can\'t be blank"}'),
        Refusal("too large", Rejected, status=413),
        Refusal(
            "flood",
            Throttled,
            status=422,
            body=b'{"message":"Validation failed: Too many messages"}',
            scope=Scope.CONVERSATION,
        ),
        Refusal("too many", Throttled, status=429),
        Refusal("fault", Retryable, status=500),
        Refusal("bad gateway", Retryable, status=502, body=b"<html>bad gateway</html>"),
    )

    def make_vendor(self, clock: Any, hook_url: str) -> Simulator:
        return Simulator(clock=clock, hook_url=hook_url, signs=self.signs)

    def wrong_settings(self, vendor: Simulator) -> dict[str, Any]:
        return vendor.settings() | {"token": "some-other-token-of-nobody"}

    def settings(self, vendor: Simulator) -> dict[str, Any]:
        """An administrator's token: set-up needs one."""
        return vendor.settings() | {"token": ADMIN}

    async def take_rights(self, harness: Harness) -> None:
        harness.vendor.site.members.clear()
        harness.vendor.site.tokens[ADMIN] = harness.vendor.site.tokens[ADMIN] | {"role": "agent"}

    async def open_conversation(self, harness: Harness) -> str:
        return harness.vendor.open_conversation()

    async def happens(self, harness: Harness, text: str) -> None:
        await harness.vendor.agent_says(harness.vendor.open_conversation(), text)

    async def shown(self, harness: Harness) -> list[str]:
        conversations = harness.vendor.books.conversations.values()
        return [message.content or "" for one in conversations for message in one.messages]

    async def finishes(self, harness: Harness, conversation: str) -> None:
        await harness.vendor.resolves(conversation)

    async def is_open(self, harness: Harness, conversation: str) -> bool:
        return harness.vendor.books.conversation(int(conversation)).status == "open"

    async def says(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.agent_says(conversation, text)

    async def says_privately(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.notes(conversation, text)

    async def retries(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.retries(conversation, str(self._message(harness, text).id))

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        await harness.vendor.agent_says(conversation, "![](https://cdn.shop.example/map.png)")
        return "cdn.shop.example/map.png"

    async def gives_to_another(self, harness: Harness, conversation: str) -> None:
        harness.vendor.gives(conversation)

    def _message(self, harness: Harness, text: str) -> Any:
        conversations = harness.vendor.books.conversations.values()
        (found,) = [message for one in conversations for message in one.messages if text in (message.content or "")]
        return found

    async def audience_of(self, harness: Harness, text: str) -> Audience:
        return Audience.AGENTS if self._message(harness, text).private else Audience.CUSTOMER

    async def author_of(self, harness: Harness, text: str) -> AuthorKind:
        return AuthorKind.AGENT if self._message(harness, text).message_type else AuthorKind.CUSTOMER

    async def sends_file(self, harness: Harness, conversation: str, data: bytes) -> None:
        await harness.vendor.agent_says(conversation, "see file", (("a.pdf", "application/pdf", data),))

    async def files_shown(self, harness: Harness) -> list[bytes]:
        conversations = harness.vendor.books.conversations.values()
        return [file.data for one in conversations for message in one.messages for file in message.files]

    async def put_file(self, harness: Harness, data: bytes) -> Media:
        place = harness.vendor.open_conversation()
        number = await harness.vendor.agent_says(place, "with a file", (("a.pdf", "application/pdf", data),))
        (file,) = harness.vendor.seen(place)[-1].files
        return Media(
            account=harness.account.name, id=f"{place}:{number}:{file.id}", mime="application/pdf", name="a.pdf"
        )


class TestSigned(ChatwootConformance):
    """Versions from 2026 on."""


class TestUnsigned(ChatwootConformance):
    """Older ones: the address of the callbacks proves them."""

    signs = False
    test_a_message_that_is_sent_again_is_told = None  # type: ignore[assignment] # such a callback is no evidence

    def make_vendor(self, clock: Any, hook_url: str) -> Simulator:
        from bridge.testing.conformance.case import ACCOUNT
        from bridge.testing.rig import make_account
        from connectors.chatwoot.callback import address_key

        key = address_key(make_account(ACCOUNT))
        return Simulator(clock=clock, hook_url=f"{hook_url}?key={key}", signs=False)

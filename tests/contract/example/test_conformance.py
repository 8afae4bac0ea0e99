"""Post keeps every promise of a connector. What the suite cannot know of the vendor stands here."""

import json
from typing import Any

from bridge.contract import Audience, AuthFailed, AuthorKind, Gone, Media, Raw, Rejected, Throttled
from bridge.testing.conformance import ConnectorConformance, Harness, Refusal
from tests.contract.example import Post
from tests.contract.example.simulator import PostSimulator


def sample(number: int, **fields: Any) -> Raw:
    message = {
        "id": number,
        "thread": "17",
        "author": {"kind": "customer", "id": "c-1", "name": "Customer A"},
        "text": "Where is my order?",
        "files": [],
        "key": "",
        "internal": False,
        "at": "2026-01-05T09:00:00Z",
    } | fields
    return Raw(key=f"message:{number}", payload=json.dumps(message).encode())


class TestPost(ConnectorConformance):
    connector = Post
    simulator = PostSimulator
    tickets_end = False  # a closed thread takes nothing more: Gone
    effect = "POST /threads"
    uploads = "POST /files"
    cannot_show = {"gives_to_another": "a thread there never changes its customer"}
    samples = (
        sample(1),
        sample(2, text="", files=[{"id": "f1", "name": "photo.jpg", "mime": "image/jpeg", "size": 100}]),
        sample(3, author={"kind": "bot", "id": "bridge"}, key="step-1", internal=True),
    )
    refusals = (
        Refusal("thread closed", Gone, status=410),
        Refusal("no such thread", Gone, status=404),
        Refusal("text refused", Rejected, status=422, body=b'{"error": "the text is too long"}'),
        Refusal("no right", AuthFailed, status=403),
        Refusal("too fast", Throttled, status=429),
    )

    def make_vendor(self, clock: Any, hook_url: str) -> PostSimulator:
        return PostSimulator(clock=clock, hook_url=hook_url)

    def wrong_settings(self, vendor: PostSimulator) -> dict[str, Any]:
        return vendor.settings() | {"api_token": "some-other-token"}

    async def take_rights(self, harness: Harness) -> None:
        harness.vendor.rights = ["read"]

    async def open_conversation(self, harness: Harness) -> str:
        return harness.vendor.opens()

    async def happens(self, harness: Harness, text: str) -> None:
        await harness.vendor.says(harness.vendor.opens(), text)

    async def shown(self, harness: Harness) -> list[str]:
        return [message["text"] for message in harness.vendor.messages]

    async def says(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.says(conversation, text)

    async def says_privately(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.says(conversation, text, internal=True)

    async def audience_of(self, harness: Harness, text: str) -> Audience:
        (message,) = [message for message in harness.vendor.messages if text in message["text"]]
        return Audience.AGENTS if message["internal"] else Audience.CUSTOMER

    async def author_of(self, harness: Harness, text: str) -> AuthorKind:
        (message,) = [message for message in harness.vendor.messages if text in message["text"]]
        return {"customer": AuthorKind.CUSTOMER, "agent": AuthorKind.AGENT}.get(
            message["author"]["kind"], AuthorKind.BRIDGE
        )

    async def sends_file(self, harness: Harness, conversation: str, data: bytes) -> None:
        harness.vendor.files["f2"] = ("invoice.pdf", data)
        await harness.vendor.says(conversation, "see file", files=["f2"])

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        harness.vendor.files["f3"] = ("route.gpx", b"<gpx/>")
        await harness.vendor.says(conversation, "", files=["f3"])
        return "f3"

    async def files_shown(self, harness: Harness) -> list[bytes]:
        messages = harness.vendor.messages
        return [harness.vendor.files[file["id"]][1] for message in messages for file in message["files"]]

    async def put_file(self, harness: Harness, data: bytes) -> Media:
        harness.vendor.files["f1"] = ("invoice.pdf", data)
        return Media(account=harness.account.name, id="f1", name="invoice.pdf")

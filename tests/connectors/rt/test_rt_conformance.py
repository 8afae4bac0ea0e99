"""Request Tracker passes the suite that every connector passes."""

from pathlib import Path
from typing import Any

from bridge.contract import Audience, AuthFailed, AuthorKind, Gone, Media, Raw, Rejected, Retryable, Scope, Throttled
from bridge.testing.clock import VirtualClock
from bridge.testing.conformance import ConnectorConformance, Harness, Refusal
from bridge.testing.conformance.builders import CUSTOMER
from connectors.rt import RequestTracker
from connectors.rt.simulator import Simulator
from connectors.rt.text import address

FIXTURES = Path(__file__).parent / "fixtures"
SAMPLES = tuple(
    Raw(key=path.stem.replace("_", ":"), payload=path.read_bytes())
    for path in sorted(FIXTURES.glob("transaction_*.json"))
)


class TestRequestTracker(ConnectorConformance):
    connector = RequestTracker
    simulator = Simulator
    effect = "POST .*/(correspond|comment|ticket)$"
    samples = SAMPLES
    refusals = (
        Refusal("wrong token", AuthFailed, status=401, body=b'{"message":"Unauthorized"}'),
        Refusal(
            "no right on this ticket",
            AuthFailed,
            status=403,
            body=b'{"message":"Permission Denied"}',
            scope=Scope.CONVERSATION,
        ),
        Refusal("no such ticket", Gone, status=404, body=b'{"message":"Not Found"}'),
        Refusal("content refused", Rejected, status=400, body=b'{"message":"ContentType is a required field"}'),
        Refusal("fault", Retryable, status=500),
        Refusal("overloaded", Throttled, status=503, headers={"retry-after": "7"}),
    )

    def wrong_settings(self, vendor: Simulator) -> dict[str, Any]:
        return vendor.settings() | {"token": "1-31-some-other-token"}

    async def take_rights(self, harness: Harness) -> None:
        harness.vendor.rest.blind.add("bridge")

    async def finishes(self, harness: Harness, conversation: str) -> None:
        harness.vendor.state.opens = False  # an admin took RT's own scrip away
        await harness.vendor.resolve(conversation)

    async def is_open(self, harness: Harness, conversation: str) -> bool:
        return harness.vendor.status(conversation) in {"new", "open"}

    async def open_conversation(self, harness: Harness) -> str:
        return harness.vendor.open_ticket(address(CUSTOMER.id, harness.connector.config.requestor_domain))

    async def happens(self, harness: Harness, text: str) -> None:
        await harness.vendor.agent_says(harness.vendor.open_ticket(), text)

    async def shown(self, harness: Harness) -> list[str]:
        return [
            seen.text
            for number, ticket in harness.vendor.state.tickets.items()
            if not ticket.merged_into
            for seen in harness.vendor.ticket(str(number))
        ]

    async def says(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.agent_says(conversation, text)

    async def says_privately(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.agent_comments(conversation, text)

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        await harness.vendor.agent_says(conversation, '<p><img src="https://cdn.shop.example/map.png"></p>', html=True)
        return "cdn.shop.example/map.png"

    async def gives_to_another(self, harness: Harness, conversation: str) -> None:
        await harness.vendor.gives(conversation, "customer.b@acme.example")

    def _seen(self, harness: Harness) -> list[Any]:
        return [seen for number in harness.vendor.state.tickets for seen in harness.vendor.ticket(str(number))]

    async def audience_of(self, harness: Harness, text: str) -> Audience:
        (kind,) = [seen.kind for seen in self._seen(harness) if text in seen.text]
        return Audience.AGENTS if kind == "Comment" else Audience.CUSTOMER

    async def author_of(self, harness: Harness, text: str) -> AuthorKind:
        (who,) = [seen.who for seen in self._seen(harness) if text in seen.text]
        return AuthorKind.BRIDGE if who == "bridge" else AuthorKind.CUSTOMER if "@" in who else AuthorKind.AGENT

    async def sends_file(self, harness: Harness, conversation: str, data: bytes) -> None:
        await harness.vendor.agent_says(conversation, "see file", files=[("a.pdf", "application/pdf", data)])

    async def files_shown(self, harness: Harness) -> list[bytes]:
        return [data for seen in self._seen(harness) for _, data in seen.files]

    async def put_file(self, harness: Harness, data: bytes) -> Media:
        ticket = harness.vendor.open_ticket()
        await harness.vendor.agent_says(ticket, "with a file", files=[("a.pdf", "application/pdf", data)])
        number = max(harness.vendor.state.attachments)
        return Media(account=harness.account.name, id=str(number), mime="application/pdf", name="a.pdf")


class TestThroughTheMailGateway(TestRequestTracker):
    """The same suite with customers as the authors of what they write."""

    effect = "POST .*/mail-gateway$"
    refusals = (
        Refusal("a proxy asks for a login", AuthFailed, status=401),
        Refusal("no such address", Retryable, status=404),
        Refusal("not taken", Rejected, status=200, body=b"not ok - operation unsuccessful\n"),
        Refusal("queue not found", Retryable, status=200, body=b"temporary failure - operation unsuccessful\n"),
        Refusal("fault", Retryable, status=500),
        Refusal("overloaded", Throttled, status=503, headers={"retry-after": "7"}),
    )

    def make_vendor(self, clock: VirtualClock, hook_url: str) -> Simulator:
        return Simulator(clock=clock, hook_url=hook_url, mail_gateway=True)

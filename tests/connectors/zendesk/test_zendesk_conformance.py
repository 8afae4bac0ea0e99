"""Zendesk passes the suite that every connector passes."""

from pathlib import Path
from typing import Any

from bridge.contract import Audience, AuthFailed, AuthorKind, Gone, Media, Raw, Rejected, Retryable, Scope, Throttled
from bridge.testing.conformance import ConnectorConformance, Harness, Refusal
from bridge.testing.conformance.builders import CUSTOMER
from bridge.testing.conformance.case import ACCOUNT
from connectors.zendesk import Zendesk
from connectors.zendesk.inbound import media_id
from connectors.zendesk.people import external_id
from connectors.zendesk.simulator import Simulator

FIXTURES = Path(__file__).parent / "fixtures"
SAMPLES = tuple(
    Raw(key=path.stem.replace("_", ":"), payload=path.read_bytes()) for path in sorted(FIXTURES.glob("*.json"))
)
CLOSED = b"""{"error":"RecordInvalid","description":"Record validation errors","details":{"status":
[{"description":"Status: closed prevents ticket update","error":"ClosedPreventsUpdate"}]}}"""
FULL = b"""{"error":"RecordInvalid","description":"Record validation errors","details":{"base":
[{"description":"Ticket has reached the maximum of 5000 comments"}]}}"""
BLANK = b"""{"error":"RecordInvalid","description":"Record validation errors","details":{"value":
[{"description":"cannot be blank","error":"BlankValue"}]}}"""


class TestZendesk(ConnectorConformance):
    connector = Zendesk
    simulator = Simulator
    effect = r"(POST /api/v2/tickets|PUT /api/v2/tickets/\d+)(\.json)?$"
    uploads = r"POST /api/v2/uploads(\.json)?$"
    samples = SAMPLES
    refusals = (
        Refusal("wrong token", AuthFailed, status=401, body=b'{"error":"Couldn\'t authenticate you"}'),
        Refusal(
            "no right",
            AuthFailed,
            status=403,
            body=b'{"error":{"title":"Forbidden","message":"No access"}}',
            scope=Scope.CONVERSATION,
        ),
        Refusal(
            "suspended",
            AuthFailed,
            status=403,
            body=b'{"error":{"title":"Account suspended","message":"This account is suspended"}}',
        ),
        Refusal("plan expired", AuthFailed, status=402, body=b"<html>Your trial has expired</html>"),
        Refusal("no such account", AuthFailed, status=404, body=b'{"error":{"title":"No help desk at acme"}}'),
        Refusal("moved", AuthFailed, status=302, headers={"location": "https://elsewhere.example/"}),
        Refusal("newer shape", Rejected, status=400, body=b'{"errors":[{"code":"InvalidValue","title":"Invalid"}]}'),
        Refusal("too many", Rejected, status=400, body=b'{"error":"TooManyValues","description":"Maximum 100"}'),
        Refusal("closed ticket", Gone, status=422, body=CLOSED, attempts=1),
        Refusal("full ticket", Gone, status=422, body=FULL),
        Refusal("a field", Rejected, status=422, body=BLANK),
        Refusal("too large", Rejected, status=413, body=b"<html>413</html>"),
        Refusal(
            "changed meanwhile", Retryable, status=409, body=b'{"error":"UpdateConflict"}', scope=Scope.CONVERSATION
        ),
        Refusal("collision", Retryable, status=409, body=b'{"error":"DatabaseConflict"}', scope=Scope.CONVERSATION),
        Refusal("fault", Retryable, status=500),
        Refusal("maintenance", Throttled, status=503, headers={"retry-after": "7"}),
        Refusal("limit", Throttled, status=429, headers={"retry-after": "17"}),
        Refusal(
            "limit of one ticket",
            Throttled,
            status=429,
            headers={"retry-after": "17", "x-rate-limit-remaining": "600"},
            scope=Scope.CONVERSATION,
        ),
        Refusal(
            "limit of one endpoint",
            Throttled,
            status=429,
            headers={"retry-after": "17", "zendesk-ratelimit-incremental-exports": "total=10; remaining=0; resets=8"},
            scope=Scope.INTERFACE,
        ),
    )

    def wrong_settings(self, vendor: Simulator) -> dict[str, Any]:
        return vendor.settings() | {"client_secret": "some-other-secret"}

    async def take_rights(self, harness: Harness) -> None:
        harness.vendor.gate.powerless = True

    async def finishes(self, harness: Harness, conversation: str) -> None:
        await harness.vendor.agent_solves(conversation)

    async def is_open(self, harness: Harness, conversation: str) -> bool:
        return harness.vendor.state.tickets[int(conversation)].status in {"new", "open"}

    async def open_conversation(self, harness: Harness) -> str:
        known = external_id(ACCOUNT, CUSTOMER.id)
        users = harness.vendor.state.users.values()
        person = next((user for user in users if user.external_id == known), None)
        person = person or harness.vendor.state.add_user("Customer A", external_id=known)
        return harness.vendor.open_ticket(requester=person)

    async def happens(self, harness: Harness, text: str) -> None:
        await harness.vendor.agent_says(harness.vendor.open_ticket(), f"<p>{text}</p>")

    async def shown(self, harness: Harness) -> list[str]:
        vendor: Simulator = harness.vendor
        return [text for ticket in vendor.state.tickets for text in vendor.texts(str(ticket))]

    async def says(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.agent_says(conversation, f"<p>{text}</p>")

    async def says_privately(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.agent_says(conversation, f"<p>{text}</p>", public=False)

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        await harness.vendor.agent_says(conversation, '<p><img src="https://cdn.shop.example/map.png"></p>')
        return "cdn.shop.example/map.png"

    async def gives_to_another(self, harness: Harness, conversation: str) -> None:
        await harness.vendor.gives(conversation, harness.vendor.state.add_user("Customer B"))

    def _comment(self, harness: Harness, text: str) -> Any:
        tickets = harness.vendor.state.tickets.values()
        (found,) = [comment for ticket in tickets for comment in ticket.comments if text in comment.text]
        return found

    async def audience_of(self, harness: Harness, text: str) -> Audience:
        return Audience.CUSTOMER if self._comment(harness, text).public else Audience.AGENTS

    async def author_of(self, harness: Harness, text: str) -> AuthorKind:
        role = harness.vendor.state.users[self._comment(harness, text).author].role
        return AuthorKind.CUSTOMER if role == "end-user" else AuthorKind.AGENT

    async def sends_file(self, harness: Harness, conversation: str, data: bytes) -> None:
        await harness.vendor.agent_says(conversation, "see file", files=[("a.pdf", "application/pdf", data)])

    async def files_shown(self, harness: Harness) -> list[bytes]:
        return [
            file.data
            for ticket in harness.vendor.state.tickets.values()
            for comment in ticket.comments
            for file in comment.attachments
        ]

    async def put_file(self, harness: Harness, data: bytes) -> Media:
        vendor: Simulator = harness.vendor
        await vendor.agent_says(vendor.open_ticket(), "with a file", files=[("a.pdf", "application/pdf", data)])
        row = vendor.views.attachment(vendor.last_file())
        media = media_id(str(row["id"]), row["content_url"])
        return Media(account=harness.account.name, id=media, mime="application/pdf", name="a.pdf")

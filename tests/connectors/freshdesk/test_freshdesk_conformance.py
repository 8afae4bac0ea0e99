"""Freshdesk passes the suite that every connector passes."""

from pathlib import Path
from typing import Any

from bridge.contract import Audience, AuthFailed, AuthorKind, Gone, Media, Rejected, Retryable, Scope, Throttled
from bridge.testing.conformance import ConnectorConformance, Harness, Refusal, raws_in
from connectors.freshdesk import Freshdesk
from connectors.freshdesk.simulator import Simulator

VALIDATION = b'{"description":"Validation failed","errors":[{"field":"%s","message":"canary","code":"%s"}]}'


class TestFreshdesk(ConnectorConformance):
    connector = Freshdesk
    simulator = Simulator
    effect = r"POST .*/(tickets|notes)$"
    samples = raws_in(Path(__file__).parent / "fixtures")
    refusals = (
        # https://developers.freshdesk.com/api/#error
        Refusal("wrong key", AuthFailed, status=401, body=b'{"code":"invalid_credentials","message":"x"}'),
        Refusal("wrong key, no body", AuthFailed, status=401),
        Refusal(
            "this ticket is out of the agent's scope",
            AuthFailed,
            status=403,
            body=b'{"code":"access_denied","message":"x"}',
            scope=Scope.CONVERSATION,
        ),
        Refusal("plan", AuthFailed, status=403, body=b'{"code":"require_feature","message":"x"}'),
        Refusal("suspended", AuthFailed, status=403, body=b'{"code":"account_suspended","message":"x"}'),
        Refusal("locked out", AuthFailed, status=403, body=b'{"code":"password_lockout","message":"x"}'),
        Refusal("an HTML page", AuthFailed, status=403, body=b"<html>blocked</html>", scope=Scope.CONVERSATION),
        Refusal("plain http", AuthFailed, status=400, body=b'{"code":"ssl_required","message":"x"}'),
        Refusal("led elsewhere", AuthFailed, status=302, headers={"location": "https://portal.example/login"}),
        Refusal("no such ticket", Gone, status=404),
        Refusal("trashed", Gone, status=405, headers={"allow": "GET"}),
        Refusal("unknown field", Rejected, status=400, body=VALIDATION % (b"foo", b"invalid_field")),
        Refusal("wrong type", Rejected, status=400, body=VALIDATION % (b"status", b"datatype_mismatch")),
        Refusal("missing field", Rejected, status=400, body=VALIDATION % (b"cf_x", b"missing_field")),
        Refusal("not acceptable", Rejected, status=406),
        Refusal("wrong content type", Rejected, status=415),
        Refusal("taken", Rejected, status=409, body=VALIDATION % (b"email", b"duplicate_value")),
        Refusal(
            "conflict",
            Retryable,
            status=409,
            body=VALIDATION % (b"status", b"inconsistent_state"),
            scope=Scope.CONVERSATION,
        ),
        Refusal("too many", Throttled, status=429, headers={"retry-after": "7"}),
        Refusal("too many, no header", Throttled, status=429),
        Refusal(
            "limit of one interface",
            Throttled,
            status=429,
            headers={"retry-after": "7", "x-ratelimit-remaining": "40.0"},
            scope=Scope.INTERFACE,
        ),
        Refusal("fault", Retryable, status=500),
        Refusal("bad gateway", Retryable, status=502, body=b"<html>bad gateway</html>"),
    )

    def wrong_settings(self, vendor: Simulator) -> dict[str, Any]:
        return vendor.settings() | {"api_key": "some-other-key-of-nobody"}

    async def take_rights(self, harness: Harness) -> None:
        harness.vendor.bridge.rights = False

    async def finishes(self, harness: Harness, conversation: str) -> None:
        await harness.vendor.resolve(conversation)

    async def is_open(self, harness: Harness, conversation: str) -> bool:
        return harness.vendor.status(conversation) == 2

    async def open_conversation(self, harness: Harness) -> str:
        return harness.vendor.open_ticket()

    async def happens(self, harness: Harness, text: str) -> None:
        await harness.vendor.agent_says(harness.vendor.open_ticket(), text)

    async def shown(self, harness: Harness) -> list[str]:
        return [seen.text for number in harness.vendor.state.tickets for seen in harness.vendor.ticket(str(number))]

    async def says(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.agent_says(conversation, text)

    async def says_privately(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.agent_notes(conversation, text)

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        picture = '<a href="https://pay.shop.example/1"><img src="https://cdn.shop.example/pay.png"></a>'
        await harness.vendor.agent_replies(conversation, picture)
        return "pay.shop.example/1"

    async def gives_to_another(self, harness: Harness, conversation: str) -> None:
        await harness.vendor.gives(conversation, harness.vendor.state.add_contact("Customer B", {}).id)

    def _seen(self, harness: Harness) -> list[Any]:
        return [seen for number in harness.vendor.state.tickets for seen in harness.vendor.ticket(str(number))]

    async def audience_of(self, harness: Harness, text: str) -> Audience:
        (kind,) = [seen.kind for seen in self._seen(harness) if text in seen.text]
        return Audience.AGENTS if kind == "private note" else Audience.CUSTOMER

    async def author_of(self, harness: Harness, text: str) -> AuthorKind:
        (who,) = [seen.who for seen in self._seen(harness) if text in seen.text]
        return AuthorKind.CUSTOMER if who == "Customer A" else AuthorKind.AGENT

    async def sends_file(self, harness: Harness, conversation: str, data: bytes) -> None:
        await harness.vendor.agent_replies(conversation, "see file", [("a.pdf", "application/pdf", data)])

    async def files_shown(self, harness: Harness) -> list[bytes]:
        return [data for seen in self._seen(harness) for _, data in seen.files]

    async def put_file(self, harness: Harness, data: bytes) -> Media:
        ticket = harness.vendor.open_ticket()
        said = await harness.vendor.agent_replies(ticket, "with a file", [("a.pdf", "application/pdf", data)])
        (file,) = harness.vendor.state.tickets[int(ticket)].conversations[-1].files
        return Media(
            account=harness.account.name, id=f"{ticket}:{said}:{file.id}", mime="application/pdf", name="a.pdf"
        )

"""Webhooks and triggers of a simulated Zendesk at work: the calls that follow from what happens."""

import json
import re
from dataclasses import dataclass, field
from uuid import uuid4

from bridge.contract import ConnectorError, Http
from connectors.zendesk.callback import sign
from connectors.zendesk.simulator.state import Row, State, Ticket

PUBLIC_TEST_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # noqa: S105 # in the vendor's documentation
_MOST_AGAIN = {409: 3, 429: 3, 503: 3}  # more calls after such an answer; 0 (no answer) gives five
_PLACEHOLDER = re.compile(r"\{\{([\w.\[\]]+)\}\}")


@dataclass(slots=True)
class Webhook:
    id: str
    fields: Row
    secret: str


@dataclass(slots=True)
class ConnectorCase:
    """`lose`, `duplicate`, `hold` and `reorder` are what can happen to calls on their way.

    `invocations` are the answers to each call, 0 for none. `seconds` is the time limit of a call.
    """

    state: State
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    triggers: dict[int, Row] = field(default_factory=dict)
    categories: list[Row] = field(default_factory=lambda: [{"id": "10026", "name": "Initial category"}])
    lose: int = 0
    duplicate: int = 0
    hold: bool = False
    reorder: bool = False
    silent: bool = False
    seconds: float = 12.0
    invocations: list[int] = field(default_factory=list)
    waiting: list[tuple[Webhook, bytes]] = field(default_factory=list)

    def install(self, url: str, secret: str, tag: str) -> None:
        """A webhook with its triggers as an admin may have made them by hand."""
        made = self.add(
            {"name": "by hand", "endpoint": url, "status": "active", "subscriptions": ["conditional_ticket_events"]}
        )
        made.secret = secret
        template = '{"ticket_id":"{{ticket.id}}","status":"{{ticket.status}}","updater":"{{current_user.id}}"}'
        conditions = [
            {"field": "update_type", "operator": "is", "value": "Change"},
            {"field": "current_tags", "operator": "includes", "value": tag},
        ]
        self.triggers[1] = {
            "id": 1, "title": "by hand", "active": True, "conditions": {"all": conditions, "any": []},
            "actions": [{"field": "notification_webhook", "value": [made.id, template]}],
        }  # fmt: skip

    def add(self, fields: Row) -> Webhook:
        made = Webhook(f"01SIM{uuid4().hex[:21].upper()}", {"authentication": None, **fields}, f"{uuid4().hex}==")
        self.webhooks[made.id] = made
        return made

    # Triggers at work

    def fire(self, ticket: Ticket, what: Row, actor: int) -> None:
        """Evaluates all triggers for one change and queues their calls."""
        for trigger in self.triggers.values():
            if not trigger.get("active", True) or not _applies(trigger["conditions"], ticket, what):
                continue
            for action in trigger["actions"]:
                if action["field"] != "notification_webhook" or self.silent:
                    continue
                webhook = self.webhooks.get(str(action["value"][0]))
                if webhook is not None and webhook.fields.get("status") == "active":
                    self.waiting.append((webhook, _render(action["value"][1], ticket, actor).encode()))

    def emit(self, ticket: Ticket, what: Row, actor: int) -> None:
        """Queues the events of one change for the webhooks that subscribe to them."""
        for event in _events(ticket, what, actor, self.state.now()):
            for webhook in self.webhooks.values():
                if event["type"] in webhook.fields.get("subscriptions", []) and not self.silent:
                    self.waiting.append((webhook, json.dumps(event).encode()))

    async def deliver(self, http: Http) -> None:
        """Makes the calls that wait, as the network lets them through."""
        if self.hold:
            return
        calls, self.waiting = self.waiting, []
        if self.reorder:
            calls.reverse()
        for webhook, body in calls:
            if self.lose > 0:
                self.lose -= 1
                continue
            await self._call(http, webhook, body)
            if self.duplicate > 0:
                self.duplicate -= 1
                await self._call(http, webhook, body)

    async def _call(self, http: Http, webhook: Webhook, body: bytes) -> None:
        made = 0
        while True:
            made += 1
            stamp = self.state.now()
            headers = {
                "content-type": "application/json; charset=utf-8",
                "user-agent": "Zendesk Webhook",
                "x-zendesk-webhook-signature": sign(webhook.secret, stamp, body),
                "x-zendesk-webhook-signature-timestamp": stamp,
                "x-zendesk-account-id": "18000001",
                "x-zendesk-webhook-id": webhook.id,
                "x-zendesk-webhook-invocation-id": uuid4().hex,
            }
            try:
                answer = await http.request(
                    "POST", webhook.fields["endpoint"], content=body, headers=headers, timeout=self.seconds
                )
            except ConnectorError:
                self.invocations.append(0)
                again = 5
            else:
                self.invocations.append(answer.status)
                again = _MOST_AGAIN.get(answer.status, 0)
                if answer.status in {429, 503} and not 0 <= (answer.retry_after or 60) < 60:
                    again = 0
            if made > again or self.invocations[-1] == 0:
                return  # a call that nobody answers is made five times more, which costs a test its time


def _applies(conditions: Row, ticket: Ticket, what: Row) -> bool:
    every = all(_holds(one, ticket, what) for one in conditions.get("all", []))
    some = conditions.get("any", [])
    return every and (not some or any(_holds(one, ticket, what) for one in some))


def _holds(one: Row, ticket: Ticket, what: Row) -> bool:
    value = one["value"]
    match one["field"], one["operator"]:
        case "update_type", "is":
            return bool(what["update_type"] == value)
        case "comment_is_public", "is":
            public = what["comment"]
            wanted = {"true": public is True, "false": public is False, "not_relevant": public is not None}
            return bool(wanted.get(str(value).lower(), public is True))
        case "current_tags", operator:
            wanted_tags = set(value.split() if isinstance(value, str) else value)
            return bool(wanted_tags & set(ticket.tags)) is (operator == "includes")
        case "status", "value":
            return bool(what["status"] == value)
        case "status", "is":
            return bool(ticket.status == value)
        case _:
            return True


def _render(template: str, ticket: Ticket, actor: int) -> str:
    facts = {
        "ticket.id": str(ticket.id),
        "ticket.status": ticket.status.capitalize(),
        "ticket.updated_at_with_timestamp": ticket.updated,
        "current_user.id": str(actor),
        "ticket.external_id": ticket.external_id or "",
        "ticket.latest_public_comment_html": ticket.comments[-1].html if ticket.comments else "",
    }
    return _PLACEHOLDER.sub(lambda hit: facts.get(hit[1], ""), template)


def _events(ticket: Ticket, what: Row, actor: int, now: str) -> list[Row]:
    """In the vendor's event schema: ids are strings there, and enums upper case."""
    detail = {
        "id": str(ticket.id),
        "actor_id": str(actor),
        "external_id": ticket.external_id,
        "is_public": ticket.is_public,
        "requester_id": str(ticket.requester),
        "status": ticket.status.upper(),
        "subject": ticket.subject,
        "tags": list(ticket.tags),
        "updated_at": ticket.updated,
        "via": {"channel": "web_service"},
    }
    found: list[tuple[str, Row]] = []
    if what["update_type"] == "Change" and what["comment"] is not None:
        comment = ticket.comments[-1]
        author = {"id": str(comment.author), "is_staff": comment.author != ticket.requester, "name": "Somebody"}
        said = {"id": str(comment.id), "body": comment.text, "is_public": comment.public, "author": author}
        found.append(("ticket.comment_added", {"comment": said, "meta": {"sequence": {"id": "s1", "position": 1}}}))
    if what["status"]:
        found.append(("ticket.status_changed", {"current": what["status"].upper()}))
    return [
        {
            "account_id": 18000001,
            "id": str(uuid4()),
            "type": f"zen:event-type:{kind}",
            "subject": f"zen:ticket:{ticket.id}",
            "time": now,
            "zendesk_event_version": "2022-11-06",
            "detail": detail,
            "event": event,
        }
        for kind, event in found
    ]

"""Automation rules of a simulated Freshdesk, and the unsigned, unreliable calls they make.

Source: https://support.freshdesk.com/support/solutions/articles/132589 (webhooks),
https://support.freshdesk.com/support/solutions/articles/225431 (limits).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.contract import ConnectorError, Http
from connectors.freshdesk.simulator.state import State, Ticket, text_of

AGENT, REQUESTER, ANYBODY = 1, 2, 3
_RETRIES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(minutes=60))
_DROPPED_AFTER = timedelta(hours=24)
_PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Happening:
    """Something on a ticket that rules look at: `event` is reply_sent, note_public, note_private, status or created."""

    ticket: Ticket
    event: str
    performer: int
    triggered: str


@dataclass(slots=True)
class Call:
    """One call that is due."""

    url: str
    headers: dict[str, str]
    body: bytes
    made: datetime
    due: datetime
    tries: int = 0


class Rules:
    """`rules` are kept in the shape the API shows. `lose` calls vanish; with `twice` each one is sent again."""

    def __init__(self, state: State, draw: Callable[[], bool]) -> None:
        self._state = state
        self._draw = draw  # takes one call of the account's budget
        self.rules: dict[int, dict[str, Any]] = {}
        self.pending: list[Call] = []
        self.answers: list[int] = []  # the status of each call, 0 for none
        self.mails: list[str] = []  # to the admin, when the retries are used up
        self.lose = 0
        self.twice = False
        self.silent = False
        self.scale = 1.0  # of the waits between retries
        self._http = Http(timeout=5.0)

    def install(self, name: str, url: str, secret: str, *, events: list[str], performer: int, tag: str = "") -> int:
        """A rule as an admin makes it by the printed steps."""
        number = max(self.rules, default=500) + 1
        action = {
            "field_name": "trigger_webhook",
            "request_type": "POST",
            "url": url,
            "custom_headers": {"X-Bridge-Secret": secret},
            "content": {"content_layout": "advanced", "content_type": "json"},
            "body": '{"ticket_id":"{{ticket.id}}"}',
        }
        conditions = [{"resource_type": "ticket", "field_name": "tag_names", "operator": "in", "value": [tag]}]
        self.rules[number] = {
            "id": number,
            "name": name,
            "active": True,
            "performer": {"type": performer},
            "events": [{"field_name": event} for event in events],
            "conditions": [{"name": "condition_set_1", "properties": conditions}] if tag else [],
            "actions": [action],
        }
        return number

    def happened(self, happening: Happening) -> None:
        """Every matching rule makes its own call."""
        for rule in self.rules.values():
            if not self.silent and _matches(rule, happening):
                for action in rule["actions"]:
                    self._call(action, happening)

    def _call(self, action: dict[str, Any], happening: Happening) -> None:
        if self.lose > 0:
            self.lose -= 1
            return
        body = _render(str(action.get("body", "")), happening)
        headers = {"content-type": "application/json", **action.get("custom_headers", {})}
        now = self._state.clock()
        self.pending += [
            Call(str(action["url"]), headers, body.encode(), now, now) for _ in range(2 if self.twice else 1)
        ]

    async def run(self) -> None:
        """Makes the calls that are due."""
        now = self._state.clock()
        due = [call for call in self.pending if call.due <= now]
        self.pending = [call for call in self.pending if call.due > now]
        for call in due:
            if now - call.made > _DROPPED_AFTER:
                continue
            if not self._draw():
                call.due = now + timedelta(minutes=1)
                self.pending.append(call)
                continue
            await self._send(call, now)

    async def _send(self, call: Call, now: datetime) -> None:
        try:
            status = (await self._http.request("POST", call.url, content=call.body, headers=call.headers)).status
        except ConnectorError:
            status = 0
        self.answers.append(status)
        if 200 <= status < 300:
            return
        if call.tries >= len(_RETRIES):
            self.mails.append(f"webhook to {call.url} failed")
            return
        call.due = now + _RETRIES[call.tries] * self.scale
        call.tries += 1
        self.pending.append(call)

    async def close(self) -> None:
        await self._http.close()
        self._http = Http(timeout=5.0)


def _matches(rule: dict[str, Any], happening: Happening) -> bool:
    if not rule.get("active", True) or rule["performer"]["type"] not in {happening.performer, ANYBODY}:
        return False
    if happening.event not in {event["field_name"] for event in rule["events"]}:
        return False
    tags = [tag for group in rule["conditions"] for entry in group["properties"] for tag in entry["value"]]
    return not tags or any(tag in happening.ticket.tags for tag in tags)


def _render(template: str, happening: Happening) -> str:
    """Placeholders are put in as they are: quotes are not escaped."""
    ticket = happening.ticket
    public = [said for said in ticket.conversations if not said.private]
    values = {
        "ticket.id": str(ticket.id),
        "ticket.subject": ticket.subject,
        "ticket.status": str(ticket.status),
        "ticket.latest_public_comment": f"Somebody : {text_of(public[-1].body)}" if public else "",
        "triggered_event": happening.triggered,
    }
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], ""), template)

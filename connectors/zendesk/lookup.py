"""Whether a write took effect whose answer was lost.

Source: https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/
"""

from collections.abc import Mapping
from datetime import timedelta
from itertools import takewhile
from typing import Any

from bridge.contract import Account, AuthFailed, Gone, Receipt, Retryable, Step, Target
from connectors.zendesk.api import Api, Row, id_of, number_of, rows_of
from connectors.zendesk.errors import Elsewhere, Forbidden, Unserved
from connectors.zendesk.inbound import key_in
from connectors.zendesk.outbound import CREATE, LABELS, NOTE
from connectors.zendesk.settings import Settings
from connectors.zendesk.tickets import Tickets
from connectors.zendesk.waking import Waking

_EARLIER = timedelta(minutes=5)  # clocks differ: how far before the first try a look-up reads


class Finding:
    """Looks for the keys of steps."""

    def __init__(self, config: Settings, account: Account, api: Api, tickets: Tickets) -> None:
        self._config = config
        self._account = account
        self._api = api
        self._tickets = tickets
        self.waking = Waking(api, tickets)

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        """By the key in the audits. A ticket that is gone cannot say; the conversation then goes on in another one."""
        if step.verb == LABELS:
            return None  # repeating is harmless
        if target.conversation is None:
            return await self.created(target) if step.verb == CREATE else None
        try:
            audit, later = await self._audit(target.conversation, target)
        except Gone:
            await self._tickets.get(target.conversation)
            raise Retryable(f"ticket {target.conversation} shows no audits", code="no audits") from None
        if audit is None:
            return None
        if step.verb != NOTE:
            await self.waking.wake_found(target.conversation, later)
        return self.receipt(target.conversation, audit, target)

    async def created(self, target: Target) -> Receipt | None:
        """By the external id, which holds the key. The list is current, unlike the search. The lowest id counts."""
        wanted = self.external_id(target)
        try:
            rows = await self._api.all("/tickets", "tickets", external_id=wanted)
        except (Gone, Forbidden, Elsewhere) as error:
            if isinstance(error, AuthFailed):
                raise
            raise Retryable(error.message, code=error.code) from None
        ours = sorted(number_of(row.get("id")) for row in rows if row.get("external_id") == wanted)
        for number in filter(None, ours):
            try:
                audit, _ = await self._audit(str(number), target)
            except Gone:
                continue  # deleted between the two requests
            return self.receipt(str(number), audit or {}, target)
        return None

    async def _audit(self, ticket: str, target: Target) -> tuple[Row | None, list[Row]]:
        """The audit of a write, and those that came after it."""
        since = (target.tried_at or self._account.now()) - _EARLIER
        try:
            found = await self._tickets.audits(ticket, since)
        except (Forbidden, Unserved):  # a custom role may lack audits; comments show the key, too
            comments = (await self._tickets.said(ticket, since)).comments
            found = [{"events": [{**comment, "type": "Comment"}], **comment} for comment in comments]
        later = list(takewhile(lambda audit: key_in(audit) != target.key, found))
        return (found[len(later)] if len(later) < len(found) else None), later

    def external_id(self, target: Target) -> str:
        """By which the ticket that a step made is known again."""
        return f"{self._tickets.prefix}{target.link}:{target.key}"

    def receipt(self, ticket: str, audit: Mapping[str, Any], target: Target) -> Receipt:
        """What is known of a write from its audit."""
        comments = [id_of(event.get("id")) for event in rows_of(audit, "events") if event.get("type") == "Comment"]
        return Receipt(
            ids=tuple(filter(None, comments)),
            conversation=ticket,
            peer=str(target.prepared.get("user") or target.peer or ""),
            url=f"{self._config.web}/agent/tickets/{ticket}",
        )

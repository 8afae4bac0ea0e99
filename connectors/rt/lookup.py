"""Whether a write took effect whose answer was lost."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from urllib.parse import quote

from bridge.contract import Account, AuthFailed, Gone, Put, Retryable, Scope, Step, Target
from connectors.rt.api import PAGE, Api, Row, id_of, number_of
from connectors.rt.settings import Settings
from connectors.rt.text import address, key_of, marked, squeezed

CREATED = "created"  # records: which step a Create transaction is of
MADE = "made"  # records: the ticket and the Create transaction of a step
_EARLIER = timedelta(minutes=5)  # clocks differ: how far before the first try a look-up reads
_EARLIER_TICKETS = timedelta(hours=2)  # tickets are known by what they say, so that time may be generous
_PAGES = 20


class Finding:
    """Look-ups of one account. None means certainly not there; whatever is in doubt raises Retryable."""

    def __init__(self, config: Settings, account: Account, api: Api) -> None:
        self._config = config
        self._account = account
        self._api = api

    async def said(self, target: Target) -> tuple[str, str] | None:
        """The ticket and the transaction that carry the step's key.

        A ticket's history holds what was written on tickets that were merged into it, and a merged ticket shows the
        history of the one it went to. A ticket that may not be seen has an empty one, so that absence is believed
        only of a ticket that can be seen.
        """
        ticket = target.conversation or ""
        async for row in self._history(ticket, self._since(target, _EARLIER)):
            if marked(str(row.get("Data") or "")) == target.key:
                return ticket, id_of(row)
        try:
            await self._api.get(f"/ticket/{quote(ticket, safe='')}")
        except (Gone, AuthFailed) as error:
            if error.code == "http 401":
                raise
            raise Retryable(
                f"ticket {ticket} cannot be seen, so nobody knows what is on it",
                code=error.code,
                scope=Scope.CONVERSATION,
            ) from None
        return None

    async def created(self, step: Step, target: Target) -> tuple[str, str] | None:
        """The ticket that a step made, and its Create transaction.

        RT keeps no key of ours at a ticket made over REST2: it is the one of this customer's that no other step made
        and that begins with the very same words. One made by mail has the key in its Message-ID.
        """
        known = await self._account.records.get(MADE, target.key)
        if known is not None:
            return str(known[0]["ticket"]), str(known[0]["transaction"])
        who = address(target.contact.id, self._config.requestor_domain)
        query = f"Requestor.EmailAddress = '{who}'"
        rows, _ = await self._api.rows("/tickets", query, "Created,LastUpdated", newest=True)
        since = self._since(target, _EARLIER_TICKETS)
        for row in sorted(rows, key=number_of):
            if not _is_before(row.get("LastUpdated") or row.get("Created"), since) and id_of(row) != target.previous:
                found = await self._began(id_of(row), step, target)
                if found:
                    return id_of(row), found
        return None

    async def _began(self, ticket: str, step: Step, target: Target) -> str:
        """The Create transaction of this step on a ticket, or on one that was merged into it; "" for none."""
        for transaction in await self.creates(ticket):
            known = await self._account.records.get(CREATED, transaction)
            if known is not None:
                if known[0].get("key") == target.key:
                    return transaction
                continue
            path = f"/transaction/{transaction}/attachments"
            listed = (await self._api.get(path, fields="MessageId,Filename,ContentType", per_page=PAGE)).get(
                "items", ()
            )
            entries = sorted(listed, key=number_of)
            keys = {key_of(str(one.get("MessageId") or ""), self._config.requestor_domain) for one in entries} - {""}
            if keys:
                if target.key in keys:
                    return transaction
                continue
            texts = [one for one in entries if not one.get("Filename") and one.get("ContentType") == "text/plain"]
            body = (await self._api.content(id_of(texts[0]), 2**24)).decode("utf-8", "replace") if texts else ""
            if squeezed(body).startswith(squeezed(step.body["text"])):  # files that were left out are named below
                return transaction
        return ""

    async def creates(self, ticket: str) -> list[str]:
        """The Create transactions of a ticket: its own, and those of tickets merged into it."""
        history = await self._api.get(f"/ticket/{quote(ticket, safe='')}/history", fields="Type", per_page=PAGE)
        return [id_of(item) for item in sorted(history.get("items", ()), key=number_of) if item.get("Type") == "Create"]

    async def remember(self, ticket: str, transaction: str, target: Target) -> None:
        """Whose ticket it is, so that no other step takes it for its own, and a look-up needs nobody's word."""
        await self._account.records.commit(
            Put(CREATED, transaction, {"ticket": ticket, "key": target.key}),
            Put(MADE, target.key, {"ticket": ticket, "transaction": transaction}),
        )

    async def _history(self, ticket: str, since: datetime) -> AsyncIterator[Row]:
        """What happened on a ticket since a moment, newest first."""
        for page in range(1, _PAGES + 1):
            rows, _ = await self._api.rows(
                f"/ticket/{quote(ticket, safe='')}/history", "", "Type,Data,Created", newest=True, page=page
            )
            for row in rows:
                yield row
            if not rows or _is_before(rows[-1].get("Created"), since):
                return
        raise Retryable(
            f"more than {_PAGES} pages were written on one ticket since the first try",
            code="too much",
            scope=Scope.CONVERSATION,
        )

    def _since(self, target: Target, earlier: timedelta) -> datetime:
        return (target.tried_at or self._account.now()) - earlier


def _is_before(moment: object, since: datetime) -> bool:
    """Whether RT's time is before; an unreadable one is not."""
    try:
        return datetime.fromisoformat(str(moment)) < since.replace(microsecond=0)
    except (ValueError, TypeError):
        return False

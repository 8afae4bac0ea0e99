"""A customer's words never stand on a ticket that sleeps: what an agent did between our look and our write is undone.

An author alone does not reopen a ticket, because the actor is the API's user, so every write for a customer is checked
by the status in its answer. Source: https://support.zendesk.com/hc/en-us/articles/4408825831962
"""

from collections.abc import Sequence

from bridge.contract import AuthFailed, Gone, Rejected, Retryable
from connectors.zendesk.api import Api, Row, id_of, path_id, rows_of
from connectors.zendesk.tickets import Tickets

ASLEEP = frozenset({"pending", "hold", "solved"})
_TRIES = 3


class Waking:
    """Opens tickets again."""

    def __init__(self, api: Api, tickets: Tickets) -> None:
        self._api = api
        self._tickets = tickets

    async def wake(self, ticket: Row) -> None:
        """Opens a ticket, given as it was seen last, unless it is open. Where somebody changed it since, it is looked
        at again.

        Raises Retryable, uncertain, when that does not succeed now: the look-up finds the comment and comes here again.
        Raises Gone for a ticket that does not open any more: then the words are said on the next one.
        """
        identifier = id_of(ticket.get("id"))
        for left in reversed(range(_TRIES)):
            if not is_asleep(ticket):
                return
            try:
                ticket = await self._open(identifier, ticket)
            except Gone:
                raise Gone(f"ticket {identifier} was closed meanwhile", code="closed") from None
            except Rejected as error:
                raise Gone(f"ticket {identifier} does not open: {error.message}", code=error.code) from None
            except (Retryable, AuthFailed) as error:
                if error.code != "UpdateConflict" or not left:
                    what = f"said, but not reopened: {error.message}"
                    raise Retryable(what, code=error.code, certain=False) from None
                ticket = await self._look(identifier)

    async def wake_found(self, ticket: str, later: Sequence[Row]) -> None:
        """The same for words that a look-up found. Who changed the status in one of the `later` audits saw them."""
        if not any(event.get("field_name") == "status" for audit in later for event in rows_of(audit, "events")):
            await self.wake(await self._look(ticket))

    async def _look(self, ticket: str) -> Row:
        try:
            return await self._tickets.get(ticket)
        except (Retryable, AuthFailed) as error:
            what = f"said, but not known to be open: {error.message}"
            raise Retryable(what, code=error.code, certain=False) from None

    async def _open(self, identifier: str, ticket: Row) -> Row:
        update: Row = {"status": "open"}
        if ticket.get("updated_at"):
            update |= {"safe_update": True, "updated_stamp": ticket["updated_at"]}
        await self._api.send("PUT", f"/tickets/{path_id(identifier)}", body={"ticket": update})
        return {**ticket, "status": "open"}


def is_asleep(ticket: Row) -> bool:
    """Whether nobody would look at the ticket now."""
    return str(ticket.get("status")).lower() in ASLEEP

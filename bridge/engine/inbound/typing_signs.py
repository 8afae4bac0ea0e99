"""Who types: passed on at once to the other side, stored nowhere, and never worth a failure."""

import asyncio
from collections.abc import Callable

import structlog

from bridge.contract import Types
from bridge.engine.context import Runtime
from mappings import links
from mappings.store import Store, Tx

log = structlog.get_logger("bridge.engine.typing")

_AGAIN = 2.5  # seconds within which the same sign of the same conversation is not passed on once more
_AT_ONCE = 8  # signs on their way; more are not worth a queue
_REMEMBERED = 1000  # conversations
_WITHIN = 5.0  # seconds; a later sign is a wrong one
Sign = tuple[str, str]
"""(account, conversation), as whoever types knows them, or as who is to see it knows them."""


class TypingSigns:
    """An agent's typing goes to the customer while the desk holds the conversation, a customer's to the ticket."""

    def __init__(self, store: Store, runtime: Runtime, clock: Callable[[], float]) -> None:
        """`clock` counts seconds."""
        self._store = store
        self._runtime = runtime
        self._clock = clock
        self._seen: dict[Sign, tuple[bool, float]] = {}
        self._passing: set[asyncio.Task[None]] = set()

    def tell(self, account: str, conversation: str, on: bool) -> None:
        """Somebody types in a conversation of an account, or stopped."""
        now, sign = self._clock(), (account, conversation)
        before = self._seen.pop(sign, None)
        repeated = before is not None and before[0] == on and now - before[1] < _AGAIN
        if repeated or not conversation or len(self._passing) >= _AT_ONCE:
            if before is not None:
                self._seen[sign] = before
            return
        self._seen[sign] = on, now
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        task = asyncio.create_task(self._pass_on(account, conversation, on=on), name=f"typing {account}")
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    def cancel(self) -> None:
        """The process ends."""
        for task in self._passing:
            task.cancel()

    async def _pass_on(self, account: str, conversation: str, *, on: bool) -> None:
        try:
            async with asyncio.timeout(_WITHIN):
                other = await self._store.read(other_side, account, conversation)
                connected = self._runtime.accounts.get(other[0]) if other is not None else None
                if other is not None and connected is not None and isinstance(connected.connector, Types):
                    await connected.connector.typing(other[1], on=on)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next sign says more than a repeat of this one
            log.debug("typing not shown", account=account, error=type(error).__name__)


def other_side(tx: Tx, account: str, conversation: str) -> Sign | None:
    """Who is to see that somebody types in a conversation of an account: the customer, while this desk holds it, or the
    ticket, where there is one. An account that is both sides shows it by itself.
    """
    link = links.ticket_link(tx, account, conversation, lock=False)
    if link is not None and link.state == "ended":  # an older ticket of the conversation
        link = links.open_link(tx, link.channel, link.conversation, lock=False)
    if link is not None:
        return (link.channel, link.conversation) if link.holder == account != link.channel else None
    link = links.open_link(tx, account, conversation, lock=False)
    return (
        (link.desk, link.ticket) if link is not None and link.ticket and link.holder == link.desk != account else None
    )

"""The customer sees that somebody types while a bot thinks. It costs no reply, and nothing fails because of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from sqlalchemy import Row

from bridge.contract import Types
from bridge.engine.context import Runtime
from mappings import links
from mappings.links import LinkRow

log = structlog.get_logger("bridge.engine.typing")

AFTER, AGAIN = 1.0, 15.0  # seconds: a quick answer needs no sign; platforms refuse one that comes too soon
_WITHIN = 5.0


@asynccontextmanager
async def shown_thinking(runtime: Runtime, link: LinkRow, row: Row[Any]) -> AsyncIterator[None]:
    """While a bot that holds the conversation is asked. What is asked for agents only (`suggest`) shows nothing."""
    channel = runtime.accounts.get(link.channel)
    holds = links.is_towards_bot(row.lane) and link.holder == row.account and link.term == row.term
    if not holds or channel is None or not isinstance(channel.connector, Types):
        yield
        return
    task = asyncio.create_task(_show(channel.connector, link.conversation), name=f"thinking {link.id}")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _show(connector: Types, conversation: str) -> None:
    await asyncio.sleep(AFTER)
    try:
        while True:
            async with asyncio.timeout(_WITHIN):
                await connector.typing(conversation, on=True)
            await asyncio.sleep(AGAIN)
    except Exception as error:  # noqa: BLE001 - it was a sign, not a message
        log.debug("typing not shown", error=type(error).__name__)

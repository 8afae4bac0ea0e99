"""The reader: fetches mails and hands them over as raws, from one session that waits or from a short one."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self, TypeVar

from bridge.contract import Account, AuthFailed, Page, Persist, Raw
from connectors.email.imap import Batch, Mailbox
from connectors.email.intake import Intake
from connectors.email.oauth import login
from connectors.email.settings import EmailConfig
from connectors.email.smtp import Login

T = TypeVar("T")
_TIMEOUT = 30.0
_SOON = 5.0


class Session:
    """A mailbox in a thread of its own. Leaving it ends whatever the thread is waiting for."""

    def __init__(self, config: EmailConfig, account: Account, *, timeout: float = _TIMEOUT) -> None:
        self._config = config
        self._account = account
        self._timeout = timeout
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"imap-{account.name}")
        self.box: Mailbox

    async def __aenter__(self) -> Self:
        try:
            secret = await login(self._config, self._account)
            try:
                self.box = await self.run(lambda: self._open(secret))
            except AuthFailed as error:
                if not secret.bearer or error.code != "login":
                    raise
                fresh = await login(self._config, self._account, refused=secret.secret)
                self.box = await self.run(lambda: self._open(fresh))
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    def _open(self, secret: Login) -> Mailbox:
        return Mailbox(self._config, secret, now=self._account.now, timeout=self._timeout)

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is None:
            await self.run(self.box.close)
        self.box.cut()
        self._thread.shutdown(wait=False)

    async def run(self, work: Callable[[], T]) -> T:
        """Does blocking work in the session's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


@dataclass(frozen=True, slots=True)
class Reader:
    """`listen` and `collect` read alike and give the same keys, so that nobody cares which came first."""

    config: EmailConfig
    account: Account
    intake: Intake

    async def listen(self, persist: Persist, cursor: str | None) -> None:
        """Reads, commits, waits for news; a sweep follows every wait, because IDLE does not announce everything."""
        async with Session(self.config, self.account) as session:
            while True:
                batch = await session.run(lambda position=cursor: session.box.read(position))  # type: ignore[misc] # a lambda with a default has no type to infer
                if batch.mails or batch.cursor != cursor:
                    await persist(await self._raws(batch), batch.cursor)
                cursor = batch.cursor
                if not batch.more:
                    await self._wait(session, soon=bool(batch.mails))

    async def _wait(self, session: Session, *, soon: bool) -> None:
        """After a mail the next look comes sooner: what arrived while it was fetched may not be announced again."""
        if session.box.has_idle:
            seconds = self.config.idle.total_seconds()
            await session.run(lambda: session.box.wait(min(seconds, _SOON) if soon else seconds))
        else:
            await asyncio.sleep(self.config.poll_every.total_seconds())

    async def poll(self, cursor: str | None) -> Page:
        """One page from a session of its own."""
        async with Session(self.config, self.account) as session:
            batch = await session.run(lambda: session.box.read(cursor))
        return Page(raws=await self._raws(batch), cursor=batch.cursor, more=batch.more)

    async def _raws(self, batch: Batch) -> list[Raw]:
        return [await self.intake.take(mail) for mail in batch.mails]

"""Ask: periodic reconciliation, nudges, catch-up after downtime, and sources that speak by themselves."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from bridge.contract import AuthFailed, ConnectorError, Gone, Listens, Persist, Polls, Raw, Rejected, Throttled
from bridge.engine.context import ConnectedAccount, Runtime
from bridge.engine.outbound.policy import backoff
from bridge.engine.runtime.wakeups import Wakeup, wait_any
from bridge.telemetry import metrics
from mappings import inbox, state
from mappings.store import Store, is_trouble

log = structlog.get_logger("bridge.collect")

KeepFor = Callable[..., Awaitable[None]]
_LONG_PAUSE = timedelta(minutes=5)  # what is left of it, for somebody to look whether it is over before
_PAGES = 200  # of one round; the rest comes with the next
_MOST_LOOKS = 1_000  # conversations that wait to be looked at; a round finds the rest


class Poller:
    """Polls one account, and looks at once where a nudge points."""

    def __init__(self, store: Store, runtime: Runtime, connected: ConnectedAccount, keep: KeepFor) -> None:
        self._store = store
        self._runtime = runtime
        self._connected = connected
        self._keep = keep
        self._looks: dict[str, int] = {}  # conversation → nudges since it was last read
        self.wake = Wakeup()
        self._well = True
        self._next_round = 0.0  # by the event loop's clock: not before
        self.round_due = True

    def refresh(self, conversations: Sequence[str]) -> None:
        """A nudge: look at these now, at the whole account for "". A burst of nudges is one look each, two when it
        comes while we look.
        """
        if "" in conversations:
            self.round_due = True
        for conversation in filter(None, conversations):
            if conversation in self._looks or len(self._looks) < _MOST_LOOKS:
                self._looks[conversation] = self._looks.get(conversation, 0) + 1
            else:
                self.round_due = True
        self.wake.set()

    def tick(self) -> None:
        """It is time for a round."""
        self.round_due = True
        self.wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. The first round is the catch-up after a restart."""
        failures = 0
        while not stop.is_set():
            self.wake.clear()
            try:
                await self._work()
                failures = 0
            except Exception as error:  # noqa: BLE001 - trouble at the vendor must not end the loop
                failures += 1
                wait = self._trouble(error, failures)
                with self.wake.resting():
                    await wait_any(stop, None, wait)
                continue
            rest = max(0.0, self._next_round - _time())
            if not rest:
                self._say_well()
            if not self._looks and (rest or not self.round_due):
                with self.wake.resting():
                    await wait_any(self.wake, stop, rest or 3600)

    async def _work(self) -> None:
        for conversation, nudges in list(self._looks.items()):  # what comes meanwhile comes after the round
            await self._look(conversation, nudges)
        if self.round_due and _time() >= self._next_round:
            self.round_due = False  # a nudge that comes meanwhile is another round
            try:
                await self._round()
            except Throttled as error:  # the limit may be one of rounds alone: nudges go on, and find out
                self.round_due = True
                self._next_round = _time() + self._trouble(error, 1)
            except BaseException:
                self.round_due = True
                raise

    async def _look(self, conversation: str, nudges: int) -> None:
        try:
            page = await self._polls.poll(None, conversation)
            await self._keep(self._connected.name, page.raws)
        except (Gone, Rejected) as error:  # it leads nowhere, and must not hold up the rounds
            log.warning("nudge leads nowhere", account=self._connected.name, why=error.message)
        left = self._looks.pop(conversation) - nudges
        if left:  # something newer than what was just read
            self._looks[conversation] = left

    @property
    def _polls(self) -> Polls:
        assert isinstance(self._connected.connector, Polls)
        return self._connected.connector

    async def _round(self) -> None:
        name = self._connected.name
        cursor = await self._store.read(inbox.get_cursor, name)
        for _ in range(_PAGES):
            page = await self._polls.poll(cursor)
            if page.raws or page.cursor != cursor:
                await self._keep(name, page.raws, page.cursor)
                metrics.collected.count(name, by=len(page.raws))
            if not page.more or page.cursor is None:
                return
            cursor = page.cursor

    def _trouble(self, error: Exception, failures: int) -> float:
        if is_trouble(error):
            log.warning("collecting waits for the database", account=self._connected.name, error=type(error).__name__)
        elif not isinstance(error, ConnectorError):
            log.error("bug while collecting", account=self._connected.name, exc_info=error)
        elif self._well:
            log.warning("collecting interrupted", account=self._connected.name, why=error.message)
        self._well = False
        if isinstance(error, Throttled):
            return error.retry_after
        most = self._runtime.settings.engine.breaker_pause
        return backoff(failures if not isinstance(error, AuthFailed) else 20, most).total_seconds()

    def _say_well(self) -> None:
        if not self._well:
            log.warning("collecting again", account=self._connected.name)
            self._well = True


def _time() -> float:
    return asyncio.get_running_loop().time()


async def listen(
    store: Store, runtime: Runtime, connected: ConnectedAccount, keep: KeepFor, stop: asyncio.Event
) -> None:
    """Runs a listener until `stop`; trouble restarts it with back-off."""
    assert isinstance(connected.connector, Listens)
    failures = 0
    while not stop.is_set():
        cursor = await store.read(inbox.get_cursor, connected.name)
        listening = asyncio.ensure_future(connected.connector.listen(_bound(keep, connected.name), cursor))
        stopping = asyncio.create_task(stop.wait())
        began = asyncio.get_running_loop().time()
        await asyncio.wait({listening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not listening.done():
            listening.cancel()
            await asyncio.wait({listening})
            return
        error = listening.exception()
        failures = 1 if asyncio.get_running_loop().time() - began > 60 else failures + 1
        why = error.message if isinstance(error, ConnectorError) else type(error).__name__
        log.warning("listening interrupted", account=connected.name, why=why)
        await wait_any(stop, None, backoff(failures, runtime.settings.engine.breaker_pause).total_seconds())


def _bound(keep: KeepFor, name: str) -> Persist:
    async def keep_here(raws: Sequence[Raw], cursor: str | None = None) -> None:
        await keep(name, raws, cursor)

    return keep_here


async def check_paused(store: Store, runtime: Runtime) -> list[str]:
    """Accounts that were stopped for their credentials, or rest for long, and are well again.

    A bot's check costs nothing, so it does not know whether there is money again: its rests last as long as was said.
    """
    resumed = []
    for name, pause in (await store.read(state.pauses)).items():
        connected = runtime.accounts.get(name)
        short = pause.until is not None and pause.until - runtime.now() < _LONG_PAUSE
        unproven = pause.until is not None and name in runtime.bots
        if connected is None or short or unproven or pause.reason.startswith(state.BY_HAND):
            continue
        try:
            health = await connected.connector.check()
        except ConnectorError:
            continue
        if health.ok and await store.write(state.resume, name):
            log.warning("account resumed", account=name)
            resumed.append(name)
    return resumed

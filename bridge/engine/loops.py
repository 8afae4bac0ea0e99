"""The loops of one process, each account's own and the shared ones, and who wakes whom."""

import time
from collections.abc import Coroutine, Iterator
from typing import Any

import structlog

from bridge.contract import Listens, Polls
from bridge.engine.context import Effects, Runtime
from bridge.engine.inbound import polling
from bridge.engine.inbound.fetcher import Fetcher
from bridge.engine.inbound.intake import Intake
from bridge.engine.inbound.polling import Poller
from bridge.engine.inbound.router import Router
from bridge.engine.inbound.typing_signs import TypingSigns
from bridge.engine.outbound.dispatcher import Dispatcher
from bridge.engine.runtime.admission import Admission
from bridge.engine.runtime.wakeups import Wakeup
from bridge.services.media import MediaFiles
from bridge.telemetry import metrics
from mappings import pending
from mappings.signals import Signals
from mappings.store import Store

log = structlog.get_logger("bridge.engine")


class Loops:
    """Made before they run. `work`: whether this process relays, or only keeps."""

    def __init__(self, store: Store, runtime: Runtime, files: MediaFiles, owner: str, *, work: bool) -> None:
        self._store = store
        self._runtime = runtime
        self._work = work
        self._present = [name for name, one in runtime.accounts.items() if not one.absent]
        self.admission = Admission(time.monotonic, store.commit_wanted)
        self.signals = Signals(store, self._heard)
        self.intake = Intake(store, runtime, self.admission, self._kept, self._piggybacks)
        self.typing = TypingSigns(store, runtime, time.monotonic)
        self.fetcher = Fetcher(store, runtime, files, self.wake_dispatcher)
        self.dispatchers = {
            name: Dispatcher(store, runtime, connected, self.wake, owner, self.admission)
            for name, connected in runtime.accounts.items()
        }
        self.routers = {
            name: Router(store, runtime, name, self.wake, self.admission, self._across(name))
            for name in runtime.accounts
        }
        self.pollers = {
            name: Poller(store, runtime, connected, self.intake.persist_page)
            for name, connected in runtime.accounts.items()
            if isinstance(connected.connector, Polls)
        }

    def run(self, stop: Any) -> Iterator[tuple[Coroutine[Any, Any, None], str]]:
        """All loops, by what they are called."""
        for name in self._present:
            yield self.routers[name].run(stop), f"route {name}"
            yield self.dispatchers[name].run(stop), f"dispatch {name}"
        for name, poller in self.pollers.items():
            yield poller.run(stop), f"poll {name}"
        for connected in self._runtime.accounts.values():
            if isinstance(connected.connector, Listens):
                listening = polling.listen(self._store, self._runtime, connected, self.intake.persist_page, stop)
                yield listening, f"listen {connected.name}"
        yield self.fetcher.run(stop), "fetch"

    def wakeups(self) -> list[Wakeup]:
        """Where they wait."""
        return [
            *(router.wake for router in self.routers.values()),
            *(dispatcher.wake for dispatcher in self.dispatchers.values()),
            *(poller.wake for poller in self.pollers.values()),
            self.fetcher.wake,
        ]

    @property
    def idle(self) -> bool:
        """All of them wait, and nothing is on its way."""
        if not self._work:
            return True
        routed = all(self.routers[name].idle for name in self._present)
        sent = all(self.dispatchers[name].idle for name in self._present)
        polled = all(poller.wake.rests for poller in self.pollers.values())
        return routed and sent and polled and self.fetcher.idle

    async def has_work(self) -> bool:
        """Whether the database has something that could be done now."""
        return await self._store.read(pending.has_work, self._runtime.now(), self.resting)

    @property
    def in_flight_here(self) -> list[int]:
        """The steps that are on their way from here, by id."""
        return [step for dispatcher in self.dispatchers.values() for step in dispatcher.in_flight_here]

    @property
    def resting(self) -> list[str]:
        """Accounts that nothing is sent to at this moment, because they are in trouble."""
        now = self._runtime.now()
        return [name for name, dispatcher in self.dispatchers.items() if dispatcher.breaker.is_resting(now)]

    def wake_all(self) -> None:
        """Every account's."""
        for name in self._runtime.accounts:
            self.routers[name].wake.set()
            self.wake_dispatcher(name)

    def wake_dispatcher(self, name: str) -> None:
        """There may be something to send for an account."""
        if name in self.dispatchers:
            self.dispatchers[name].wake.set()

    def wake(self, effects: Effects) -> None:
        """Whoever has something to do after a transaction; what it wanted to be logged is."""
        for name in effects.accounts:
            self.wake_dispatcher(name)
            if name in self.dispatchers and self.dispatchers[name].is_full:
                self.signals.tell(name)
        for name in effects.routers:
            self.routers[name].wake.set()
        if effects.media:
            self.fetcher.wake.set()
        for what, facts in effects.logs:
            _count(what, facts)
            log.info(what, **facts)
        for what, facts in effects.warnings:
            log.warning(what, **facts)

    def _across(self, name: str) -> list[Dispatcher]:
        """Those who send what an account says to the other side."""
        routes = self._runtime.settings.routes
        ends = [(one.channel, desk) for one in routes for desk in (one.desk, one.fallback) if desk]
        others = {desk for channel, desk in ends if channel == name} | {ch for ch, desk in ends if desk == name}
        return [self.dispatchers[other] for other in sorted(others) if other in self._present]

    def _kept(self, name: str, count: int, routed: bool) -> None:
        self.admission.count_kept(count)
        if not self.admission.is_flooded:
            self.signals.tell(name)  # whoever routes this account at the moment goes on with it
        if not routed:
            self.routers[name].wake.set()

    def _heard(self, name: str) -> None:
        """Another process has something for an account."""
        if self._work and name in self.routers:
            self.routers[name].wake.set()
            self.wake_dispatcher(name)

    def _piggybacks(self, name: str) -> bool:
        """Whether what is about to be kept will be routed without another word. Not in a flood: its senders would wait
        for it.
        """
        return self._work and not self.admission.is_flooded and name in self._present and self.routers[name].piggyback()


def _count(what: str, facts: dict[str, Any]) -> None:
    """What a transaction wanted to be logged has happened: it counts."""
    match what:
        case "quarantined":
            metrics.quarantined.count(facts["account"])
        case "failed later":
            metrics.steps.count(facts["account"], "failed later")
        case "bot turn":
            metrics.bot_turns.count(facts["account"], facts["verdict"])
            metrics.bot_tokens.count(facts["account"], by=facts["tokens"])
            metrics.bot_seconds.took(facts["seconds"], facts["account"])
        case "bot answer held back":
            metrics.bot_held_back.count(facts["account"], facts["why"])
        case "target ended":
            metrics.targets.count(facts["target"], facts["kind"], facts["outcome"])
        case "handed over":
            metrics.handovers.count(facts["left"], facts["taken"], facts["why"])

"""The composition root: the only place where things are constructed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from bridge import replays
from bridge.absent import Absent
from bridge.alerts.receivers import declare_alerts
from bridge.alerts.watch import EVERY, Watch
from bridge.api.app import api_routes
from bridge.api.consents import consents
from bridge.console.mount import ConsoleMount
from bridge.contract import Account, AlertReceiver, Drains, Http, Raw, Serves
from bridge.engine.callers import Callers
from bridge.engine.context import ConnectedAccount, Runtime, Work
from bridge.engine.engine import Engine
from bridge.engine.inbound.intake import OnDurable
from bridge.engine.runtime.ids import new_name
from bridge.events.sender import EVERY as EVENTS_EVERY
from bridge.events.sender import Sender
from bridge.figures import worker as figures
from bridge.privacy import aging
from bridge.registry import Declared, make_connector
from bridge.services.disks import database_folder
from bridge.services.faults import store_down
from bridge.services.media import MediaFiles
from bridge.services.records import StoredRecords
from bridge.services.tokens import StoredTokens, derive_key
from bridge.settings import Settings
from bridge.web.answers import AnswerPages
from bridge.web.dispatch import Front
from bridge.web.failures import failed
from bridge.web.files import Files
from bridge.web.headers import SafeHeaders
from bridge.web.health import healthz, metrics_page, readyz
from bridge.web.hooks import Hooks
from bridge.web.proxies import ClientAddress, Proxies
from bridge.web.ratings import RatingPages
from mappings import api_tokens, state
from mappings.compaction import Compaction
from mappings.store import Store, StoreLocked

T = TypeVar("T")

log = structlog.get_logger("bridge.app")


def system_clock() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(UTC)


class Bridge:
    """One running bridge: the store, the accounts, the engine, the web side. Open it with `running`."""

    def __init__(
        self,
        settings: Settings,
        declared: dict[str, Declared],
        *,
        clock: Callable[[], datetime] = system_clock,
        work: bool = True,
        config: Path | None = None,
    ) -> None:
        self.settings = settings
        self.config = config  # the file, where the console may put routes into it
        self.clock = clock
        self._work = work
        self.store = Store(settings.bridge.database_url)
        secret = settings.bridge.secret_key.get_secret_value()
        self.files = MediaFiles(
            self.store,
            Path(settings.bridge.media_dir),
            public_url=settings.bridge.public_url,
            key=derive_key(secret, "links"),
            valid=settings.retention.links_valid,
            now=clock,
            keep_free=settings.bridge.keep_free,
        )
        self._https: list[Http] = []
        accounts = {name: self._connect(one, secret) for name, one in declared.items()}
        self.runtime = Runtime(settings, accounts, clock, self.files.link)
        self.callers = Callers(self.store, clock)
        self.alerts = Watch(
            self.store, settings, self._receivers(), clock, {name: one.config for name, one in declared.items()}
        )
        events = Http(timeout=10, max_concurrency=16)
        self._https.append(events)
        self.events = Sender(self.store, settings.events, events, clock)
        self.engine: Engine | None = None
        self.host = ""  # where it is served, once that is known
        self.start_anew: Callable[[], None] | None = None  # with the file as it is then, where it is served so
        self.console = ConsoleMount(self)

    def _receivers(self) -> dict[str, AlertReceiver[Any]]:
        found = {}
        for name, (receiver, config) in declare_alerts(self.settings, Path("config.toml")).items():
            url = getattr(config, "url", "")
            http = Http(timeout=10, home=url.get_secret_value() if isinstance(url, SecretStr) else "")
            self._https.append(http)
            found[name] = receiver(config, http, self.clock)
        return found

    def _connect(self, declared: Declared, secret: str) -> ConnectedAccount:
        settings, name = self.settings, declared.name
        timeout = settings.engine.request_timeout.total_seconds()
        http = Http(timeout=timeout, max_concurrency=settings.engine.workers, home=declared.config.api_base)
        self._https.append(http)
        account = Account(
            name=name,
            http=http,
            tokens=StoredTokens(self.store, name, secret, self.clock),
            media=self.files,
            records=StoredRecords(self.store, name, self.clock),
            now=self.clock,
            public_url=settings.bridge.public_url,
            hook_url=f"{settings.bridge.public_url}/hooks/{name}",
            secret=derive_key(secret, f"account {name}"),
            language=settings.bridge.language,
            request_timeout=timeout,
            roles=frozenset(
                role
                for route in settings.routes
                for role, end in (("channel", route.channel), ("desk", route.desk), ("desk", route.fallback))
                if end == name
            ),
            audit=partial(self._audit, name),
            typing=partial(self._typing, name),
        )
        connector, config = make_connector(declared, account)
        if isinstance(connector, Absent):
            log.error("account cannot be used", account=name, why=connector.config.why)
        return ConnectedAccount(name, connector, config, account)

    def _typing(self, account: str, conversation: str, on: bool) -> None:
        if self.engine is not None and self.engine.working:
            self.engine.loops.typing.tell(account, conversation, on)

    async def _audit(self, account: str, who: str, what: str, detail: str) -> None:
        try:
            await self.store.write(state.add_audit, f"{account}: {who}", what, detail, self.clock())
        except Exception as error:
            if (down := store_down(error)) is None:
                raise
            raise down from None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Bridge"]:
        """Opens the store, runs the engine, closes both. The schema must be up to date."""
        while True:
            try:
                await asyncio.to_thread(self.store.open)
                break
            except StoreLocked as error:
                log.warning("waiting for the database", why=str(error))
                await asyncio.sleep(1)
        try:
            self.engine = Engine(self.store, self.runtime, self.files, work=self._work)
            self.engine.every(timedelta(seconds=2), "callers", self.callers.write_down)
            if self.settings.alerts and self._work:
                self.engine.every(EVERY, "alerts", self.alerts.tick)
            if self.settings.events and self._work:
                self.engine.every(EVENTS_EVERY, "events", self.events.tick)
            self.engine.every(timedelta(minutes=1), "sparklines", self.console.sparks.sample)
            if self._work:
                self.engine.every(timedelta(seconds=1), "replays", partial(replays.tick, self.store, self.engine))
                self.engine.every(figures.EVERY, "figures", partial(figures.tick, self.store, self.runtime, new_name()))
                self.engine.every(aging.EVERY, "records", partial(aging.tick, self, new_name()))
                self.engine.every(timedelta(seconds=2), "compaction", Compaction(self.store).tick)
            if not self.runtime.shop_tells:
                self.runtime.shop_tells = await self.store.read(api_tokens.is_any)
            await self.engine.start()
            try:
                yield self
            finally:
                await self.engine.stop()
                with suppress(Exception):  # a store that is away must not keep the process from ending
                    await asyncio.wait_for(self.callers.write_down(), 1)
        finally:
            await asyncio.gather(*(http.close() for http in self._https))
            await asyncio.to_thread(self.store.close)

    def drain(self) -> None:
        """The process is about to end: whoever holds connections open lets them go."""
        self.console.drain()
        for connected in self.runtime.accounts.values():
            if isinstance(connected.connector, Drains):
                connected.connector.drain()

    @asynccontextmanager
    async def beside(self) -> AsyncIterator["Bridge"]:
        """The accounts without an engine, for commands that work while another process serves. The schema is there."""
        self.store.open(beside=True)
        try:
            yield self
        finally:
            await self.close_beside()

    async def close_beside(self) -> None:
        """What `beside` does at its end."""
        await asyncio.gather(*(http.close() for http in self._https))
        await asyncio.to_thread(self.store.close)

    def app(self, *more: BaseRoute) -> Front:
        """The web side; its lifespan runs the bridge. `more` are routes of a host that has pages of its own."""

        @asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[None]:
            async with self.running():
                yield

        proxies = Proxies(self.settings.bridge.trusted_proxies)
        secure = self.settings.bridge.public_url.startswith("https://")
        middleware = [Middleware(ClientAddress, proxies=proxies), Middleware(SafeHeaders, secure=secure)]
        pages = Starlette(
            routes=[*self._routes(), *more],
            lifespan=lifespan,
            middleware=middleware,
            exception_handlers={Exception: failed},
        )
        pages.router.redirect_slashes = False  # it would lead to whatever host the caller names
        return Front(Hooks(self.runtime, self._enqueue, self._look, self.callers, proxies), pages, proxies)

    def _routes(self) -> list[BaseRoute]:
        ratings = RatingPages(self.runtime, self._act)
        routes: list[BaseRoute] = [
            Route("/media/{token}", Files(self.store, self.files).give, methods=["GET"]),
            Route("/answers/{token}", AnswerPages(self.runtime, self.store).show, methods=["GET"]),
            Route("/rate/{token}", ratings.show, methods=["GET"]),
            Route("/rate/{token}", ratings.take, methods=["POST"]),
            *api_routes(self.runtime, self.store, self._act, consents(self.runtime, self.store, self.clock)),
            Route("/healthz", healthz),
            Route("/readyz", readyz(self._troubles, self._impaired)),
            Route("/metrics", metrics_page(self.store, self.clock, self._disks())),
            *self.console.routes(),
        ]
        for name, connected in self.runtime.accounts.items():
            if isinstance(connected.connector, Serves):
                try:
                    routes += connected.connector.routes(partial(self._persist, name))
                except Exception as error:  # the other accounts' addresses are to be there
                    log.exception("pages of an account cannot be served", account=name, exc_info=error)
        return routes

    def _disks(self) -> dict[str, Path]:
        database = database_folder(self.settings.bridge.database_url)
        return {"media": self.files.folder.place, **({"database": database} if database is not None else {})}

    async def _act(self, function: Callable[[Work], T]) -> T:
        assert self.engine is not None
        return await self.engine.act(function)

    def _persist(self, name: str, raws: Sequence[Raw], cursor: str | None = None) -> Coroutine[Any, Any, None]:
        assert self.engine is not None
        return self.engine.persist(name, raws, cursor)

    def _enqueue(self, name: str, raws: Sequence[Raw], notify: OnDurable) -> None:
        assert self.engine is not None
        self.engine.enqueue(name, raws, notify)

    def _look(self, name: str, conversations: object) -> None:
        assert self.engine is not None
        self.engine.refresh(name, conversations)  # type: ignore[arg-type] # as above

    def _impaired(self) -> list[str]:
        return self.engine.impaired() if self.engine is not None else []

    def _troubles(self) -> list[str]:
        return self.engine.troubles() if self.engine is not None else ["not started"]

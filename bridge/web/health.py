"""`/healthz`, `/readyz`, `/metrics`."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bridge.observe import metrics
from mappings import inbox, state, tracing, waiting
from mappings.store import Store, Tx


async def healthz(_request: Request) -> Response:
    """The loop lives."""
    return PlainTextResponse("ok")


def readyz(troubles: Callable[[], list[str]]) -> Callable[[Request], Awaitable[Response]]:
    """Ready once the store commits and the workers run; else 503 with the reasons."""

    async def answer(_request: Request) -> Response:
        found = troubles()
        return JSONResponse({"ready": not found, "reasons": found}, 503 if found else 200)

    return answer


def metrics_page(store: Store, now: Callable[[], datetime]) -> Callable[[Request], Awaitable[Response]]:
    """Prometheus. What is counted in the database is read when asked."""

    async def answer(_request: Request) -> Response:
        with suppress(Exception):  # the counters are worth showing even when the store is down
            await store.read(_gauge, now())
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return answer


def _gauge(tx: Tx, now: datetime) -> None:
    for gauge in (metrics.unfinished, metrics.waiting, metrics.inbox, metrics.oldest, metrics.paused):
        gauge.clear()
    for (account, name), count in tracing.count_steps(tx).items():
        metrics.unfinished.labels(account, name).set(count)
    for (account, held), count in waiting.count_waiting(tx).items():
        metrics.waiting.labels(account, "yes" if held else "no").set(count)
    for (account, name), count in inbox.count_raws(tx).items():
        metrics.inbox.labels(account, name).set(count)
    for account, since in tracing.oldest_unfinished(tx).items():
        metrics.oldest.labels(account).set((now - since).total_seconds())
    for account in state.pauses(tx):
        metrics.paused.labels(account).set(1)

"""`/healthz`, `/readyz`, `/metrics`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bridge.services.disks import free_bytes
from bridge.telemetry import Gauge, Values, metrics
from mappings import goals, inbox, inspection, outgoing, state, waiting
from mappings.store import Store, Tx


async def healthz(_request: Request) -> Response:
    """The loop lives."""
    return PlainTextResponse("ok")


def readyz(
    troubles: Callable[[], list[str]], impaired: Callable[[], list[str]]
) -> Callable[[Request], Awaitable[Response]]:
    """Ready once the store commits and the workers run; else 503 with the reasons.

    A full disk of files is told and no reason: whoever takes this process out of service for it loses the text, too.
    """

    async def answer(_request: Request) -> Response:
        found = troubles()
        answer = {"ready": not found, "reasons": found, "impaired": impaired()}
        return JSONResponse(answer, 503 if found else 200)

    return answer


def metrics_page(
    store: Store, now: Callable[[], datetime], disks: Mapping[str, Path]
) -> Callable[[Request], Awaitable[Response]]:
    """Prometheus. What is counted in the database is read when asked: by one caller at a time, whoever they are."""
    one_by_one = asyncio.Lock()

    async def answer(_request: Request) -> Response:
        # the first time takes long, which must not hold up a callback; all else about it is the loop's
        await asyncio.to_thread(import_module, "prometheus_client")
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        async with one_by_one:
            with suppress(Exception):  # the counters are worth showing even when the store is down
                for level, values in (await store.read(_levels, now())).items():
                    level.show(values)
            with suppress(OSError):
                free = {(name,): await asyncio.to_thread(free_bytes, place) for name, place in disks.items()}
                metrics.disk_free.show(free)
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    return answer


def _levels(tx: Tx, now: datetime) -> dict[Gauge, Values]:
    return {
        metrics.unfinished: inspection.count_steps(tx),
        metrics.waiting: {
            (account, "yes" if held else "no"): count for (account, held), count in waiting.count_waiting(tx).items()
        },
        metrics.inbox: inbox.count_raws(tx),
        metrics.oldest: {
            (account,): (now - since).total_seconds() for account, since in inspection.oldest_unfinished(tx).items()
        },
        metrics.late: {(row.desk, row.target): row.number for row in goals.late_by_desk(tx, now)},
        metrics.events_waiting: {place: count for place, (count, _) in outgoing.counts(tx).items()},
        metrics.paused: {(account,): 1 for account in state.pauses(tx)},
    }

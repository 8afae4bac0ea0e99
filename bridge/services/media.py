"""The bytes of files: fetched at once, kept by their hash, given out by signed links that expire."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Row

from bridge.contract import ConnectorError, Fetches, Media, Rejected, Retryable
from bridge.engine.context import ConnectedAccount, Runtime
from bridge.engine.outbound.policy import backoff
from bridge.engine.runtime.wakeups import IDLE, Wakeup, wait_any
from bridge.services.folder import MediaDown, MediaFolder
from bridge.services.metadata import without_metadata
from bridge.services.mimetypes import sniff
from bridge.telemetry import metrics
from mappings import media as files
from mappings.store import Store

log = structlog.get_logger("bridge.media")

LARGEST = 50 * 2**20  # bytes of one file
_GIVE_UP = timedelta(hours=72)  # platforms keep their files no longer
_LEASE = timedelta(seconds=120)
_PARALLEL = 4
_DECODER = ThreadPoolExecutor(1, thread_name_prefix="pictures")


class MediaFiles:
    """All files of this bridge. See `bridge.contract.MediaStore`."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        *,
        public_url: str,
        key: bytes,
        valid: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self.folder = MediaFolder(folder)
        self._public_url = public_url
        self._key = key
        self._valid = valid
        self._now = now

    async def read(self, media: Media) -> bytes:
        return await asyncio.to_thread(self.folder.read, media.sha256)

    async def keep(self, data: bytes, *, name: str = "", mime: str = "") -> Media:
        """Stores bytes under their hash, pictures without metadata. Raises MediaDown."""
        data, digest = await asyncio.to_thread(self._kept, data)
        facts = {"mime": sniff(data, mime, name), "name": name, "size": len(data)}
        media = Media(account="", id=digest, sha256=digest, **facts)
        now = self._now()
        await self._store.write(files.want_media, "", digest, now, state="done", sha256=digest, **facts)
        return media

    async def image(
        self, media: Media, *, mimes: Sequence[str], max_bytes: int, still: bool = False
    ) -> tuple[bytes, str]:
        """One picture at a time in this process, for each takes its memory; the others wait as names, not as bytes."""
        work = partial(_fit, self.folder, media.sha256, mimes=tuple(mimes), max_bytes=max_bytes, still=still)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_DECODER, work)

    def link(self, media: Media) -> str:
        """A public link to the bytes: hash, end and signature in one token."""
        until = int((self._now() + self._valid).timestamp()) // 3600 * 3600 + 3600
        return f"{self._public_url}/media/{self._token(media.sha256, until)}"

    def open_link(self, token: str) -> str | None:
        """The hash a link names; None when it is forged or over (nobody is told which)."""
        digest, _, rest = token.partition(".")
        until, _, _ = rest.partition(".")
        if not until.isascii() or not until.isdigit() or len(until) > 12:
            return None
        right = hmac.compare_digest(self._token(digest, int(until)).encode(), token.encode())
        return digest if right and int(until) > self._now().timestamp() else None

    async def keep_stream(self, chunks: AsyncIterator[bytes]) -> tuple[str, bytes, int]:
        """Stores a stream of at most LARGEST bytes: hash, bytes, size. Raises MediaDown."""
        data = bytearray()
        async with _closing(chunks):  # stopping early frees its connection
            async for chunk in chunks:
                data += chunk
                if len(data) > LARGEST:
                    raise Rejected(f"larger than {LARGEST} bytes", code="too large")
        content, digest = await asyncio.to_thread(self._kept, bytes(data))
        return digest, content, len(content)

    def _kept(self, data: bytes) -> tuple[bytes, str]:
        """What is stored: links, desks and mails get it too, so that places are in none of them. And its hash."""
        data = without_metadata(data)
        return data, self.folder.save(data)

    def _token(self, digest: str, until: int) -> str:
        mark = hmac.digest(self._key, f"{digest}.{until}".encode(), hashlib.sha256)[:18]
        return f"{digest}.{until}.{base64.urlsafe_b64encode(mark).decode()}"


def _fit(folder: MediaFolder, digest: str, **wishes: Any) -> tuple[bytes, str]:
    from bridge.services.images import fit

    return fit(folder.read(digest), **wishes)


@contextlib.asynccontextmanager
async def _closing(chunks: AsyncIterator[bytes]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        close = getattr(chunks, "aclose", None)  # generators have it, plain iterators need none
        if close is not None:
            await close()


def _fetching(connected: ConnectedAccount | None) -> Fetches:
    if connected is None or not isinstance(connected.connector, Fetches):
        raise Rejected("this account cannot fetch files")
    return connected.connector


class Fetcher:
    """Fetches wanted files of all accounts, at once when they are named: platforms forget theirs."""

    def __init__(self, store: Store, runtime: Runtime, library: MediaFiles, wake: Callable[[str], None]) -> None:
        self._store = store
        self._runtime = runtime
        self._library = library
        self._wake_account = wake
        self.wake = Wakeup()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        """Nothing is being fetched."""
        return self.wake.rests and not self._tasks

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            self.wake.clear()
            now = self._runtime.now()
            room = _PARALLEL - len(self._tasks)
            try:
                rows = await self._store.write(files.claim_media, now, now + _LEASE, room) if room else []
            except Exception as error:  # noqa: BLE001 - the store may be away for a while
                log.warning("fetching interrupted", error=type(error).__name__)
                rows = []
            for row in rows:
                task = asyncio.create_task(self._fetch(row), name=f"fetch {row.id}")
                self._tasks.add(task)
                task.add_done_callback(self._finished)
            if not rows and not self.wake.is_set():
                with self.wake.resting():
                    await wait_any(self.wake, stop, IDLE)
        for task in self._tasks:
            task.cancel()

    async def retry_now(self) -> None:
        """What kept files back is over: those that wait are fetched now."""
        await self._store.write(files.hurry_media, self._runtime.now())
        self.wake.set()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.wake.set()

    async def _fetch(self, row: Row[Any]) -> None:
        connected = self._runtime.accounts.get(row.account)
        try:
            fetches = _fetching(connected)
            media = Media(account=row.account, id=row.external_id, mime=row.mime, name=row.name, size=row.size)
            digest, content, size = await self._library.keep_stream(fetches.fetch(media, LARGEST))
        except Exception as error:  # noqa: BLE001 - one file's trouble is its own
            await self._failed(row, error)
            return
        mime = sniff(content, row.mime, row.name)
        await self._settle(row, state="done", sha256=digest, mime=mime, size=size, error="")
        metrics.media.count(row.account, "done")

    async def _failed(self, row: Row[Any], error: Exception) -> None:
        now = self._runtime.now()
        down = isinstance(error, MediaDown)
        reason = error.message if isinstance(error, ConnectorError) else type(error).__name__
        if down:  # agents may read it, who have no use for a path of this machine
            reason = "the bridge could not store it"
        final = isinstance(error, ConnectorError) and not isinstance(error, Retryable)
        if not isinstance(error, ConnectorError):
            log.error("bug while fetching", account=row.account, exc_info=error)
            final = row.attempts >= 3 and row.error == reason  # not those that only met a full disk before
        old = now - row.created_at > _GIVE_UP
        if not down or old:  # that is the machine's, and said once for all files
            log.info("file not fetched", account=row.account, file=row.id, why=reason, final=final or old)
        if final or old:
            await self._settle(row, state="failed", error=reason)
            metrics.media.count(row.account, "failed")
        else:
            wait = backoff(row.attempts, self._runtime.settings.engine.backoff_max)
            await self._settle(row, due_at=now + wait, error=reason)

    async def _settle(self, row: Row[Any], **values: Any) -> None:
        with contextlib.suppress(Exception):  # its lease ends and it is fetched again
            await self._store.write(files.settle_media, row.id, **values)
        for name in self._runtime.accounts:
            self._wake_account(name)

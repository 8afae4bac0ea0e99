"""Fetch: the bytes of files that messages name, at once, because platforms forget theirs."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Unpack

import structlog
from sqlalchemy import Row

from bridge.contract import ConnectorError, Fetches, Media, Rejected, Retryable
from bridge.contract.storable import clean_text
from bridge.engine.context import ConnectedAccount, Runtime
from bridge.engine.outbound import attachments
from bridge.engine.outbound.policy import backoff
from bridge.engine.runtime.wakeups import IDLE, Wakeup, wait_any
from bridge.services.folder import MediaDown
from bridge.services.media import LARGEST, MediaFiles
from bridge.services.mimetypes import sniff
from bridge.telemetry import metrics
from mappings import media as files
from mappings import waiting
from mappings.states import FileState, MediaColumns
from mappings.store import Store, Tx, is_trouble

log = structlog.get_logger("bridge.media")

_NOT_STORED = {"en": "the bridge could not store it", "zh": "桥接服务未能保存该文件"}
_CHINESE = {  # by code of the error: why there is no file, as it stands on the ticket
    **dict.fromkeys(("gone", "no file", "no content", "http 404", "http 410"), "文件已不存在"),
    "empty": "文件为空",
    "too large": "文件过大",
    "malware": "发现恶意内容",
    "no address": "文件没有下载地址",
}
_GIVE_UP = timedelta(hours=72)  # platforms keep their files no longer
_LEASE = timedelta(seconds=120)
_PARALLEL = 4


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
            free = _PARALLEL - len(self._tasks)
            try:
                rows = await self._store.write(files.claim_media, now, now + _LEASE, free) if free else []
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
        await self._settle(row, state=FileState.DONE, sha256=digest, mime=mime, size=size, error="")
        metrics.media.count(row.account, FileState.DONE)

    async def _failed(self, row: Row[Any], error: Exception) -> None:
        now = self._runtime.now()
        down = isinstance(error, MediaDown)
        language = self._runtime.language
        reason = type(error).__name__
        if isinstance(error, ConnectorError):
            reason = error.reason.get(language) or _CHINESE.get(error.code if language == "zh" else "", error.message)
        if down:  # agents may read it, who have no use for a path of this machine
            reason = _NOT_STORED[language]
        reason = clean_text(reason)
        final = isinstance(error, ConnectorError) and not isinstance(error, Retryable)
        if is_trouble(error):  # the database's, or this file's source is kept there: it says nothing of the file
            log.warning("fetching waits for the database", account=row.account, error=type(error).__name__)
        elif not isinstance(error, ConnectorError):
            log.error("bug while fetching", account=row.account, exc_info=error)
            final = row.attempts >= 3 and row.error == reason  # not those that only met a full disk before
        old = now - row.created_at > _GIVE_UP
        if not down or old:  # that is the machine's, and said once for all files
            log.info("file not fetched", account=row.account, file=row.id, why=reason, final=final or old)
        if final or old:
            await self._settle(row, state=FileState.FAILED, error=reason)
            metrics.media.count(row.account, FileState.FAILED)
        else:
            wait = backoff(row.attempts, self._runtime.settings.engine.backoff_max)
            await self._settle(row, due_at=now + wait, error=reason)

    async def _settle(self, row: Row[Any], **values: Unpack[MediaColumns]) -> None:
        with contextlib.suppress(Exception):  # its lease ends and it is fetched again
            await self._store.write(_settle_media, row, self._runtime.now(), values)
        for name in self._runtime.accounts:
            self._wake_account(name)


def _settle_media(tx: Tx, row: Row[Any], now: datetime, values: MediaColumns) -> None:
    """What became of a fetch; what was put off because of the file is looked at now."""
    files.settle_media(tx, row.id, **values)
    if "state" in values and now - row.created_at > attachments.WAITS:
        waiting.make_files_due(tx, now)

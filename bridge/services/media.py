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

from bridge.contract import Media, Rejected
from bridge.contract.storable import clean_name
from bridge.services.folder import MediaFolder
from bridge.services.metadata import without_metadata
from bridge.services.mimetypes import sniff
from mappings import media as files
from mappings.states import FileState
from mappings.store import Store

log = structlog.get_logger("bridge.media")

LARGEST = 50 * 2**20  # bytes of one file
_GIVE_UP = timedelta(hours=72)  # platforms keep their files no longer
_LEASE = timedelta(seconds=120)
_PARALLEL = 4
_DECODER = ThreadPoolExecutor(1, thread_name_prefix="pictures")


class MediaFiles:
    """All files of this bridge. See `bridge.contract.MediaStore`."""

    def __init__(  # noqa: PLR0913 - what a library rests on, by name
        self,
        store: Store,
        folder: Path,
        *,
        public_url: str,
        key: bytes,
        valid: timedelta,
        now: Callable[[], datetime],
        keep_free: int = 0,
    ) -> None:
        self._store = store
        self.folder = MediaFolder(folder, keep_free)
        self._public_url = public_url
        self._key = key
        self._valid = valid
        self._now = now

    async def read(self, media: Media) -> bytes:
        return await asyncio.to_thread(self.folder.read, media.sha256)

    async def keep(self, data: bytes, *, name: str = "", mime: str = "") -> Media:
        """Stores bytes under their hash, pictures without metadata. Raises MediaDown. What a sender calls the file may
        be anything: it is cleaned here, for all who keep files.
        """
        name, mime = clean_name(name), clean_name(mime)
        data, digest = await asyncio.to_thread(self._kept, data)
        facts = {"mime": sniff(data, mime, name), "name": name, "size": len(data)}
        media = Media(account="", id=digest, sha256=digest, **facts)
        now = self._now()
        await self._store.write(files.want_media, "", digest, now, state=FileState.DONE, sha256=digest, **facts)
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

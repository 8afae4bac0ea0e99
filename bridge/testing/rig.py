"""An `Account` for tests: everything the bridge lends, in memory, with the same rules; `http` is the real one."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypedDict, Unpack

from bridge.contract import Account, CallbackResult, Connector, Http, Media, Rejected, Request
from bridge.services.images import fit
from bridge.services.metadata import without_metadata
from bridge.services.mimetypes import sniff
from bridge.testing.clock import system_clock
from bridge.testing.records import MemoryRecords
from bridge.testing.tokens import MemoryTokens

__all__ = ["MemoryMedia", "MemoryRecords", "MemoryTokens", "lend_account", "make_account", "result_of"]


class MemoryMedia:
    """`MediaStore` in a dict: `files` maps a SHA-256 to bytes."""

    def __init__(self, account: str, public_url: str) -> None:
        self._account = account
        self._public_url = public_url
        self.files: dict[str, bytes] = {}

    async def read(self, media: Media) -> bytes:
        if media.sha256 not in self.files:
            raise Rejected("the file is no longer kept", code="expired")
        return self.files[media.sha256]

    async def keep(self, data: bytes, *, name: str = "", mime: str = "") -> Media:
        data = without_metadata(data)
        digest = hashlib.sha256(data).hexdigest()
        self.files[digest] = data
        kept = Media(
            account=self._account, id=digest, mime=sniff(data, mime, name), name=name, size=len(data), sha256=digest
        )
        return kept.model_copy(update={"url": self.link(kept)})

    async def image(
        self, media: Media, *, mimes: Sequence[str], max_bytes: int, still: bool = False
    ) -> tuple[bytes, str]:
        return fit(await self.read(media), mimes=mimes, max_bytes=max_bytes, still=still)

    def link(self, media: Media) -> str:
        """Looks like a signed link: stable for one file, below `/media/` of the public URL."""
        mark = hashlib.sha256(b"link" + media.sha256.encode()).hexdigest()[:22]
        return f"{self._public_url}/media/{media.sha256[:16]}.{mark}"


class AccountOptions(TypedDict, total=False):
    """What a test may bring. `home` is the account's `api_base`, `timeout` in seconds."""

    home: str
    clock: Callable[[], datetime]
    language: str
    public_url: str
    max_concurrency: int
    timeout: float


def make_account(name: str = "shop", **options: Unpack[AccountOptions]) -> Account:
    """What the bridge would lend to the account `name`.

    Close it with `await account.http.close()`, or use `lend_account`, which does.
    """
    clock, timeout = options.get("clock", system_clock), options.get("timeout", 10.0)
    public_url = options.get("public_url", "https://bridge.example.com")
    return Account(
        name=name,
        http=Http(home=options.get("home", ""), max_concurrency=options.get("max_concurrency", 4), timeout=timeout),
        tokens=MemoryTokens(clock),
        media=MemoryMedia(name, public_url),
        records=MemoryRecords(),
        now=clock,
        public_url=public_url,
        hook_url=f"{public_url}/hooks/{name}",
        secret=hashlib.sha256(b"rig" + name.encode()).digest(),
        language=options.get("language", "en"),
        request_timeout=timeout,
    )


@asynccontextmanager
async def lend_account(name: str = "shop", **options: Unpack[AccountOptions]) -> AsyncIterator[Account]:
    """`make_account` for an `async with`: closes the connections at the end."""
    account = make_account(name, **options)
    try:
        yield account
    finally:
        await account.http.close()


async def result_of(connector: Connector[Any], request: Request) -> CallbackResult:
    """What a connector says of a callback, whether it has to wait for that or not."""
    result = connector.verify(request)
    return result if isinstance(result, CallbackResult) else await result

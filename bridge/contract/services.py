"""What the bridge lends to a connector: a way out, stored tokens, files, records, a clock."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from bridge.contract.errors import Rejected, Retryable
from bridge.contract.messages import Media

if TYPE_CHECKING:
    from bridge.contract.http import Http


@dataclass(frozen=True, slots=True)
class Token:
    """A credential with an end. `expires_at` None means it has none."""

    value: str
    expires_at: datetime | None = None
    refresh: str = ""


class Tokens(Protocol):
    """Stored, encrypted credentials, renewed once for all processes."""

    async def get(
        self,
        name: str,
        renew: Callable[[Token | None], Awaitable[Token]],
        *,
        refused: str = "",
        early: timedelta = ...,
    ) -> Token:
        """The stored token, or what `renew` makes of it when it is missing, about to end (`early`) or `refused`.

        `refused` is the value a vendor just turned down: if another process has stored a newer one, that is returned
        and nothing is renewed. `renew` gets the old token and runs under a lock that all processes share.
        """
        ...


class MediaStore(Protocol):
    """The bytes of files, content-addressed."""

    async def read(self, media: Media) -> bytes:
        """The bytes of a media with a `sha256`. Raises Rejected when retention has removed them."""
        ...

    async def keep(self, data: bytes, *, name: str = "", mime: str = "") -> Media:
        """Stores bytes and returns a reference (with `sha256`, sniffed `mime`, `size`).

        Pictures lose what cameras wrote into them, and stay as they are otherwise.
        """
        ...

    async def image(
        self, media: Media, *, mimes: Sequence[str], max_bytes: int, still: bool = False
    ) -> tuple[bytes, str]:
        """The picture as one of `mimes` within `max_bytes`, without metadata: otherwise as it is, converted or shrunk.

        One that moves is never made a still, unless `still` asks for one. Raises Rejected: send a link then.
        """
        ...

    def link(self, media: Media) -> str:
        """A public, signed link to the bytes that expires."""
        ...


async def read_files(store: MediaStore, files: Sequence[Media]) -> tuple[list[tuple[Media, bytes]], list[Media]]:
    """The files with their bytes, and those that cannot be read now: the words they came with must not wait for them,
    so send these as links, or say that they are missing.
    """
    found, missing = [], []
    for media in files:
        try:
            found.append((media, await store.read(media)))
        except (Rejected, Retryable):
            missing.append(media)
    return found, missing


@dataclass(frozen=True, slots=True)
class Put:
    """Write one record; None deletes it. With `expect` only when its version still is that (0: must not exist)."""

    kind: str
    key: str
    value: Mapping[str, Any] | None
    expect: int | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """Append to a stream: numbers run 1, 2, 3 … without a gap. The same `once` twice appends once."""

    stream: str
    value: Mapping[str, Any]
    once: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """Take a stream away, with all its entries. Its numbers begin anew: drop only what nobody reads any more."""

    stream: str


class Conflict(Exception):
    """A record changed since it was read; nothing of the commit was done."""


class Records(Protocol):
    """A small durable store for connectors that have no vendor behind them. Values are JSON objects."""

    async def get(self, kind: str, key: str) -> tuple[dict[str, Any], int] | None:
        """The value and its version."""
        ...

    async def list(
        self, kind: str, *, after: str = "", prefix: str = "", limit: int = 100
    ) -> Sequence[tuple[str, dict[str, Any]]]:
        """Records of a kind ordered by key."""
        ...

    async def search(self, kind: str, text: str, *, limit: int = 50) -> Sequence[tuple[str, dict[str, Any]]]:
        """Records of a kind whose JSON contains the text, newest change first."""
        ...

    async def commit(self, *changes: Put | Append | Drop) -> Sequence[int]:
        """All or nothing, durable on return. The new version of each Put, the number of each Append, 0 for a Drop."""
        ...

    async def read(self, stream: str, *, after: int = 0, limit: int = 500) -> Sequence[tuple[int, dict[str, Any]]]:
        """Entries numbered above `after`, in order."""
        ...

    async def wait(self, streams: Sequence[str], timeout: float) -> None:
        """Returns when one of the streams may have grown, or after `timeout` seconds. A hint: read to know."""
        ...


Audit = Callable[[str, str, str], Awaitable[None]]


async def no_audit(_who: str, _what: str, _detail: str) -> None:
    """Where nobody reads it."""


Typing = Callable[[str, bool], None]


def no_typing(_conversation: str, _on: bool) -> None:
    """Where nobody looks."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the bridge lends to one connector object. `hook_url` is where the vendor's callbacks go. `roles` are those
    in which the routes name the account (`channel`, `desk`): what leads nowhere should not be offered to anybody.
    """

    name: str
    http: "Http"
    tokens: Tokens
    media: MediaStore
    records: Records
    now: Callable[[], datetime]
    public_url: str
    hook_url: str
    secret: bytes  # this account's own key, derived from bridge.secret_key: for signing what must come back
    language: str = "en"
    request_timeout: float = 10.0
    roles: frozenset[str] = frozenset({"channel", "desk"})
    audit: Audit = no_audit  # who, what, detail: who signed in, who changed what. Raises StoreDown
    typing: Typing = no_typing  # somebody types in a conversation, or stopped: the other side sees it, where it `Types`

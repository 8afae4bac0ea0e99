"""The contract: what a vendor's connector must do, and may do."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from starlette.routing import BaseRoute

from bridge.contract.callbacks import (
    CallbackResult,
    Health,
    Labels,
    Page,
    Persist,
    Raw,
    Receipt,
    RenderContext,
    Reply,
    Request,
    Step,
    Target,
)
from bridge.contract.capabilities import Capabilities
from bridge.contract.config import AccountConfig
from bridge.contract.events import Event
from bridge.contract.guide import Guide
from bridge.contract.messages import Media, Message
from bridge.contract.services import Account
from bridge.contract.words import Said, Words

ConfigT = TypeVar("ConfigT", bound=AccountConfig)


class Role(StrEnum):
    """`CHANNEL`: customers write there. `DESK`: agents answer there. `BOT`: answers by itself."""

    CHANNEL = "channel"
    DESK = "desk"
    BOT = "bot"


class Connector(ABC, Generic[ConfigT]):
    """One account at one vendor.

    Inbound is `verify` then `normalise`; outbound is `render` then `deliver`. The outer two touch the world, the inner
    two are pure. A connector never sleeps, retries, logs failures or reads the clock: it raises what happened
    (`bridge.contract.errors`) and the engine decides.
    """

    contract: ClassVar[str] = ""  # the version of the contract it was written for, as "1.0"
    kind: ClassVar[str]
    roles: ClassVar[frozenset[Role]]
    Config: ClassVar[type[AccountConfig]]
    capabilities: Capabilities  # a class attribute, or set in __init__ where it depends on the account
    guide: ClassVar[Guide] = Guide()  # what an admin does at the vendor
    calls_people: ClassVar[Words] = Words(
        "Customer", "客户"
    )  # what a customer without a name is called, before a short id
    retry_later_reply: ClassVar[Reply] = Reply(503, "busy", headers={"retry-after": "5"})

    def __init__(self, config: ConfigT, account: Account) -> None:
        self.config = config
        self.account = account

    @abstractmethod
    def verify(self, request: Request) -> CallbackResult | Awaitable[CallbackResult]:
        """Says whether a callback is authentic and what it means. No network, no parsing beyond the key.

        `async def` where it must wait for something (a secret out of the store); a plain function is answered sooner.
        Raises Unauthentic (403) or, when it cannot even be read before authentication, Malformed (400).
        """

    @abstractmethod
    def normalise(self, raw: Raw) -> Sequence[Event]:
        """Pure. Raises Malformed for an authentic payload that cannot be read; it is then quarantined.

        Private notes are returned with `audience=AGENTS`: the engine never sends them on. Things this connector wrote
        itself carry `origin` where the vendor gives the step's key back.
        """

    @abstractmethod
    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        """Pure. Every message is covered by at least one step, in order; what cannot be sent is said in words."""

    @abstractmethod
    async def deliver(self, step: Step, target: Target) -> Receipt:
        """Makes the one visible effect. Idempotent preparation (finding a user, uploading) may come before it."""

    @abstractmethod
    async def check(self) -> Health:
        """Proves credentials, rights and set-up without any effect a customer or agent would see.

        Wrong credentials are a Problem, not an exception; a vendor that cannot be reached raises Retryable.
        """


@runtime_checkable
class Polls(Protocol):
    """Can be asked what happened: periodic reconciliation, nudges, catch-up after downtime."""

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        """Raws since `cursor`, oldest first. `cursor` None is the very first time: start from now, not from history.

        With `conversation` only that one is read, completely enough to find anything not seen yet, and the page's
        cursor is ignored.
        """
        ...


@runtime_checkable
class Listens(Protocol):
    """Has a long-lived source of its own (IMAP IDLE). Runs until cancelled; an error restarts it with back-off."""

    async def listen(self, persist: Persist, cursor: str | None) -> None: ...


@runtime_checkable
class Serves(Protocol):
    """Has public endpoints of its own. Routes carry their full path and exist while the bridge serves."""

    def routes(self, persist: Persist) -> Sequence[BaseRoute]: ...


@runtime_checkable
class Drains(Protocol):
    """Holds connections open (event streams) and can end them, so that the process may end in time."""

    def drain(self) -> None: ...


@runtime_checkable
class Prepares(Protocol):
    """Has work to do before a step that nobody sees and that may be repeated: tokens, uploads, finding a user.

    It runs before the attempt is marked, so that trouble in it is never uncertain (the exception is
    `Capabilities.prepare_reads_only`). The result becomes `Target.prepared`.
    """

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]: ...


@runtime_checkable
class LooksUp(Protocol):
    """Can say whether a step whose outcome is unknown took effect.

    A receipt: it did. None: it certainly did not. An error: nobody knows, ask again later.
    """

    async def lookup(self, step: Step, target: Target) -> Receipt | None: ...


@runtime_checkable
class Foretells(Protocol):
    """Chooses the ids of its messages itself: those of a step follow from its key, also where no answer came. A receipt
    that names one of them later says what became of a step of which nobody knew.
    """

    def ids_of(self, key: str) -> Sequence[str]: ...


@runtime_checkable
class Fetches(Protocol):
    """Can download the files its messages name. At most `limit` bytes; raises Rejected when there is nothing to get."""

    def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]: ...


@runtime_checkable
class Types(Protocol):
    """Can show that the other side is typing: a customer on a desk's ticket, an agent in a customer's chat. Best
    effort: errors are dropped, nothing is queued. That somebody types on this side is told by `Account.typing`.
    """

    async def typing(self, conversation: str, *, on: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class SetUpChange:
    """One thing that set-up would change. Without `apply` it is a sentence that tells the admin what to do by hand.
    `zh` is the same in Chinese. `apply` returns what was done, as a sentence. `keys` are values that this asks to
    enter in the account's own keys: pages that keep them do that by themselves.

    A text holds no secret: `<accounts.NAME.KEY>` stands for the value of a key, and is replaced where it may be shown.
    """

    text: str
    apply: Callable[[], Awaitable[Said]] | None = None
    zh: str = ""
    keys: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def say(self, language: str) -> str:
        """In a language; English where there is no other."""
        return (self.zh if language.startswith("zh") else "") or self.text


@runtime_checkable
class SetsUp(Protocol):
    """Can create or repair what the vendor's side needs. Planning changes nothing and can be repeated."""

    async def plan(self, *, remove: bool = False) -> Sequence[SetUpChange]: ...


@runtime_checkable
class SignsIn(Protocol):
    """Has agents of its own, who sign in with a name and a password."""

    async def add_agent(self, name: str, password: str) -> None:
        """Makes a sign-in, or gives an existing one a new password."""
        ...


@runtime_checkable
class KeepsAgents(SignsIn, Protocol):
    """Can say who may sign in, and take a sign-in away."""

    async def agents(self) -> Sequence[str]:
        """Their names, in order."""
        ...

    async def remove_agent(self, name: str) -> None:
        """Ends a sign-in and all that is open with it. Raises ValueError, which says why that cannot be."""
        ...


@runtime_checkable
class Invites(Protocol):
    """Can call a customer back after the window closed, with a template they consented to."""

    def invitation(self, template: str, context: RenderContext) -> Step: ...


@runtime_checkable
class Embeds(Protocol):
    """Has something to paste into the shop's own pages that opens the chat (a button, a script). `origin` is what it is
    to say of the way in, `page` the page that the customer's first card shows, or "".
    """

    @classmethod
    def button(cls, origin: str, page: str) -> str: ...


@runtime_checkable
class KnowsFields(Protocol):
    """Can say which of the things that a route names (group, brand, tags, priority, custom fields) the vendor does not
    have, each with its name: `group Finance`. A tag that the first ticket makes is there; one that cannot be written
    as it is named is not. Asks the vendor, and changes nothing.
    """

    async def unknown_fields(self, fields: Mapping[str, Any]) -> Sequence[str]: ...


@runtime_checkable
class ShowsAllowance(Protocol):
    """Can show on a ticket how many replies are left and until when, by tags or custom fields.

    `labels` is pure and gives one step for `deliver`, or None where there is nothing to show it with. The step is
    idempotent, has the audience `AGENTS`, and must neither reopen the ticket nor notify anybody. It has a lane of its
    own, so that it never delays what people say; a later one replaces one that was not sent yet. A ticket that takes
    no changes (`Gone`) is left as it is.
    """

    def labels(self, labels: Labels, context: RenderContext) -> Step | None: ...

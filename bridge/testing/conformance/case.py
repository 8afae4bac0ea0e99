"""What the author of a connector fills in, and which tests follow from what the connector is."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from bridge.contract import Audience, AuthorKind, Connector, ConnectorError, Media, Raw, Role, Scope
from bridge.testing.clock import VirtualClock
from bridge.testing.conformance.harness import Harness, Hook, serve_routes
from bridge.testing.conformance.purity import make_isolated_account
from bridge.testing.faults import Trouble
from bridge.testing.rig import lend_account
from bridge.testing.simulator import Simulator

ACCOUNT = "trial"


@dataclass(frozen=True, slots=True)
class Refusal:
    """How the vendor says no, and what the connector makes of it: an error of the class `expect` or a narrower one.

    `attempts` is how often the vendor says it in a row (a connector may try once more with a fresh token). `scope`:
    what it is about, and so what rests because of it; None: what errors of that class are about.
    """

    name: str
    expect: type[ConnectorError]
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    attempts: int = 5
    scope: Scope | None = None


def raws_in(folder: Path, *, keys: Callable[[Path], str] = lambda path: path.stem) -> tuple[Raw, ...]:
    """The files of a folder as raws. Fails for an empty one: it would test nothing."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if not files:
        raise FileNotFoundError(f"no samples in {folder}")
    return tuple(Raw(key=keys(path), payload=path.read_bytes()) for path in files)


TestT = TypeVar("TestT", bound=Callable[..., Any])


def applies(condition: "Callable[[type[ConnectorCase]], bool]") -> Callable[[TestT], TestT]:
    """The test exists only for classes that meet the condition."""

    def mark(test: TestT) -> TestT:
        test.__dict__["applies"] = condition
        return test

    return mark


def needs(hook: str, condition: "Callable[[type[ConnectorCase]], bool]" = lambda _: True) -> Callable[[TestT], TestT]:
    """The test exists for classes that meet the condition; one that lacks the hook has this rule unproven."""

    def mark(test: TestT) -> TestT:
        test.__dict__["applies"] = condition
        test.__dict__["needs"] = hook
        return test

    return mark


def offers(protocol: type) -> "Callable[[type[ConnectorCase]], bool]":
    """The connector implements an optional protocol."""
    return lambda case: issubclass(case.connector, protocol)


class ConnectorCase:
    """Attributes and methods for the author. Those that raise NotImplementedError must be given."""

    connector: ClassVar[type[Connector[Any]]]
    role: ClassVar[Role]  # only needed where the connector has two
    simulator: ClassVar[type[Simulator] | None] = None  # None: there is no vendor, the connector serves people itself
    takes_callbacks: ClassVar[bool] = True  # False: whoever calls `/hooks/{account}` is refused
    grants_rights: ClassVar[bool] = True  # False: the vendor knows no rights that working credentials could lack
    tickets_end: ClassVar[bool] = True  # False: a desk whose conversations know no end
    effect: ClassVar[str] = "POST "  # the request that makes the visible effect: "METHOD /path", a regular expression
    uploads: ClassVar[str] = ""  # the request that brings a file, where it is another one than `effect`
    troubles: ClassVar[tuple[Trouble, ...]] = tuple(Trouble)  # what can befall that request
    refusals: ClassVar[Sequence[Refusal]] = ()
    samples: ClassVar[Sequence[Raw]] = ()  # payloads as the vendor's documentation or a live account gave them

    shrinks: ClassVar[bool] = True  # False: the first example that fails will do, as it came
    cannot_show: ClassVar[Mapping[str, str]] = {}  # a hook that cannot be given, and why
    unproven: ClassVar[Mapping[str, str]] = {}  # tests that are not collected because their hook is missing

    pytestmark: ClassVar[Any] = pytest.mark.anyio

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if getattr(cls, "connector", None) is None:
            return
        if not hasattr(cls, "role"):
            if len(cls.connector.roles) > 1:
                return  # a common base; its subclasses name the role
            (cls.role,) = cls.connector.roles
        for name in dir(cls):
            marks = getattr(getattr(cls, name), "__dict__", {})
            condition, hook = marks.get("applies"), marks.get("needs")
            if condition is not None and not condition(cls):
                setattr(cls, name, None)  # pytest collects functions only
            elif hook is not None and not cls.has_hook(hook):
                cls.unproven = {**cls.unproven, name: hook}
                setattr(cls, name, None)

    def make_vendor(self, clock: VirtualClock, hook_url: str) -> Any:
        """A simulator on `clock` that sends its callbacks to `hook_url`. None without a vendor."""
        if self.simulator is None:
            return None
        vendor: Any = self.simulator(clock=clock)
        if hasattr(vendor, "hook_url"):
            vendor.hook_url = hook_url
        return vendor

    def settings(self, vendor: Any) -> dict[str, Any]:
        """The account's keys. Secrets have at least 8 characters, so that they can be searched for."""
        if vendor is None:
            raise NotImplementedError("return the keys of an account")
        settings: dict[str, Any] = vendor.settings()
        return settings

    def wrong_settings(self, vendor: Any) -> dict[str, Any]:
        """Settings that are well-formed but whose credentials the vendor refuses. Needed with a vendor."""
        raise NotImplementedError("return settings whose credentials the vendor refuses")

    async def take_rights(self, harness: Harness) -> None:
        """Makes the credentials powerless: still valid, but not allowed to do what the connector needs."""
        raise NotImplementedError("take the rights away at the vendor, or set grants_rights = False")

    async def open_conversation(self, harness: Harness) -> str:
        """The id of a conversation at the vendor in which something can be said now (an open window, a ticket)."""
        raise NotImplementedError("start a conversation at the vendor and return its id")

    async def happens(self, harness: Harness, text: str) -> None:
        """Somebody at the vendor says `text`: a customer at a channel, an agent (publicly) at a desk.

        The vendor's callback goes to `harness.hook_url`; a connector that serves people is called by `harness.served`.
        """
        raise NotImplementedError("let somebody say the text at the vendor")

    async def shown(self, harness: Harness) -> list[str]:
        """What people at the vendor can read, oldest first: one entry per message, as plain text."""
        raise NotImplementedError("return the messages that people at the vendor see")

    async def finishes(self, harness: Harness, conversation: str) -> None:
        """An agent solves a ticket, and nothing at the vendor opens it again by itself. Needed by desks."""
        raise NotImplementedError("let an agent solve the ticket, or set tickets_end = False")

    async def is_open(self, harness: Harness, conversation: str) -> bool:
        """Whether agents see the ticket among those that need them. Needed by desks."""
        raise NotImplementedError("say whether the ticket is open, or set tickets_end = False")

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        """Somebody at the vendor says something with a meaning and without words: a picture of another host, a place, a
        sticker, a file. What must be read of it (an address, a name). Every vendor has something like it.
        """
        raise NotImplementedError("let somebody say something without words, and return what must be read of it")

    async def listening(self, harness: Harness) -> None:
        """Returns once a listener that was just started hears what happens. Needed by `Listens` without history."""

    async def put_file(self, harness: Harness, data: bytes) -> Media:
        """The vendor holds a file; the reference to it as `normalise` would make it. Needed by `Fetches`."""
        raise NotImplementedError("put a file at the vendor and return its Media")

    # What the suite cannot see by itself. A hook that is not given leaves its rules unproven, which is reported.

    async def says(self, harness: Harness, conversation: str, text: str) -> None:
        """Somebody at the vendor says `text` in this conversation, as `happens` does in any."""
        raise NotImplementedError

    async def says_privately(self, harness: Harness, conversation: str, text: str) -> None:
        """An agent writes a private note on a ticket, which no customer may see."""
        raise NotImplementedError

    async def audience_of(self, harness: Harness, text: str) -> Audience:
        """Who can read the message with this text at the vendor."""
        raise NotImplementedError

    async def author_of(self, harness: Harness, text: str) -> AuthorKind:
        """Whose message this is, as the vendor shows it."""
        raise NotImplementedError

    async def retries(self, harness: Harness, conversation: str, text: str) -> None:
        """An agent sends the message with this text, which failed, once more by the vendor's own button. Where there is
        none, leave it out: nothing is unproven then.
        """
        raise NotImplementedError

    async def sends_file(self, harness: Harness, conversation: str, data: bytes) -> None:
        """Somebody at the vendor sends a file in this conversation."""
        raise NotImplementedError

    async def files_shown(self, harness: Harness) -> list[bytes]:
        """The files that people at the vendor can open."""
        raise NotImplementedError

    async def gives_to_another(self, harness: Harness, conversation: str) -> None:
        """An agent makes another customer the one whose ticket it is, who was nobody's before."""
        raise NotImplementedError

    @classmethod
    def has_hook(cls, name: str) -> bool:
        """Whether the author gave this hook."""
        return getattr(cls, name) is not getattr(ConnectorCase, name)

    async def arm(self, harness: Harness, trouble: Trouble, **options: Any) -> None:
        """The next request that makes an effect meets this trouble."""
        harness.vendor.faults.add(trouble, self.effect, **options)

    def disarm(self, harness: Harness) -> None:
        """No more trouble."""
        harness.vendor.faults.clear()

    async def times(self, harness: Harness, text: str) -> int:
        """How many messages that people see contain the text."""
        return sum(text in seen for seen in await self.shown(harness))

    # Fixtures

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    async def harness(self) -> AsyncIterator[Harness]:
        async with self.staged() as harness:
            yield harness

    @asynccontextmanager
    async def staged(self, *, timeout: float = 10.0) -> AsyncIterator[Harness]:
        """Everything started: the vendor, the address for callbacks, the connector."""
        clock = VirtualClock()
        hook = Hook(ACCOUNT, clock)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(hook)
            vendor = self.make_vendor(clock, hook.base)
            if vendor is not None:
                await stack.enter_async_context(vendor)
            settings = self.settings(vendor)
            account = await stack.enter_async_context(
                lend_account(ACCOUNT, home=str(settings.get("api_base", "")), clock=clock, timeout=timeout)
            )
            connector = self.connector(self.connector.Config.model_validate(settings), account)
            harness = hook.harness = Harness(clock, account, connector, vendor, hook.base)
            harness.served = await stack.enter_async_context(serve_routes(harness))
            yield harness

    def isolated(self) -> Connector[Any]:
        """A connector whose account cannot be touched: for what has to be pure."""
        settings = self.settings(self.make_vendor(VirtualClock(), "http://127.0.0.1:9/hooks/trial"))
        return self.connector(self.connector.Config.model_validate(settings), make_isolated_account(ACCOUNT))

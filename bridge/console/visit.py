"""One request of somebody who is signed in: who asks, what the form says, and how to answer."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bridge.console import pages
from bridge.console.menu import menu_of
from bridge.console.texts import catalogue, say
from bridge.console.users import Session
from bridge.contract import StoreDown
from bridge.engine.context import Runtime, Work
from bridge.web.bodies import form_of, whole_body
from mappings import state
from mappings.store import Store, Tx

if TYPE_CHECKING:
    from bridge.app import Bridge
    from bridge.console.live import Live
    from bridge.console.users import Users
    from bridge.console.views.overview import Snapshot

P = ParamSpec("P")
T = TypeVar("T")
_PATIENCE = 5.0  # seconds for a transaction
_LARGEST = 256 * 1024  # bytes of a form
_FIELDS = 1000


class NotFound(Exception):
    """There is nothing under this address (any more)."""


class Refused(Exception):
    """What was asked is not done; `text` of the catalogue says why."""

    def __init__(self, text: str, status: int = 409, **values: Any) -> None:
        super().__init__(text)
        self.text, self.status, self.values = text, status, values


@dataclass(slots=True)
class Desk:
    """What all views share: the bridge, who signs in, who listens."""

    bridge: "Bridge"
    users: "Users"
    live: "Live"
    snapshot: "Snapshot"

    @property
    def store(self) -> Store:
        return self.bridge.store

    @property
    def runtime(self) -> Runtime:
        return self.bridge.runtime


@dataclass(slots=True)
class Visit:
    """A request, its session, its form."""

    desk: Desk
    request: Request
    session: Session
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def language(self) -> str:
        return self.session.language

    @property
    def now(self) -> datetime:
        return self.desk.bridge.clock()

    @property
    def who(self) -> str:
        """As the audit names this one."""
        return f"console: {self.session.shown}"

    def say(self, key: str, **values: Any) -> str:
        """A text in this one's language."""
        return say(self.language, key, **values)

    def asked(self, name: str, otherwise: str = "") -> str:
        """A parameter of the address, cleaned of what cannot be stored."""
        return self.request.query_params.get(name, otherwise).replace("\x00", "").strip()[:200]

    def number(self, name: str = "id") -> int:
        """A number of the path. Raises NotFound."""
        text = str(self.request.path_params[name])
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise NotFound
        return int(text)

    async def read(self, function: Callable[Concatenate[Tx, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Runs a query."""
        return await self.desk.store.read(function, *arguments, **named)

    async def act(self, what: str, detail: str, function: Callable[[Work], T]) -> T:
        """One change with its audit row, in one transaction; wakes whom it concerns and tells the other consoles.

        `what` is "" for a function that writes the row itself.
        """
        engine = self.desk.bridge.engine
        assert engine is not None  # pages are served while it runs
        who, turn = self.who, _Turn()

        def change(work: Work) -> T:
            if turn.over:
                raise StoreDown("nobody waits for it any more")
            turn.begun = True
            result = function(work)
            if what:
                state.add_audit(work.tx, who, what, detail, work.now)
            return result

        result = await _in_time(engine.act(change), turn)
        self.desk.live.nudge()
        return result

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page in the layout."""
        said = self.asked("said")
        known = said in catalogue() and said.startswith("said.")
        count = self.asked("n")
        here = self.request.scope["path"]
        return pages.page(
            template,
            self.language,
            status=status,
            theme=self.session.theme,
            session=self.session,
            menu=menu_of(self.session),
            here=here,
            address=here + (f"?{self.request.url.query}" if self.request.url.query else ""),
            said=self.say(said, n=count if count.isdigit() else "") if known else "",
            stuck=self.desk.bridge.engine is not None and not self.desk.bridge.engine.commits,
            now=self.now,
            **values,
        )

    def back(self, path: str, said: str = "", n: int | None = None) -> Response:
        """To a page of the console, after something was done there."""
        more = {"said": f"said.{said}"} if said else {}
        if n is not None:
            more["n"] = str(n)
        joined = "&" if "?" in path else "?"
        return RedirectResponse(path + (joined + urlencode(more) if more else ""), 303)


@dataclass(slots=True)
class _Turn:
    """Whether an act has begun in its transaction, and whether nobody waits for it any more."""

    begun: bool = False
    over: bool = False


async def _in_time(act: Coroutine[Any, Any, T], turn: _Turn) -> T:
    """The act's value. While the database takes no writes it is given up, and does not happen later by itself."""
    task = asyncio.create_task(act)
    task.add_done_callback(_seen)
    await asyncio.wait({task}, timeout=_PATIENCE)
    if not task.done():
        turn.over = True
        if not turn.begun:
            raise StoreDown("the database takes no writes")
        await asyncio.wait({task}, timeout=_PATIENCE)  # it is being committed
        if not task.done():
            raise Refused("error.unknown", 503)
    return task.result()


def _seen(task: asyncio.Task[Any]) -> None:
    """What became of an act that nobody waited for is nobody's news."""
    if not task.cancelled():
        task.exception()


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; of a name given twice the last one, and no files. Raises Refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused("error.form", 415)
    body = await whole_body(request, _LARGEST)
    if body is None:
        raise Refused("error.form", 413)
    found = form_of(body, _FIELDS)
    if found is None:
        raise Refused("error.form", 400)
    return found


def safe_next(path: str) -> str:
    """Where to go after the sign-in: a page of ours, else the overview."""
    inside = path.startswith("/console/") and "//" not in path and "\\" not in path and path.isprintable()
    return quote(path, safe="/?&=%:+-_.~,@") if inside and len(path) < 500 else "/console/overview"

"""Who may do what in a simulated RT."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from connectors.rt.simulator.shapes import error

Handler = Callable[[Request, str], Awaitable[Response]]
Guarded = Callable[[Handler], Callable[[Request], Awaitable[Response]]]


class Users:
    """`tokens` is token → name. `blind` see no queue, `readers` may look but not write, `deaf` see no comments, `seers`
    see all queues and the others only one.
    """

    def __init__(self, tokens: dict[str, str], queue: str) -> None:
        self.tokens = tokens
        self.numbers = {"31": "bridge", "33": "agent"}
        self.blind: set[str] = set()
        self.readers: set[str] = set()
        self.deaf: set[str] = set()
        self.seers = {"agent"}
        self._queue = queue

    def sees(self, user: str, queue: str) -> bool:
        return user not in self.blind and (queue == self._queue or user in self.seers)

    def hidden(self, user: str) -> set[str]:
        """Types of transactions that are taken out of lists."""
        return {"EmailRecord", "Comment"} if user in self.deaf else {"EmailRecord"}

    def guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Knows the user by the token, or answers as RT does."""

        async def serve(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            user = self.tokens.get(token.strip()) if scheme.lower() == "token" else None
            return await handler(request, user) if user is not None else error(401, "Unauthorized")

        return serve

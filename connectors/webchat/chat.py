"""What visitors' browsers call: `/chat/{account}/…`."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bridge.contract import Persist
from connectors.webchat import pages
from connectors.webchat.arrival import Arrival
from connectors.webchat.office import Office
from connectors.webchat.talk import MAX_FILES, Talk
from connectors.webchat.text import MAX_TEXT
from connectors.webchat.web import Handler, answering, preflight


class Chat:
    """Pages, and the table of everything else."""

    def __init__(self, office: Office, persist: Persist) -> None:
        self._office = office
        self._arrival = Arrival(office, persist)
        self._talk = Talk(office, self._arrival, persist)

    def routes(self) -> Sequence[BaseRoute]:
        """All routes, with their full paths."""
        base, admits = f"/chat/{self._office.account.name}", self._office.door.admits
        arrival, talk = self._arrival, self._talk
        table: tuple[tuple[str, str, Handler], ...] = (
            ("GET", "/v1/config", self.give_config),
            ("POST", "/v1/sessions", arrival.begin),
            ("DELETE", "/v1/sessions", arrival.end),
            ("POST", "/v1/identify", arrival.identify),
            ("POST", "/v1/profile", arrival.profile),
            ("GET", "/v1/events", talk.events),
            ("GET", "/v1/messages", talk.history),
            ("POST", "/v1/messages", talk.say),
            ("POST", "/v1/uploads", talk.upload),
            ("POST", "/v1/receipts", talk.receipts),
            ("POST", "/v1/typing", talk.typing),
            ("POST", "/v1/close", talk.close),
            ("GET", "/v1/badge", talk.badge),
        )
        paths = dict.fromkeys(path for _, path, _ in table)
        return [
            *(Route(base + path, answering(handler, admits), methods=[method]) for method, path, handler in table),
            *(Route(base + path, answering(_preflight, admits), methods=["OPTIONS"]) for path in paths),
            Route(base + "/loader.js", self.loader, methods=["GET"]),
            Route(base + "/static/{name}", self.static, methods=["GET"]),
            Route(base + "/frame", self.frame, methods=["GET"]),
            Route(base + "/", self.page, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """The chat as a page of its own: no frame, good for a phone's web view."""
        return pages.page(request, "panel.html", {"config": self._facts() | {"page": True}}, frame_ancestors="'none'")

    async def frame(self, request: Request) -> Response:
        """The chat inside another site's page: only of those that are allowed."""
        ancestors = " ".join(("'self'", *self._office.config.allowed_origins))
        return pages.page(request, "panel.html", {"config": self._facts()}, frame_ancestors=ancestors)

    async def loader(self, request: Request) -> Response:
        """The one script that a site includes."""
        colour = self._office.config.colour
        values = {"account": self._office.account.name, "colour": colour, "ink": pages.ink_on(colour)}
        return pages.loader(request, values)

    async def static(self, request: Request) -> Response:
        """Scripts and styles."""
        return pages.asset(request, request.path_params["name"])

    async def give_config(self, request: Request) -> Response:
        return JSONResponse(self._facts(), headers={"cache-control": "public, max-age=60"})

    def _facts(self) -> dict[str, Any]:
        config = self._office.config
        return {
            "account": self._office.account.name,
            "title": config.title,
            "colour": config.colour,
            "prechat": list(config.prechat),
            "identity": config.identity,
            "origins": list(config.allowed_origins),
            "limits": {"text": MAX_TEXT, "file": config.max_file, "files": MAX_FILES},
        }


async def _preflight(_request: Request) -> Response:
    return preflight()

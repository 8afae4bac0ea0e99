"""Uploads and attachments of a simulated Zendesk, and the other host to which downloads are redirected."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bridge.testing.simulator import Simulator
from connectors.zendesk.simulator.gate import Gate
from connectors.zendesk.simulator.rest import Rest
from connectors.zendesk.simulator.state import Attachment, Refuse, State, User, not_found
from connectors.zendesk.simulator.views import Views

_LIVES = timedelta(minutes=60)


class FileHost(Simulator):
    """Where the bytes really are. It refuses whoever sends credentials meant for Zendesk."""

    def __init__(self, state: State, clock: Callable[[], datetime]) -> None:
        super().__init__(clock=clock)
        self._state = state
        self.leaked: list[str] = []
        self.app = Starlette(routes=[Route("/system/{token}", self._serve)])

    def settings(self) -> dict[str, Any]:
        return {}

    async def _serve(self, request: Request) -> Response:
        if "authorization" in request.headers:
            self.leaked.append(request.headers["authorization"])
            return Response("<Error><Code>InvalidArgument</Code></Error>", 400, media_type="application/xml")
        found = self._state.attachments.get(request.path_params["token"])
        if found is None:
            return Response(status_code=404)
        return Response(found.data, media_type=found.mime)


class Files:
    """`private` is the account's setting "private attachments"; `refused` are endings its admins do not want."""

    def __init__(self, state: State, views: Views, gate: Gate, host: FileHost) -> None:
        self._state = state
        self._views = views
        self._gate = gate
        self._host = host
        self.private = True
        self.refused: set[str] = set()
        self.largest = 50 * 2**20

    def routes(self, rest: Rest) -> list[Route]:
        return [
            Route("/api/v2/uploads", rest.guarded(self._upload), methods=["POST"]),
            Route("/api/v2/uploads/{token}", rest.guarded(self._forget), methods=["DELETE"]),
            Route("/api/v2/attachments/{id:int}", rest.guarded(self._attachment)),
            Route("/attachments/token/{token}/", self._download),
        ]

    def add(self, name: str, mime: str, data: bytes, *, inline: bool = False, scan: str = "not_scanned") -> Attachment:
        made = Attachment(self._state.next_id(), name, mime, data, uuid4().hex, inline=inline, scan=scan)
        self._state.attachments[made.token] = made
        return made

    async def _upload(self, request: Request, _user: User) -> Response:
        name = request.query_params.get("filename")
        data = await request.body()
        if not name:
            raise Refuse(400, {"error": "ParameterMissing", "description": "filename is missing"})
        if len(data) > self.largest:
            raise Refuse(413, {"error": "AttachmentTooLarge", "description": "The file is too large"})
        if name.rpartition(".")[2].lower() in self.refused:
            raise Refuse(422, {"error": "AttachmentUnprocessable", "description": "File type not allowed"})
        token = request.query_params.get("token") or f"UPLOADTOKEN{uuid4().hex}"
        files, _ = self._state.uploads.get(token, ([], self._state.clock()))
        made = self.add(name, request.headers.get("content-type", "application/octet-stream"), data)
        files.append(made)
        self._state.uploads[token] = (files, self._state.clock() + _LIVES)
        rows = [self._views.attachment(file) for file in files]
        until = f"{self._state.clock() + timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"
        upload = {"token": token, "expires_at": until, "attachments": rows, "attachment": rows[-1]}
        answer = JSONResponse({"upload": upload}, 201, {"location": rows[-1]["url"]})
        answer.headers["content-type"] = "text/plain; charset=utf-8"  # as recorded
        return answer

    async def _forget(self, request: Request, _user: User) -> Response:
        if self._state.uploads.pop(request.path_params["token"], None) is None:
            raise not_found()
        return Response(status_code=204)

    async def _attachment(self, request: Request, _user: User) -> Response:
        wanted = request.path_params["id"]
        found = next((file for file in self._state.attachments.values() if file.id == wanted), None)
        if found is None:
            raise not_found()
        return JSONResponse({"attachment": self._views.attachment(found)})

    async def _download(self, request: Request) -> Response:
        """302 to another host; with private attachments only for those who are logged in."""
        found = self._state.attachments.get(request.path_params["token"])
        try:
            user = self._gate.user(request)
        except Refuse as error:
            return JSONResponse(error.body, error.status)
        if found is None or found.deleted:
            return Response("<html>not found</html>", 404, media_type="text/html")
        if self.private and user is None:
            return Response("<html>sign in</html>", 401, media_type="text/html")
        if found.scan == "malware_found":
            return Response("<html>malware</html>", 403, media_type="text/html")
        return RedirectResponse(f"{self._host.origin}/system/{found.token}", 302)

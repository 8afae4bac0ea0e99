"""Where a simulated Freshdesk keeps attachments: a host of its own that answers pre-signed addresses only."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.testing.simulator import Simulator
from connectors.freshdesk.simulator.state import Attachment

_KEY = b"simulated-storage"


class Storage(Simulator):
    """An address is good for `valid`; with an Authorization header storage answers 400, as S3 does."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(clock=clock)
        self.valid = timedelta(minutes=5)
        self.asked: list[dict[str, str]] = []  # the headers of each request
        self._files: dict[int, Attachment] = {}
        self.app = Starlette(routes=[Route("/data/{id:int}/{name:path}", self._get)])

    def settings(self) -> dict[str, Any]:
        return {}

    def address(self, file: Attachment) -> str:
        """A fresh address of a file."""
        self._files[file.id] = file
        until = int((self.clock() + self.valid).timestamp())
        path = f"/data/{file.id}/{quote(file.name, safe='')}"
        return f"{self.origin}{path}?Expires={until}&Signature={_sign(file.id, until)}"

    async def _get(self, request: Request) -> Response:
        self.asked.append(dict(request.headers))
        if "authorization" in request.headers:
            return Response("<Error><Code>InvalidArgument</Code></Error>", 400, media_type="application/xml")
        number, until = request.path_params["id"], request.query_params.get("Expires", "")
        good = until.isdigit() and hmac.compare_digest(
            _sign(number, int(until)), request.query_params.get("Signature", "")
        )
        file = self._files.get(number)
        if not good or file is None or int(until) < self.clock().timestamp():
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        return Response(file.data, media_type=file.mime or "application/octet-stream")


def _sign(number: int, until: int) -> str:
    return hmac.new(_KEY, f"{number}.{until}".encode(), hashlib.sha256).hexdigest()[:32]

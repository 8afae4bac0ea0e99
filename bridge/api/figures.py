"""`GET /api/figures` and `GET /api/figures/{what}`: the figures, and the rows of which they are made, for BI tools."""

import hashlib
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from bridge.api.access import Refusal
from bridge.engine.context import Runtime
from bridge.figures import export
from bridge.figures.period import Period, period, zone_of
from bridge.figures.report import BY, read_report
from mappings.store import Store

PATH = "/api/figures"


class FiguresApi:
    """The two addresses."""

    def __init__(self, runtime: Runtime, store: Store) -> None:
        self._runtime, self._store = runtime, store

    async def show(self, request: Request) -> Response:
        """`?since=&until=&by=`: as `bridge figures --json`."""
        by = request.query_params.get("by", "")
        if by and by not in BY:
            raise Refusal(422, f"by: is none of {', '.join(BY)}")
        asked = self._period(request, hours=by == "hour")
        return JSONResponse(await self._store.read(read_report, asked, self._runtime.now(), by))

    async def stream(self, request: Request) -> Response:
        """`?since=&until=&format=csv|jsonl`: as `bridge figures export`, streamed."""
        what, form = str(request.path_params["what"]), request.query_params.get("format", "csv")
        if what not in export.WHAT:
            raise Refusal(404, f"there are {', '.join(export.WHAT)}")
        if form not in export.FORMATS:
            raise Refusal(422, f"format: is none of {', '.join(export.FORMATS)}")
        asked = export.wanted(self._runtime.settings, what, form, self._period(request))
        first, after = await self._store.read(export.page, asked, 0)
        headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{what}.{form}"'}
        if after < 0:  # all of it is here: then it has a name of its own
            body = (export.header(asked) + first).encode()
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            if request.headers.get("if-none-match") == tag:
                return Response(status_code=304, headers={"etag": tag})
            return Response(body, headers={**headers, "etag": tag}, media_type=export.FORMATS[form])
        pieces = self._pieces(asked, first, after)
        return StreamingResponse(pieces, headers=headers, media_type=export.FORMATS[form])

    async def _pieces(self, asked: export.Wanted, text: str, after: int) -> AsyncIterator[bytes]:
        yield (export.header(asked) + text).encode()
        while after >= 0:
            text, after = await self._store.read(export.page, asked, after)
            yield text.encode()

    def _period(self, request: Request, *, hours: bool = False) -> Period:
        given = request.query_params
        try:
            return period(
                given.get("since", "")[:40],
                given.get("until", "")[:40],
                zone_of(self._runtime.settings),
                self._runtime.now(),
                hours=hours,
            )
        except ValueError as error:
            raise Refusal(422, str(error).replace("--", "")) from None

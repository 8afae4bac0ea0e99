"""`/media/{token}`: what a customer gets who follows a link to an agent's file. Never executed as a page."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from bridge.contract import Media
from bridge.contract.phrases import file_name
from bridge.services.media import MediaFiles
from mappings import media
from mappings.store import Store

_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "private, max-age=3600",
}
_NEVER = ("text/html", "image/svg", "application/xhtml", "text/xml", "application/xml", "application/javascript")


class Files:
    """Gives out files by their signed links."""

    def __init__(self, store: Store, files: MediaFiles) -> None:
        self._store = store
        self._files = files

    async def give(self, request: Request) -> Response:
        """The file, or 404 whatever is wrong with the link."""
        digest = self._files.open_link(request.path_params["token"])
        facts = await self._store.read(media.file_facts, digest) if digest else None
        path = self._files.folder.path(digest) if digest and facts is not None else None
        if path is None or facts is None:
            return PlainTextResponse("not found", 404, _HEADERS)
        try:
            found = path.exists()
        except OSError:  # this machine cannot look; /readyz says why
            return PlainTextResponse("try again later", 503, _HEADERS | {"retry-after": "30"})
        if not found:
            return PlainTextResponse("not found", 404, _HEADERS)
        mime = facts.mime or "application/octet-stream"
        if mime.startswith(_NEVER):
            mime = "application/octet-stream"
        name = file_name(Media(account="", id=digest or "", sha256=digest or "", name=facts.name, mime=mime))
        plain = "".join(
            letter if letter.isascii() and letter.isprintable() and letter not in '"\\' else "_" for letter in name
        )
        disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
        return FileResponse(path, media_type=mime, headers={**_HEADERS, "content-disposition": disposition})

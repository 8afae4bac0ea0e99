"""`/media/{token}`: what a customer gets who follows a link to an agent's file. Never executed as a page."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

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

    def __init__(self, store: Store, folder: MediaFiles) -> None:
        self._store = store
        self._folder = folder

    async def give(self, request: Request) -> Response:
        """The file, or 404 whatever is wrong with the link."""
        digest = self._folder.open_link(request.path_params["token"])
        facts = await self._store.read(media.file_facts, digest) if digest else None
        path = self._folder.path(digest) if digest and facts is not None else None
        if path is None or facts is None or not path.exists():
            return PlainTextResponse("not found", 404, _HEADERS)
        mime = facts.mime or "application/octet-stream"
        if mime.startswith(_NEVER):
            mime = "application/octet-stream"
        name = facts.name or f"file-{path.name[:8]}"
        plain = "".join(
            letter if letter.isascii() and letter.isprintable() and letter not in '"\\' else "_" for letter in name
        )
        disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
        return FileResponse(path, media_type=mime, headers={**_HEADERS, "content-disposition": disposition})

"""Files people exchanged: `file` records name them, the media store has the bytes."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from bridge.contract import Account, Media, Put, Rejected, Retryable, Step, StoreDown
from connectors.webchat.signatures import Signatures
from connectors.webchat.text import clean_name
from connectors.webchat.uploads import accept, fitting_name, kind_of
from connectors.webchat.web import Refusal, read_body

_SHOWN = {"image/jpeg", "image/png", "image/gif", "image/webp"}
_PLAYED = {"audio/mpeg", "audio/ogg", "audio/wav", "audio/mp4", "video/mp4", "video/webm"}
_NEVER = ("text/html", "image/svg", "application/xhtml", "text/xml", "application/xml", "application/javascript")


def records_of(step: Step, key: str) -> tuple[list[Put], list[dict[str, Any]], list[dict[str, Any]]]:
    """A step's files as records, and its attachments and cards as they are stored in a stream."""
    kinds = {entry["place"]: entry["kind"] for entry in step.body.get("files", ())}
    puts, names = [], []
    for place, media in enumerate(step.media):
        name = f"{key}-{place}"
        puts.append(Put("file", name, {"media": media.model_dump(mode="json", exclude={"url"})}))
        names.append(attachment(name, media, kinds.get(place, "image")))
    attachments = [names[place] for place in kinds]
    cards = [
        {**card, "thumb": names[card["thumb"]]["id"]} if "thumb" in card else dict(card)
        for card in step.body.get("cards", ())
    ]
    return puts, attachments, cards


def attachment(name: str, media: Media, kind: str = "", *, width: int = 0, height: int = 0) -> dict[str, Any]:
    """A file as a stream stores it."""
    shown: dict[str, Any] = {
        "id": name,
        "name": clean_name(media.name) if media.name else "",
        "mime": media.mime,
        "size": media.size or 0,
        "kind": kind or kind_of(media.mime),
    }
    if width and height:
        shown |= {"w": width, "h": height}
    return shown


class Files:
    """Gives out files to whoever has a link that this account signed."""

    def __init__(self, account: Account, signatures: Signatures) -> None:
        self._account = account
        self._signatures = signatures

    def url(self, name: str) -> str:
        """A link that is good for at least a day, relative to the bridge's address."""
        query = self._signatures.file(name, self._account.now())
        return f"/chat/{self._account.name}/v1/files/{quote(name, safe='')}?{query}"

    def linked(self, entry: dict[str, Any]) -> dict[str, Any]:
        """An entry of a stream with links to its files."""
        found = dict(entry)
        if "attachments" in entry:
            found["attachments"] = [{**file, "url": self.url(file["id"])} for file in entry["attachments"]]
        if "cards" in entry:
            found["cards"] = [
                {**card, "thumb": self.url(card["thumb"])} if card.get("thumb") else card for card in entry["cards"]
            ]
        return found

    async def media(self, names: Sequence[str], owner: str) -> list[tuple[Media, dict[str, Any]]] | None:
        """Uploads by their names, if they all belong to `owner`."""
        found = []
        for name in names:
            row = await self._account.records.get("file", name)
            if row is None or row[0].get("owner") != owner:
                return None
            found.append((Media.model_validate(row[0]["media"]), row[0]["shown"]))
        return found

    async def answer(self, request: Request) -> Response:
        """A file, to whoever has its signed link."""
        query = request.query_params
        return await self.give(request.path_params["file"], query.get("e", ""), query.get("s", ""))

    async def give(self, name: str, until: str, mark: str) -> Response:
        """The file; 404 whatever is wrong."""
        headers = {
            "content-security-policy": "sandbox; default-src 'none'",
            "cross-origin-resource-policy": "same-origin",
            "cache-control": "private, max-age=3600",
        }
        row = None
        if self._signatures.opens(name, until, mark, self._account.now()):
            row = await self._account.records.get("file", name)
        if row is None:
            return Response("not found", 404, headers)
        media = Media.model_validate(row[0]["media"])
        try:
            data = await self._account.media.read(media)
        except Rejected:
            return Response("no longer kept", 404, headers)
        except Retryable:
            return Response("not now", 503, headers | {"retry-after": "30", "cache-control": "no-store"})
        mime = media.mime or "application/octet-stream"
        if mime.startswith(_NEVER):
            mime = "application/octet-stream"
        plain = clean_name(media.name)
        inline = mime in _SHOWN | _PLAYED
        ascii_name = "".join(letter if letter.isascii() and letter.isprintable() else "_" for letter in plain)
        how = "inline" if inline else "attachment"
        headers["content-disposition"] = f"{how}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(plain, safe='')}"
        return Response(data, media_type=mime, headers=headers)


async def take_upload(
    account: Account, request: Request, owner: str, limit: int, spend: Callable[[int], Awaitable[None]] | None = None
) -> dict[str, Any]:
    """Stores one file for `owner` and returns how it is shown. `spend` raises Refusal where a quota is used up."""
    data = await read_body(request, limit)
    upload = await accept(data)
    if spend:
        await spend(len(upload.data))
    given = clean_name(_decoded(request.headers.get("x-name", "")))
    try:
        media = await account.media.keep(upload.data, name=fitting_name(given, upload.mime), mime=upload.mime)
    except StoreDown:
        raise Refusal(503, "no_room", "Files cannot be taken at the moment. Text can.", wait=60) from None
    media = media.model_copy(update={"mime": upload.mime, "url": ""})
    name = f"u-{secrets.token_hex(12)}"
    shown = attachment(name, media, upload.kind, width=upload.width, height=upload.height)
    row = {"owner": owner, "media": media.model_dump(mode="json", exclude={"url"}), "shown": shown}
    await account.records.commit(Put("file", name, row))
    return shown


def _decoded(name: str) -> str:
    return unquote(name, errors="replace")

"""Downloading what agents attached.

Attachments may stand on another host, or redirect there: credentials stay with the account's own.
Source: https://developer.zendesk.com/documentation/api-basics/best-practices/working-with-url-properties/
"""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from bridge.contract import Gone, Media, Rejected
from connectors.zendesk.api import Api, id_of, path_id
from connectors.zendesk.settings import Settings

_TOKEN = "/attachments/token/"  # noqa: S105 # a path
_TOO_LARGE = "too large"


class Files:
    """The attachments of one account."""

    def __init__(self, config: Settings, api: Api) -> None:
        self._config = config
        self._api = api

    async def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        """The bytes of a file. An address that is out of date is asked for anew."""
        attachment, url = _read_id(media)
        refusal: Rejected | None = None
        tried: set[str] = set()
        for ask in (_same, self._fresh, self._at_home):
            address = await ask(attachment, url)
            if not address or address in tried:
                continue
            tried.add(address)
            begun = False
            try:
                async for chunk in self._api.download(address, limit):
                    begun = True
                    yield chunk
            except Rejected as error:
                if begun or error.code == _TOO_LARGE:
                    raise
                refusal = refusal or error
            else:
                return
        raise refusal or Rejected("the attachment has no address", code="no address")

    async def _fresh(self, attachment: str, _url: str) -> str:
        """Where the attachment is now, unless Zendesk found malware in it."""
        if not attachment:
            return ""
        try:
            found = (await self._api.get(f"/attachments/{path_id(attachment)}")).get("attachment")
        except (Gone, Rejected):
            return ""
        if not isinstance(found, dict):
            return ""
        if found.get("malware_scan_result") == "malware_found" and found.get("malware_access_override") is not True:
            raise Rejected("Zendesk found malware in the file", code="malware")
        return str(found.get("content_url") or "")

    async def _at_home(self, _attachment: str, url: str) -> str:
        """The same file under the address that takes our credentials: accounts have several host names."""
        parts = urlsplit(url)
        if not parts.path.startswith(_TOKEN):
            return ""
        return urljoin(self._config.root, parts._replace(scheme="", netloc="").geturl())


async def _same(_attachment: str, url: str) -> str:
    return url


def _read_id(media: Media) -> tuple[str, str]:
    try:
        found: Any = json.loads(media.id)
        return id_of(found.get("a")), str(found.get("u") or "")
    except (ValueError, AttributeError):
        raise Rejected("not an attachment of this account", code="no address") from None

"""Chatwoot's application API: requests, and objects out of its answers.

Source: https://developers.chatwoot.com/api-reference
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.contract import Account, Response, Retryable
from connectors.chatwoot.errors import failure
from connectors.chatwoot.settings import Settings

Found = dict[str, Any]
LINK_MARK = "bridge_link"  # the attribute by which a conversation of ours is known
OWNER_MARK = "bridge_contact"  # the same: whose it was when it was made
Upload = tuple[str, bytes, str]
"""(file name, bytes, MIME type)"""


class Api:
    """One account, one agent's token."""

    def __init__(self, config: Settings, account: Account) -> None:
        self._config = config
        self._account = account

    async def get(self, path: str, **params: Any) -> Found:
        """One object. Raises Gone when it is not there."""
        return _object(await self._send("GET", path, params=params))

    async def post(self, path: str, body: Mapping[str, Any], *, repeatable: bool = False) -> Found:
        return _object(await self._send("POST", path, json=body, repeatable=repeatable))

    async def patch(self, path: str, body: Mapping[str, Any]) -> Found:
        """Says the same however often it is said."""
        return _object(await self._send("PATCH", path, json=body, repeatable=True))

    async def put(self, path: str, body: Mapping[str, Any]) -> Found:
        return _object(await self._send("PUT", path, json=body, repeatable=True))

    async def upload(self, path: str, fields: Mapping[str, str], files: Sequence[Upload]) -> Found:
        """A form with files."""
        parts = [("attachments[]", file) for file in files]
        return _object(await self._send("POST", path, data=dict(fields), files=parts, timeout=60.0))

    async def installation(self) -> Found:
        """Version and state of the installation."""
        return _object(await self._request("GET", f"{self._config.api_base}/api", repeatable=True))

    async def profile(self) -> Found:
        """Whose token it is."""
        return _object(await self._request("GET", f"{self._config.api_base}/api/v1/profile", repeatable=True))

    async def _send(self, method: str, path: str, *, repeatable: bool = False, **content: Any) -> Response:
        return await self._request(
            method, f"{self._config.root}{path}", repeatable=repeatable or method == "GET", **content
        )

    async def _request(self, method: str, url: str, **content: Any) -> Response:
        headers = {"api_access_token": self._config.token.get_secret_value()}
        answer = await self._account.http.request(method, url, headers=headers, **content)
        if not answer.ok:
            raise failure(answer)
        return answer


def _object(answer: Response) -> Found:
    if not answer.body.strip():
        return {}
    found = answer.json()
    if isinstance(found, list):
        return {"payload": found}
    if not isinstance(found, dict):
        raise Retryable(f"{answer.where}: not an object", code="unexpected answer", certain=answer.safe)
    return found


def rows(found: Mapping[str, Any]) -> list[Found]:
    """The objects of a list, which stands under `payload`, in `data` now and then."""
    inside = found.get("data")
    listed = inside.get("payload") if isinstance(inside, dict) else found.get("payload")
    return [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []


def id_of(found: Any, name: str = "id") -> str:
    """An id as text, "" where there is none."""
    value = found.get(name) if isinstance(found, dict) else None
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) and str(value) else ""


def moment_of(value: Any) -> datetime | None:
    """Webhooks write ISO 8601, lists seconds."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        return datetime.fromisoformat(str(value)).astimezone(UTC) if value else None
    except (ValueError, OverflowError, OSError):
        return None


def changed_hands(conversation: Any) -> str:
    """The contact that a conversation of ours was made for, where it shows another one now: theirs was merged, or it is
    somebody else's. "" otherwise.
    """
    if not isinstance(conversation, dict):
        return ""
    attributes, place, meta = (conversation.get(name) for name in ("additional_attributes", "contact_inbox", "meta"))
    sender = meta.get("sender") if isinstance(meta, dict) else None
    owner = id_of(place, "contact_id") or id_of(sender)
    made_for = id_of(attributes, OWNER_MARK)
    return made_for if owner and made_for and made_for != owner else ""

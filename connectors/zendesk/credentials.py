"""Who the bridge is to Zendesk: an OAuth client with a stored, renewed token, or an e-mail with an API token.

Source: https://developer.zendesk.com/documentation/ticketing/working-with-oauth/creating-and-using-oauth-tokens-with-the-api/
"""

import base64
from datetime import timedelta
from typing import Any

from bridge.contract import Account, AuthFailed, Response, Token
from connectors.zendesk.errors import refusal, said_in
from connectors.zendesk.settings import Settings

_NAME = "oauth"
_REFUSED = frozenset({400, 401, 403})


class Credentials:
    """The `Authorization` of one account."""

    def __init__(self, config: Settings, account: Account) -> None:
        self._config = config
        self._account = account

    @property
    def renewable(self) -> bool:
        """Whether a refused credential may be replaced by a fresh one."""
        return self._config.uses_oauth

    async def header(self, *, refused: str = "") -> str:
        """The header's value. `refused` is the value that Zendesk just turned down."""
        if not self._config.uses_oauth:
            token = self._config.api_token.get_secret_value().strip()
            pair = f"{self._config.email.strip()}/token:{token}"
            return f"Basic {base64.b64encode(pair.encode()).decode()}"
        found = await self._account.tokens.get(_NAME, self._renew, refused=refused.removeprefix("Bearer "))
        return f"Bearer {found.value}"

    async def _renew(self, _old: Token | None) -> Token:
        """A `client_credentials` grant: no refresh token is issued, the grant is simply made again."""
        wanted = {
            "grant_type": "client_credentials",
            "client_id": self._config.client_id.strip(),
            "client_secret": self._config.client_secret.get_secret_value().strip(),
            "scope": self._config.scope,
            "expires_in": int(self._config.token_lifetime.total_seconds()),
        }
        url = f"{self._config.root}/oauth/tokens"
        answer = await self._account.http.request("POST", url, json=wanted, repeatable=True)
        if not answer.ok:
            raise _grant_refused(answer)
        found = answer.json()
        value = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(value, str) or not value:
            raise AuthFailed(f"{answer.where}: the answer holds no access token", code="no token")
        return Token(value, self._end(found.get("expires_in")))

    def _end(self, seconds: Any) -> Any:
        """Tokens of older clients never end: `expires_in` is then null or absent."""
        try:
            lifetime = timedelta(seconds=float(seconds))
        except (TypeError, ValueError, OverflowError):
            return None
        return self._account.now() + lifetime


def _grant_refused(answer: Response) -> Exception:
    if answer.status not in _REFUSED:
        return refusal(answer)
    said = said_in(answer)
    remedy = (
        "the client may not have this scope; change `scope` or the client's scopes"
        if said.code == "invalid_scope"
        else "check client_id and client_secret (a confidential client is needed)"
    )
    return AuthFailed(f"{answer.where}: no token: {said.code or answer.status}; {remedy}", code=said.code or "oauth")

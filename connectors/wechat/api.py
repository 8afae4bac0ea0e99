"""Calls to the platform as this product makes them: its token, its codes, its films."""

from typing import Any
from urllib.parse import urlsplit

from bridge.contract import Account, Token
from connectors.tencent.answers import Result
from connectors.tencent.calls import EARLY, Calls
from connectors.wechat.codes import TOKEN_CODES, failure
from connectors.wechat.settings import Settings

_SEND_SECONDS = 8.0
_FORCED_APART = 60.0  # seconds; the platform allows a forced renewal every 30 s and 20 a day


class Api(Calls):
    """One account's calls. A code that is left out means that all went well."""

    failure = staticmethod(failure)
    token_codes = TOKEN_CODES
    missing = 0

    def __init__(self, settings: Settings, account: Account) -> None:
        super().__init__(account, settings.api_base, min(account.request_timeout, _SEND_SECONDS))
        self._settings = settings
        # Named by app id: after a change of AppID the stored token of the old one must not be used.
        self._token_name = f"access_token:{settings.app_id}"

    async def token(self, refused: str = "") -> str:
        """The shared token. `refused` is one that the platform just turned down."""

        async def renew(old: Token | None) -> Token:
            fresh = await self.ask_token()
            if not refused or fresh.value != refused:
                return fresh
            # The platform insists on a token that it refuses: force a new one, but never in a loop.
            now = self._account.now()
            forced = float(old.refresh) if old is not None and old.refresh else 0.0
            if now.timestamp() - forced < _FORCED_APART:
                raise failure(40001, "a token forced just now is refused again", "stable_token", now)
            fresh = await self.ask_token(force=True)
            return Token(fresh.value, fresh.expires_at, refresh=str(now.timestamp()))

        found = await self._account.tokens.get(self._token_name, renew, refused=refused, early=EARLY)
        return found.value

    async def ask_token(self, *, force: bool = False) -> Token:
        """Asks for the stable token: every process gets the same one, so that none kills another's.

        Source: https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
        """
        body: dict[str, Any] = {
            "grant_type": "client_credential",
            "appid": self._settings.app_id,
            "secret": self._settings.app_secret.get_secret_value(),
        }
        if force:
            body["force_refresh"] = True
        answer = await self._account.http.request(
            "POST", self._url("/cgi-bin/stable_token"), json=body, timeout=self._timeout, repeatable=True
        )
        return self._token_in(answer)

    def _elsewhere(self, result: Result) -> str:
        video = result.get("video_url")
        return _secure(video) if isinstance(video, str) and video else ""


def _secure(url: str) -> str:
    """Video links come as http now and then; only https is fetched from outside."""
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    return url if local or parts.scheme != "http" else parts._replace(scheme="https").geturl()

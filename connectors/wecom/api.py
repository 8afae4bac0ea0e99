"""Calls to the platform as this product makes them: its token, its codes."""

from bridge.contract import Account, Token
from connectors.tencent.answers import Result
from connectors.tencent.calls import EARLY, Calls
from connectors.wecom.errors import TOKEN_CODES, failure
from connectors.wecom.settings import Settings


class Api(Calls):
    """One account's calls."""

    failure = staticmethod(failure)
    token_codes = TOKEN_CODES

    def __init__(self, settings: Settings, account: Account) -> None:
        super().__init__(account, settings.api_base)
        self._settings = settings
        self._token_name = f"access_token:{settings.corp_id}"

    async def token(self, refused: str = "") -> str:
        """The shared token. `refused` is one that the platform just turned down."""

        async def renew(_old: Token | None) -> Token:
            return await self.ask_token()

        found = await self._account.tokens.get(self._token_name, renew, refused=refused, early=EARLY)
        return found.value

    async def ask_token(self) -> Token:
        """Asks for the app's token: the same one comes back while it is valid.

        Source: https://developer.work.weixin.qq.com/document/path/91039
        """
        answer = await self._account.http.request(
            "GET",
            self._url("/cgi-bin/gettoken"),
            params={"corpid": self._settings.corp_id, "corpsecret": self._settings.secret.get_secret_value()},
            repeatable=True,
        )
        return self._token_in(answer)

    def _is_file(self, result: Result) -> bool:
        return "errcode" not in result

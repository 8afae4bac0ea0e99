"""The keys of an account of kind `chatwoot`."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from bridge.contract import AccountConfig, WrongValue, check_url
from connectors.chatwoot import about


class Settings(AccountConfig):
    """`inbox_id` 0 means that set-up has still to make the inbox."""

    kind: Literal["chatwoot"] = "chatwoot"
    api_base: Annotated[str, about.API_BASE]
    account_id: Annotated[int, about.ACCOUNT_ID] = Field(ge=1)
    token: Annotated[SecretStr, about.TOKEN]
    inbox_id: Annotated[int, about.INBOX_ID] = Field(default=0, ge=0)
    hook_secret: Annotated[SecretStr, about.HOOK_SECRET] = SecretStr("")

    @field_validator("api_base")
    @classmethod
    def _base(cls, value: str) -> str:
        if not value:
            raise WrongValue(
                "is missing; write the address of the installation, such as https://chat.example.com",
                "不能为空；请填写安装地址，例如 https://chat.example.com",
            )
        return check_url(value.rstrip("/").removesuffix("/app").rstrip("/"), allow_insecure=True)

    @field_validator("token")
    @classmethod
    def _given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise WrongValue(
                "is missing; copy it from Profile settings › Access token",
                "不能为空；请从 Profile settings › Access token 复制",
            )
        return value

    @property
    def root(self) -> str:
        """Where the application API begins."""
        return f"{self.api_base}/api/v1/accounts/{self.account_id}"

    def page_of(self, conversation: str) -> str:
        """What an agent can open."""
        return f"{self.web}/conversations/{conversation}"

    @property
    def web(self) -> str:
        """The account in the browser."""
        return f"{self.api_base}/app/accounts/{self.account_id}"

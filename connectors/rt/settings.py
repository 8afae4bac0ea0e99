"""The keys of an account."""

import re
from typing import Annotated, Literal

from pydantic import SecretStr, field_validator, model_validator

from bridge.contract import AccountConfig, WrongValue, check_url
from connectors.rt import about

_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)


class Settings(AccountConfig):
    """`mail_gateway` is RT's own address (its mail gateway is found below it): with it the customer, not the bridge's
    user, is the author of what they write. `requestor_domain` makes the address under which RT files a customer; it
    must be one that receives no mail, because RT writes to requestors.
    """

    kind: Literal["rt"]
    api_base: Annotated[str, about.API_BASE]
    token: Annotated[SecretStr, about.TOKEN]
    queue: Annotated[str, about.QUEUE]
    mail_gateway: Annotated[str, about.MAIL_GATEWAY] = ""
    hook_secret: Annotated[SecretStr, about.HOOK_SECRET] = SecretStr("")
    requestor_domain: Annotated[str, about.REQUESTOR_DOMAIN] = "bridge.invalid"

    @field_validator("api_base")
    @classmethod
    def _rest(cls, value: str) -> str:
        value = value.rstrip("/")
        if not value.endswith("/REST/2.0"):
            raise WrongValue(
                "must end with /REST/2.0, for example https://rt.example.com/REST/2.0",
                "必须以 /REST/2.0 结尾，例如 https://rt.example.com/REST/2.0",
            )
        return value

    @field_validator("mail_gateway")
    @classmethod
    def _base(cls, value: str) -> str:
        return value.rstrip("/").removesuffix("/REST/1.0/NoAuth/mail-gateway").rstrip("/")

    @field_validator("token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise WrongValue(
                "is empty; make one in RT: Logged in as > Settings > Auth Tokens",
                "不能为空；请在 RT 的 Logged in as > Settings > Auth Tokens 中创建",
            )
        return value

    @field_validator("queue")
    @classmethod
    def _queue(cls, value: str) -> str:
        if not value.strip() or "'" in value or "\\" in value:
            raise WrongValue(
                "must be the name of a queue, without quotes or backslashes", "必须是队列名称，不能包含引号或反斜杠"
            )
        return value

    @field_validator("requestor_domain")
    @classmethod
    def _domain(cls, value: str) -> str:
        if _DOMAIN.fullmatch(value) is None:
            raise WrongValue(
                "must be a lower-case domain such as bridge.invalid", "必须是小写域名，例如 bridge.invalid"
            )
        return value

    @model_validator(mode="after")
    def _gateway(self) -> "Settings":
        if self.mail_gateway:
            check_url(self.mail_gateway, allow_insecure=self.allow_insecure, key="mail_gateway")
        return self

    @property
    def web(self) -> str:
        """RT's own address, for links that agents can open."""
        return self.api_base.removesuffix("/REST/2.0")

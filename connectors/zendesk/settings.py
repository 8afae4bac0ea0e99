"""The keys of an account of kind `zendesk`."""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import SecretStr, ValidationInfo, field_validator, model_validator

from bridge.contract import AccountConfig, Duration, WrongValue
from connectors.zendesk import about

_SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII)
_TAG = re.compile(r"[^\s,\"']{1,80}")
# Zendesk signs with it before a webhook exists: https://developer.zendesk.com/documentation/webhooks/verifying/
PUBLIC_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # noqa: S105 # everybody knows it, that is the point
API_TOKENS_LAST = date(2027, 4, 30)
API_TOKENS_END = "30 April 2027"  # https://support.zendesk.com/hc/en-us/articles/10840968198042

Plan = Literal["team", "growth", "professional", "enterprise", "enterprise_plus"]
# requests a minute: https://developer.zendesk.com/api-reference/introduction/rate-limits/
RATES: dict[str, int] = {"team": 200, "growth": 400, "professional": 400, "enterprise": 700, "enterprise_plus": 2500}


class Settings(AccountConfig):
    """Either `client_id` with `client_secret`, or, while Zendesk still takes them, `email` with `api_token`.

    `tag` marks every ticket of the bridge; the triggers and the poller go by it. `start_tag`, or `tag` where it is
    empty, marks those that agents open to write to a customer first. `plan` is Zendesk's, for its rate
    limit. `token_lifetime` is asked for; what Zendesk grants counts. `allowance_fields` makes set-up create ticket
    fields for the replies left and the end of the window.
    """

    kind: Literal["zendesk"]
    subdomain: Annotated[str, about.SUBDOMAIN]
    api_base: Annotated[str, about.API_BASE] = ""
    client_id: Annotated[str, about.CLIENT_ID] = ""
    client_secret: Annotated[SecretStr, about.CLIENT_SECRET] = SecretStr("")
    email: Annotated[str, about.EMAIL] = ""
    api_token: Annotated[SecretStr, about.API_TOKEN] = SecretStr("")
    webhook_secret: Annotated[SecretStr, about.WEBHOOK_SECRET] = SecretStr("")
    scope: Annotated[str, about.SCOPE] = "read write"
    token_lifetime: Annotated[Duration, about.TOKEN_LIFETIME] = timedelta(hours=24)
    plan: Annotated[Plan, about.PLAN] = "team"
    tag: Annotated[str, about.TAG] = "bridge"
    start_tag: Annotated[str, about.START_TAG] = ""
    allowance_fields: Annotated[bool, about.ALLOWANCE_FIELDS] = False

    @model_validator(mode="before")
    @classmethod
    def _base(cls, values: Any) -> Any:
        """Examples write the address with its path, people with a slash at the end."""
        if isinstance(values, dict) and isinstance(values.get("api_base"), str):
            base = values["api_base"].rstrip("/").removesuffix("/api/v2").rstrip("/")
            return {**values, "api_base": base}
        return values

    @field_validator("subdomain")
    @classmethod
    def _subdomain(cls, value: str) -> str:
        value = value.strip().lower().removeprefix("https://").rstrip("/").removesuffix(".zendesk.com")
        if _SUBDOMAIN.fullmatch(value) is None:
            raise WrongValue(
                "must be the first part of the account's address: acme for acme.zendesk.com",
                "必须是账号地址的第一部分：acme.zendesk.com 填 acme",
            )
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_secret(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value().strip() == PUBLIC_SECRET:
            raise WrongValue(
                "is Zendesk's public test secret; leave it empty and run the set-up",
                "这是 Zendesk 公开的测试密钥；请留空并运行接入设置",
            )
        return value

    @field_validator("token_lifetime")
    @classmethod
    def _lifetime(cls, value: timedelta) -> timedelta:
        if not timedelta(minutes=5) < value < timedelta(hours=48):
            raise WrongValue('must be more than "5m" and less than "48h"', "必须大于“5m”且小于“48h”")
        return value

    @field_validator("tag", "start_tag")
    @classmethod
    def _tag(cls, value: str, info: ValidationInfo) -> str:
        value = value.strip().lower()
        if info.field_name == "start_tag" and not value:
            return ""
        if _TAG.fullmatch(value) is None:
            raise WrongValue(
                "must be one tag: up to 80 characters without spaces, commas or quotes",
                "必须是一个标签：最多 80 个字符，不含空格、逗号或引号",
            )
        return value

    @model_validator(mode="after")
    def _credentials(self) -> "Settings":
        pairs = (
            ("client_id", self.client_id, "client_secret", self.client_secret),
            ("email", self.email, "api_token", self.api_token),
        )
        complete = 0
        for name, value, secret_name, secret in pairs:
            has_secret = bool(secret.get_secret_value().strip())
            if bool(value.strip()) != has_secret:
                missing = secret_name if value.strip() else name
                raise WrongValue(
                    f"{missing} is missing: {name} and {secret_name} belong together",
                    f"缺少 {missing}：{name} 和 {secret_name} 必须同时填写",
                )
            complete += has_secret
        if not complete:
            raise WrongValue(
                "no credentials: set client_id and client_secret of an OAuth client (Admin Center > Apps and "
                "integrations > APIs > OAuth clients)",
                "缺少凭据：请填写 OAuth 客户端的 client_id 和 client_secret"
                "（Admin Center > Apps and integrations > APIs > OAuth clients）",
            )
        return self

    @property
    def uses_oauth(self) -> bool:
        """Whether the OAuth client is used; otherwise the API token is."""
        return bool(self.client_id.strip())

    @property
    def secret_ends(self) -> date | None:
        """API tokens end for everybody."""
        return self.secret_until or (None if self.uses_oauth else API_TOKENS_LAST)

    @property
    def web(self) -> str:
        """Where agents work, for links."""
        return f"https://{self.subdomain}.zendesk.com"

    @property
    def root(self) -> str:
        """What every path follows."""
        return self.api_base or self.web

"""The keys of an account of kind `freshdesk`."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from bridge.contract import AccountConfig, WrongValue
from connectors.freshdesk import about

_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+", re.ASCII)
_CHAT = 7  # "source" of a ticket: https://developers.freshdesk.com/api/#ticket_attributes
_LONGEST_TAG = 32
_SHORTEST = 16  # characters of a secret


class Settings(AccountConfig):
    """`tag` marks every ticket of the bridge; `start_tag`, or `tag` where it is empty, those that agents
    open to write to a customer first. `type` and `custom_fields` fill what the account demands of new tickets.

    `marker_field` names a custom text field that takes the reference of the request that opened the ticket; without it
    the reference is a second tag.
    """

    kind: Literal["freshdesk"] = "freshdesk"
    domain: Annotated[str, about.DOMAIN]
    api_base: Annotated[str, about.API_BASE] = ""
    api_key: Annotated[SecretStr, about.API_KEY]
    hook_secret: Annotated[SecretStr, about.HOOK_SECRET] = SecretStr("")
    tag: Annotated[str, about.TAG] = "bridge"
    start_tag: Annotated[str, about.START_TAG] = ""
    type: Annotated[str, about.TYPE] = ""
    custom_fields: Annotated[dict[str, Any], about.CUSTOM_FIELDS] = {}
    marker_field: Annotated[str, about.MARKER_FIELD] = ""
    source: Annotated[int, about.SOURCE] = Field(default=_CHAT, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _base(cls, values: Any) -> Any:
        """Vendors' examples write the address with its path, people with a slash at the end."""
        if isinstance(values, dict) and isinstance(values.get("api_base"), str):
            base = values["api_base"].rstrip("/").removesuffix("/api/v2").rstrip("/")
            return {**values, "api_base": base}
        return values

    @field_validator("domain")
    @classmethod
    def _domain(cls, value: str) -> str:
        value = value.strip().lower().removeprefix("https://").rstrip("/")
        if _DOMAIN.fullmatch(value) is None:
            raise WrongValue(
                "must be the account's host name, such as acme.freshdesk.com",
                "必须是账号的主机名，例如 acme.freshdesk.com",
            )
        return value

    @field_validator("api_key")
    @classmethod
    def _api_key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value()
        if not key.strip():
            raise WrongValue(
                "is empty; copy it from the bridge's agent: Profile settings > View API key",
                "不能为空；请以 bridge 客服身份在 Profile settings > View API key 中复制",
            )
        if ":" in key or not key.isascii() or not key.isprintable():
            raise WrongValue(
                "must be the bare key, without a colon or spaces at its end", "只填密钥本身，不含冒号或首尾空格"
            )
        return value

    @field_validator("hook_secret")
    @classmethod
    def _hook_secret(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        if secret and any(len(part.strip()) < _SHORTEST for part in secret.split(",")):
            raise WrongValue(
                "must have 16 characters or more; make one with: openssl rand -hex 32",
                "至少需要 16 个字符；可用 openssl rand -hex 32 生成",
            )
        if not secret.isascii() or not (secret.isprintable() or not secret):
            raise WrongValue(
                "must be plain ASCII, because it travels in a header", "只能包含 ASCII 字符，因为它在请求头中传输"
            )
        return value

    @field_validator("tag", "start_tag")
    @classmethod
    def _tag(cls, value: str, info: ValidationInfo) -> str:
        if info.field_name == "start_tag" and not value.strip():
            return ""
        if not value.strip() or "," in value or len(value) > _LONGEST_TAG:
            raise WrongValue(
                f"must be a tag of 1 to {_LONGEST_TAG} characters without a comma",
                f"必须是 1 至 {_LONGEST_TAG} 个字符的标签，不含逗号",
            )
        return value.strip()

    @property
    def hook_secrets(self) -> list[str]:
        """The secrets that are accepted: while one is replaced, the new and the old."""
        return [part.strip() for part in self.hook_secret.get_secret_value().split(",") if part.strip()]

    @property
    def web(self) -> str:
        """Where agents work, for links."""
        return f"https://{self.domain}"

    @property
    def root(self) -> str:
        """What every path of the API follows."""
        return f"{self.api_base or self.web}/api/v2"

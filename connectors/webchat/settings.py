"""The keys of an account."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bridge.contract import AccountConfig, WrongValue
from connectors.webchat import about

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_HOST = re.compile(r"(\*\.)?[a-z0-9.-]+", re.ASCII)


class Agent(BaseModel):
    """A sign-in of the web desk. `hash` is an argon2 hash, as `bridge desk add-agent` makes it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, about.AGENT_NAME] = Field(min_length=1, max_length=60)
    hash: Annotated[SecretStr, about.AGENT_HASH]

    @field_validator("hash")
    @classmethod
    def _argon2(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith("$argon2"):
            raise WrongValue(
                "must be an argon2 hash ($argon2id$…), not a password; use `bridge desk add-agent`",
                "必须是 argon2 哈希（$argon2id$…），不能是密码；请使用 `bridge desk add-agent`",
            )
        return value


class Settings(AccountConfig):
    """`allowed_origins` are the sites that may show the widget (`https://*.shop.example` allows sub-domains).
    `identity` "required" refuses visitors whom the site has not signed in. `prechat` lists what is asked before the
    first message. `max_file` is in bytes, and so is what one visitor, one address and all visitors may send in a day.
    `endless_user_hash` accepts a `user_hash` without `expires`.
    """

    kind: Literal["webchat"]
    allowed_origins: Annotated[tuple[str, ...], about.ALLOWED_ORIGINS] = ()
    identity_secret: Annotated[SecretStr, about.IDENTITY_SECRET] = SecretStr("")
    identity: Annotated[Literal["optional", "required"], about.IDENTITY] = "optional"
    endless_user_hash: Annotated[bool, about.ENDLESS_USER_HASH] = False
    agents: tuple[Agent, ...] = ()
    title: Annotated[str, about.TITLE] = Field(default="", max_length=60)
    colour: Annotated[str, about.COLOUR] = "#1f6feb"
    prechat: Annotated[tuple[Literal["name", "email", "phone"], ...], about.PRECHAT] = ()
    max_file: Annotated[int, about.MAX_FILE] = Field(default=10 * 2**20, ge=1024, le=50 * 2**20)
    visitor_bytes: Annotated[int, about.VISITOR_BYTES] = Field(default=100 * 2**20, ge=2**20)
    address_bytes: Annotated[int, about.ADDRESS_BYTES] = Field(default=500 * 2**20, ge=2**20)
    account_bytes: Annotated[int, about.ACCOUNT_BYTES] = Field(default=5 * 2**30, ge=2**20)

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_origin(entry) for entry in value)

    @field_validator("colour")
    @classmethod
    def _hex(cls, value: str) -> str:
        if _COLOUR.fullmatch(value) is None:
            raise WrongValue("must be a colour such as #1f6feb", "必须是颜色值，例如 #1f6feb")
        return value.lower()

    @field_validator("agents")
    @classmethod
    def _names(cls, value: tuple[Agent, ...]) -> tuple[Agent, ...]:
        names = [agent.name.casefold() for agent in value]
        if len(set(names)) < len(names):
            raise WrongValue("two agents have the same name", "有两名客服姓名相同")
        return value

    @model_validator(mode="after")
    def _identity(self) -> "Settings":
        secret = self.identity_secret.get_secret_value()
        if secret and len(secret) < 16:
            raise WrongValue(
                "identity_secret needs at least 16 characters; make one with `openssl rand -hex 32`",
                "identity_secret 至少需要 16 个字符；可用 `openssl rand -hex 32` 生成",
            )
        if self.identity == "required" and not secret:
            raise WrongValue(
                'identity = "required" needs identity_secret, by which your site signs who a visitor is',
                'identity = "required" 需要设置 identity_secret，供您的网站对访客身份签名',
            )
        return self


def _origin(value: str) -> str:
    """Scheme, host and port in lower case, as browsers write them."""
    origin = value.strip().rstrip("/").lower()
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        raise WrongValue(
            f"{value!r} is no origin such as https://www.example.com",
            f"“{value}”不是有效的来源，应类似 https://www.example.com",
        ) from None
    host = parts.hostname or ""
    if parts.scheme not in {"https", "http"} or _HOST.fullmatch(host) is None or parts.path or parts.query:
        raise WrongValue(
            f"{value!r} is no origin: write scheme and host only, such as https://www.example.com",
            f"“{value}”不是有效的来源：只写协议和主机名，例如 https://www.example.com",
        )
    default = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, default} else "")


def allows(origins: tuple[str, ...], origin: str) -> bool:
    """Whether one of the configured origins is this one, exactly or as a sub-domain of a starred one."""
    scheme, _, host = origin.lower().partition("://")
    for allowed in origins:
        wanted, _, pattern = allowed.partition("://")
        if scheme == wanted and (host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))):
            return True
    return False

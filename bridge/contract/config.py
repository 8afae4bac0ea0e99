"""Types for the configuration of an account."""

import ipaddress
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, model_validator

from bridge.contract.described import About
from bridge.contract.words import WrongValue


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class AccountConfig(BaseModel):
    """The keys every account has. A connector's `Config` extends it; unknown keys are refused with their path.

    `uncertain` decides about a step whose outcome is unknown and cannot be looked up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: str
    label: Annotated[
        str,
        About(
            ("Name for people", "显示名称"),
            (
                "What agents read in place of the account's name: in notes, and on the web desk.",
                "客服在备注和工作台中看到的名称，代替账号名。",
            ),
            example="Corner Shop",
        ),
    ] = ""
    api_base: Annotated[
        str,
        About(
            ("Address of the interface", "接口地址"),
            (
                "The vendor's address, where it is not the usual one: for gateways, proxies and simulators.",
                "平台的接口地址；仅在使用网关、代理或模拟器时需要填写。",
            ),
            example="https://api.example.com",
        ),
    ] = ""
    allow_insecure: Annotated[
        bool,
        About(
            ("Accept plain http", "允许明文 http"),
            (
                "Accepts an address on plain http that is not this machine.",
                "允许使用指向其他机器的明文 http 地址。",
            ),
        ),
    ] = False
    uncertain: Annotated[
        Literal["hold", "retry"],
        About(
            ("When the outcome is unknown", "结果未知时"),
            (
                "A step whose outcome is unknown and cannot be looked up: `hold` tells the agent, `retry` repeats it.",
                "某一步结果未知且无法查询时：`hold` 告知客服，`retry` 重新发送。",
            ),
        ),
    ] = "hold"

    secret_until: Annotated[
        date | None,
        About(
            ("Credentials valid until", "凭证有效期至"),
            (
                "The last day of the credentials, where they end: `doctor` and alerts speak of it two weeks before.",
                "该账号凭证的到期日（如有）：到期前两周，`doctor` 和告警会提醒。",
            ),
            example="2027-03-31",
        ),
    ] = None

    @property
    def secret_ends(self) -> date | None:
        """When the credentials end: as configured, or as a kind knows by itself."""
        return self.secret_until

    @model_validator(mode="after")
    def _secure(self) -> "AccountConfig":
        if self.api_base:
            check_url(self.api_base, allow_insecure=self.allow_insecure)
        return self


def check_url(
    url: str, *, allow_insecure: bool = False, schemes: tuple[str, ...] = ("https", "http"), key: str = "api_base"
) -> str:
    """A base URL on https, or on http to this machine only. Returns it unchanged; raises ValueError, which speaks of
    the key that holds it.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is none
        host = parts.hostname if parts.scheme in schemes else None
    except ValueError:
        host = None
    if host and (parts.username or parts.password):
        raise WrongValue(f"{key} must not hold a user name or password", f"{key} 不能包含用户名或密码")
    if not host:
        raise WrongValue(
            f"{key} must be a URL such as https://host, not {url.rpartition('@')[2]!r}",
            f"{key} 必须是类似 https://host 的网址，当前为“{url.rpartition('@')[2]}”",
        )
    if url.endswith("/"):
        raise WrongValue(f"{key} must not end with a slash", f"{key} 末尾不能有斜杠")
    if parts.scheme == "http" and not allow_insecure and not is_loopback(host):
        raise WrongValue(
            f"{key} on plain http is accepted for this machine only; set allow_insecure = true to insist",
            f"{key} 使用明文 http 时仅允许指向本机；如确需使用，请设置 allow_insecure = true",
        )
    return url

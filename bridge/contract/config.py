"""Types for the configuration of an account."""

import ipaddress
import re
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, model_validator

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*", re.ASCII)


def parse_duration(value: object) -> timedelta:
    """`"90s"`, `"10m"`, `"48h"`, `"7d"` → timedelta. A bare number is refused: its unit would be a guess."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a number with a unit: "30s", "5m", "48h" or "7d"')
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise ValueError("is longer than anybody can wait") from None


def format_duration(value: timedelta) -> str:
    """The shortest form that `parse_duration` reads back."""
    seconds = value.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]


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
    api_base: str = ""
    allow_insecure: bool = False
    uncertain: Literal["hold", "retry"] = "hold"

    @model_validator(mode="after")
    def _secure(self) -> "AccountConfig":
        if self.api_base:
            check_url(self.api_base, allow_insecure=self.allow_insecure)
        return self


def check_url(url: str, *, allow_insecure: bool = False, schemes: tuple[str, ...] = ("https", "http")) -> str:
    """A base URL on https, or on http to this machine only. Returns it unchanged; raises ValueError."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is none
        host = parts.hostname if parts.scheme in schemes else None
    except ValueError:
        host = None
    if host and (parts.username or parts.password):
        raise ValueError("api_base must not hold a user name or password")
    if not host:
        raise ValueError(f"api_base must be a URL such as https://host, not {url.rpartition('@')[2]!r}")
    if url.endswith("/"):
        raise ValueError("api_base must not end with a slash")
    if parts.scheme == "http" and not allow_insecure and not is_loopback(host):
        raise ValueError(
            "api_base on plain http is accepted for this machine only; set allow_insecure = true to insist"
        )
    return url

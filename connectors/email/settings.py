"""The keys of an `email` account, and what they mean as addresses and servers."""

import re
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from bridge.contract import AccountConfig, Duration, WrongValue, is_loopback
from connectors.email import about

_ADDRESS = re.compile(r"[^\s@<>\",;:\x00-\x1f]+@[^\s@<>\",;:\x00-\x1f]+")
_SCHEMES = {
    "imaps": ("tls", 993),
    "imap+starttls": ("starttls", 143),
    "imap": ("plain", 143),
    "smtps": ("tls", 465),
    "smtp+starttls": ("starttls", 587),
    "smtp": ("plain", 587),
}
_TOKEN_URLS = {
    "gmail": "https://oauth2.googleapis.com/token",
    "microsoft": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
}
_SCOPES = {
    "gmail": "https://mail.google.com/",
    "microsoft": "https://outlook.office365.com/.default offline_access",
}


class Server(BaseModel):
    """Where and how to connect: `security` is `tls` (from the first byte), `starttls` or `plain`."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int
    security: str
    user: str

    @property
    def local(self) -> bool:
        return is_loopback(self.host)


class OAuth(BaseModel):
    """Credentials for XOAUTH2. Without `refresh_token` the client itself is the account (client credentials)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    provider: Annotated[Literal["gmail", "microsoft", "generic"], about.PROVIDER] = "generic"
    token_url: Annotated[str, about.TOKEN_URL] = ""
    tenant: Annotated[str, about.TENANT] = "common"
    client_id: Annotated[str, about.CLIENT_ID]
    client_secret: Annotated[SecretStr, about.CLIENT_SECRET] = SecretStr("")
    refresh_token: Annotated[SecretStr, about.REFRESH_TOKEN] = SecretStr("")
    scope: Annotated[str, about.OAUTH_SCOPE] = ""

    @model_validator(mode="after")
    def _reachable(self) -> "OAuth":
        if self.provider == "generic" and not self.token_url:
            raise WrongValue(
                'token_url is missing: name the provider ("gmail", "microsoft") or give its token_url',
                "缺少 token_url：请填写 provider（“gmail”或“microsoft”），或填写其 token_url",
            )
        parts = urlsplit(self.address)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise WrongValue("token_url must be an https URL", "token_url 必须是 https 地址")
        return self

    @property
    def address(self) -> str:
        """The token endpoint."""
        return self.token_url or _TOKEN_URLS[self.provider].format(tenant=self.tenant)

    @property
    def scopes(self) -> str:
        """Google: mail.google.com serves IMAP and SMTP, gmail.send does not. Microsoft: what is registered."""
        return self.scope or _SCOPES.get(self.provider, "")


class EmailConfig(AccountConfig):
    """One mailbox. With `desk_address` it is a desk (we write there as the customer); without it, a channel.

    `address_mode`: how each conversation gets an address of its own. `plus`: user+token@. `catch_all`: token@ in the
    domain of `address`. `reply_to`: From is always `address`, the token stands in Reply-To, for providers that rewrite
    or refuse other senders. `single`: none; threads then hang on References and the subject alone.
    `authserv_id` names the receiving server whose `Authentication-Results` are believed; when it is set, an agent's
    mail must carry its aligned pass. `at_most` limits mails per destination and window, below every helpdesk's
    published limit.
    """

    address: Annotated[str, about.ADDRESS]
    desk_address: Annotated[str, about.DESK_ADDRESS] = ""
    imap_url: Annotated[str, about.IMAP_URL]
    smtp_url: Annotated[str, about.SMTP_URL]
    password: Annotated[SecretStr, about.PASSWORD] = SecretStr("")
    oauth: OAuth | None = None
    trusted_senders: Annotated[tuple[str, ...], about.TRUSTED_SENDERS] = ()
    from_name: Annotated[str, about.FROM_NAME] = ""
    ca_file: Annotated[str, about.CA_FILE] = ""
    authserv_id: Annotated[str, about.AUTHSERV_ID] = ""
    address_mode: Annotated[Literal["plus", "reply_to", "catch_all", "single"], about.ADDRESS_MODE] = "plus"
    separator: Annotated[str, about.SEPARATOR] = "+"
    folder: Annotated[str, about.FOLDER] = "INBOX"
    idle: Annotated[Duration, about.IDLE] = Field(default="1m", validate_default=True)  # sockets die silently
    poll_every: Annotated[Duration, about.POLL_EVERY] = Field(
        default="20s", validate_default=True
    )  # without IDLE, and the sweep's floor with it
    await_ticket: Annotated[Duration, about.AWAIT_TICKET] = Field(default="15s", validate_default=True)
    at_most: Annotated[tuple[tuple[int, Duration], ...], about.AT_MOST] = Field(
        default=((12, "10m"), (40, "30m")), validate_default=True
    )
    limit_by: Annotated[Literal["sender", "ticket"], about.LIMIT_BY] = "sender"
    delimiters: Annotated[tuple[str, ...], about.DELIMITERS] = ()
    acknowledgements: Annotated[tuple[str, ...], about.ACKNOWLEDGEMENTS] = ()
    max_mail_bytes: Annotated[int, about.MAX_MAIL_BYTES] = Field(default=25 * 2**20, ge=64 * 2**10)
    max_attachment_bytes: Annotated[int, about.MAX_ATTACHMENT_BYTES] = Field(default=20 * 2**20, ge=1)

    @field_validator("address", "desk_address")
    @classmethod
    def _is_address(cls, value: str, info: ValidationInfo) -> str:
        if (value or info.field_name == "address") and not _ADDRESS.fullmatch(value):
            raise WrongValue(
                "must be a plain mail address such as support@example.com", "必须是邮箱地址，例如 support@example.com"
            )
        return value

    @field_validator("imap_url", "smtp_url")
    @classmethod
    def _is_server(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise WrongValue(
                "must look like imaps://user@host:993 or smtp+starttls://user@host:587",
                "格式应为 imaps://user@host:993 或 smtp+starttls://user@host:587",
            )
        if parts.password is not None:
            raise WrongValue(
                "must not hold the password: put it into the key password", "不能包含密码：请将密码填入 password"
            )
        return value

    @field_validator("separator")
    @classmethod
    def _is_separator(cls, value: str) -> str:
        if value not in {"+", "-", "=", "_", "."}:
            raise WrongValue('must be one of "+", "-", "=", "_", "."', "必须是 +、-、=、_、. 之一")
        return value

    @field_validator("trusted_senders")
    @classmethod
    def _are_senders(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        cleaned = tuple(entry.strip().lower().removeprefix("*@").lstrip("@") for entry in value)
        if not all(re.fullmatch(r"(?:[^\s@]+@)?[^\s@]+\.[^\s@]+|localhost", entry) for entry in cleaned):
            raise WrongValue(
                'each entry is a domain ("acme.example") or an address ("agent@acme.example")',
                "每一项应为域名（acme.example）或邮箱地址（agent@acme.example）",
            )
        return cleaned

    @model_validator(mode="after")
    def _consistent(self) -> "EmailConfig":
        if not self.imap_url.startswith("imap") or not self.smtp_url.startswith("smtp"):
            raise WrongValue(
                "imap_url must begin with imap… and smtp_url with smtp…",
                "imap_url 必须以 imap 开头，smtp_url 必须以 smtp 开头",
            )
        for key, server in (("imap_url", self.imap), ("smtp_url", self.smtp)):
            if server.security == "plain" and not server.local and not self.allow_insecure:
                raise WrongValue(
                    f"{key} without TLS is accepted for this machine only; use {key[:4]}s:// or {key[:4]}+starttls://",
                    f"{key} 不使用 TLS 时仅允许连接本机；请改用 {key[:4]}s:// 或 {key[:4]}+starttls://",
                )
        if self.oauth and self.password.get_secret_value():
            raise WrongValue(
                "password and oauth exclude each other: remove one", "password 和 oauth 只能填写其一，请移除一个"
            )
        if self.desk_address and bare(self.desk_address) == bare(self.address):
            raise WrongValue(
                "desk_address must not be our own address: every mail would come straight back",
                "desk_address 不能是本账号自己的地址，否则每封邮件都会原样退回",
            )
        return self

    @property
    def one_sender(self) -> bool:
        """Whether all conversations are sent from the same address."""
        return self.address_mode in {"single", "reply_to"}

    @property
    def is_desk(self) -> bool:
        return bool(self.desk_address)

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2].lower()

    @property
    def imap(self) -> Server:
        return _server(self.imap_url, self.address)

    @property
    def smtp(self) -> Server:
        return _server(self.smtp_url, self.address)

    def trusts(self, address: str) -> bool:
        """Whether an agent may write from this address. The desk's own address always may."""
        address = address.lower()
        domain = address.rpartition("@")[2]
        allowed = {*self.trusted_senders, self.desk_address.lower()} - {""}
        return address in allowed or bare(address) in allowed or domain in allowed

    def is_own(self, address: str) -> bool:
        """Whether an address is one of ours, whatever follows the separator; in a catch-all domain, all are."""
        local, _, domain = address.lower().rpartition("@")
        own_local, _, own_domain = self.address.lower().rpartition("@")
        if domain != own_domain:
            return False
        if self.address_mode == "catch_all" and not self.trusts(address):
            return True
        return local == own_local or local.startswith(own_local + self.separator)


def bare(address: str) -> str:
    """The address without what follows a plus sign, in lower case."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _server(url: str, address: str) -> Server:
    parts = urlsplit(url)
    security, port = _SCHEMES[parts.scheme]
    user = unquote(parts.username or "") or address
    return Server(host=parts.hostname or "", port=parts.port or port, security=security, user=user)

"""The keys of an account of kind `wechat`."""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bridge.contract import AccountConfig, Duration, Window, WindowGrant, WrongValue
from connectors.wechat import about

_APP_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}", re.ASCII)


_SHORT = WindowGrant(replies=3, lasts=timedelta(minutes=1))
OFFICIAL_GRANTS = {
    "click": _SHORT,
    "subscribe": _SHORT,
    "scan": _SHORT,
    "payment": WindowGrant(replies=None, lasts=timedelta(hours=48)),
}
"""By the event of a push, in lower case; no push tells of a payment, the shop's server does (`POST /api/context`)."""


class GrantSettings(BaseModel):
    """What one kind of event allows. `replies = 0` means without a count."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    replies: Annotated[int, about.GRANT_REPLIES] = Field(ge=0)
    lasts: Annotated[Duration, about.GRANT_LASTS]


class WindowSettings(BaseModel):
    """The reply allowance, as data because the platform has changed it several times.

    Today: 5 messages within 48 hours of each customer message, 2 within a minute of opening the chat
    (https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/customer-message/send.html).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    replies: Annotated[int, about.REPLIES] = Field(default=5, ge=1)
    lasts: Annotated[Duration, about.LASTS] = timedelta(hours=48)
    on_entry: Annotated[int, about.ON_ENTRY] = Field(default=2, ge=0)
    entry_lasts: Annotated[Duration, about.ENTRY_LASTS] = timedelta(minutes=1)
    grants: dict[str, GrantSettings] = {}

    def window(self, flavour: str) -> Window:
        """As the engine reads it. Of an official account the documented grants stand unless they are set otherwise."""
        own = {
            name.lower(): WindowGrant(replies=one.replies or None, lasts=one.lasts) for name, one in self.grants.items()
        }
        known = OFFICIAL_GRANTS if flavour == "official_account" else {}
        return Window(
            replies=self.replies, lasts=self.lasts, on_entry=self.on_entry, entry_lasts=self.entry_lasts,
            grants={**known, **own},
        )  # fmt: skip


class TemplateSettings(BaseModel):
    """A subscription message that invites the customer back. `data` maps the template's keys to text.

    `{now}` in a text becomes the time in China, `{name}` the customer's name where one is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[str, about.TEMPLATE_ID] = Field(min_length=1)
    page: Annotated[str, about.TEMPLATE_PAGE] = ""
    data: Annotated[dict[str, str], about.TEMPLATE_DATA] = Field(min_length=1)
    state: Annotated[Literal["developer", "trial", "formal"], about.TEMPLATE_STATE] = "formal"
    lang: Annotated[Literal["zh_CN", "en_US", "zh_HK", "zh_TW"], about.TEMPLATE_LANG] = "zh_CN"


class Settings(AccountConfig):
    """`mode` and the keys must equal what the platform's console shows under message push configuration."""

    kind: Literal["wechat"] = "wechat"
    flavour: Annotated[Literal["mini_program", "official_account"], about.FLAVOUR] = "mini_program"
    app_id: Annotated[str, about.APP_ID]
    app_secret: Annotated[SecretStr, about.APP_SECRET]
    token: Annotated[SecretStr, about.TOKEN]
    encoding_aes_key: Annotated[SecretStr, about.ENCODING_AES_KEY] = SecretStr("")
    mode: Annotated[Literal["plain", "compatible", "secure"], about.MODE] = "secure"
    api_base: Annotated[str, about.API_BASE] = "https://api.weixin.qq.com"
    window: WindowSettings = WindowSettings()
    typing_path: Annotated[str, about.TYPING_PATH] = ""
    templates: dict[str, TemplateSettings] = {}

    @field_validator("app_id")
    @classmethod
    def _app_id(cls, value: str) -> str:
        if _APP_ID.fullmatch(value) is None:
            raise WrongValue(
                "must be the AppID of the console, such as wx0123456789abcdef",
                "必须是后台的 AppID，例如 wx0123456789abcdef",
            )
        return value

    @field_validator("app_secret", "token")
    @classmethod
    def _given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise WrongValue(
                "is missing; copy it from the console (Development management)", "不能为空；请从后台的开发管理中复制"
            )
        return value

    @field_validator("encoding_aes_key")
    @classmethod
    def _aes_key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value()
        if key and len(key) != 43:
            raise WrongValue(
                f"must have 43 characters, this one has {len(key)}; copy EncodingAESKey from the console",
                f"必须为 43 个字符，当前为 {len(key)} 个；请从后台复制 EncodingAESKey",
            )
        if key and _AES_KEY.fullmatch(key) is None:
            raise WrongValue(
                "may hold letters, digits, + and / only; copy EncodingAESKey from the console",
                "只能包含字母、数字、+ 和 /；请从后台复制 EncodingAESKey",
            )
        return value

    @field_validator("api_base")
    @classmethod
    def _base(cls, value: str) -> str:
        return value or "https://api.weixin.qq.com"

    @field_validator("typing_path")
    @classmethod
    def _path(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise WrongValue(
                "must start with a slash, such as /cgi-bin/message/custom/typing",
                "必须以斜杠开头，例如 /cgi-bin/message/custom/typing",
            )
        return value

    @model_validator(mode="after")
    def _key_for_mode(self) -> "Settings":
        if self.mode != "plain" and not self.encoding_aes_key.get_secret_value():
            raise WrongValue(
                f'encoding_aes_key is missing; mode = "{self.mode}" needs the 43 characters of the console',
                f'缺少 encoding_aes_key：mode = "{self.mode}" 需要后台的 43 位密钥',
            )
        return self

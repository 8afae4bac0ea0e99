"""The keys of an account of kind `wecom`."""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bridge.contract import AccountConfig, Duration, WrongValue
from connectors.wecom import about

_CORP_ID = re.compile(r"[A-Za-z0-9_-]{4,64}", re.ASCII)
_KFID = re.compile(r"\*|[A-Za-z0-9_-]{4,64}", re.ASCII)
_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}", re.ASCII)


class WindowSettings(BaseModel):
    """The reply allowance, as data because the platform may change it.

    Today: 5 messages within 48 hours of each customer message; opening the chat allows one welcome within 20 seconds
    (https://developer.work.weixin.qq.com/document/path/94677 and …/path/95122).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    replies: Annotated[int, about.REPLIES] = Field(default=5, ge=1)
    lasts: Annotated[Duration, about.LASTS] = timedelta(hours=48)
    welcome_lasts: Annotated[Duration, about.WELCOME_LASTS] = timedelta(seconds=20)


class Settings(AccountConfig):
    """`token` and `encoding_aes_key` must equal what the console shows for the callback.

    `uncertain` is `retry`: each message carries an id of ours, and the platform refuses the same id twice.
    """

    kind: Literal["wecom"] = "wecom"
    corp_id: Annotated[str, about.CORP_ID]
    secret: Annotated[SecretStr, about.SECRET]
    token: Annotated[SecretStr, about.TOKEN]
    encoding_aes_key: Annotated[SecretStr, about.ENCODING_AES_KEY]
    open_kfid: Annotated[str, about.OPEN_KFID]
    api_base: Annotated[str, about.API_BASE] = "https://qyapi.weixin.qq.com"
    history: Annotated[bool, about.HISTORY] = False
    uncertain: Literal["hold", "retry"] = "retry"
    window: WindowSettings = WindowSettings()

    @field_validator("corp_id")
    @classmethod
    def _corp(cls, value: str) -> str:
        if _CORP_ID.fullmatch(value) is None:
            raise WrongValue(
                "must be the corp id of the console, such as ww0123456789abcdef",
                "必须是管理后台的企业 ID，例如 ww0123456789abcdef",
            )
        return value

    @field_validator("open_kfid")
    @classmethod
    def _account(cls, value: str) -> str:
        if _KFID.fullmatch(value) is None:
            raise WrongValue(
                'must be an id that begins with wk, or "*" for all accounts of the app',
                "必须是以 wk 开头的 ID，或填“*”表示该应用的全部账号",
            )
        return value

    @field_validator("secret", "token")
    @classmethod
    def _given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise WrongValue(
                "is missing; copy it from the console (App management, Customer service)",
                "不能为空；请从管理后台的应用管理、微信客服中复制",
            )
        return value

    @field_validator("encoding_aes_key")
    @classmethod
    def _aes_key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value()
        if len(key) != 43:
            raise WrongValue(
                f"must have 43 characters, this one has {len(key)}; copy EncodingAESKey from the console",
                f"必须为 43 个字符，当前为 {len(key)} 个；请从管理后台复制 EncodingAESKey",
            )
        if _AES_KEY.fullmatch(key) is None:
            raise WrongValue(
                "may hold letters, digits, + and / only; copy EncodingAESKey from the console",
                "只能包含字母、数字、+ 和 /；请从管理后台复制 EncodingAESKey",
            )
        return value

    @field_validator("api_base")
    @classmethod
    def _base(cls, value: str) -> str:
        return value or "https://qyapi.weixin.qq.com"

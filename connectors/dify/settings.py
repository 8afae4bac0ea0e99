"""The keys of an account."""

from typing import Annotated, Literal

from pydantic import SecretStr, field_validator

from bridge.contract import BotConfig, WrongValue
from connectors.dify import about


class Settings(BotConfig):
    """One app."""

    kind: Literal["dify"]
    api_base: Annotated[str, about.API_BASE]
    api_key: Annotated[SecretStr, about.API_KEY]
    inputs: Annotated[dict[str, str], about.INPUTS] = {}

    @field_validator("api_base")
    @classmethod
    def _base(cls, value: str) -> str:
        return value.rstrip("/").removesuffix("/chat-messages")

    @field_validator("api_key")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise WrongValue(
                "is empty; Dify shows it under the app's API Access", "不能为空；请在 Dify 应用的“访问 API”页面查看"
            )
        return value

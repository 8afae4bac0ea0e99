"""The keys of an account."""

from typing import Annotated, Literal

from pydantic import SecretStr, field_validator, model_validator

from bridge.contract import BotConfig, check_url
from connectors.webhook import about
from connectors.webhook.signing import key_of


class Settings(BotConfig):
    """`url` takes everything; `secret` signs what goes and what comes."""

    kind: Literal["webhook"]
    url: Annotated[str, about.URL]
    secret: Annotated[SecretStr, about.SECRET]

    @field_validator("secret")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        key_of(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _address(self) -> "Settings":
        check_url(self.url, allow_insecure=self.allow_insecure, key="url")
        return self

    @property
    def key(self) -> bytes:
        """The secret's bytes."""
        return key_of(self.secret.get_secret_value())

"""The keys of an account."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from bridge.contract import BotConfig, check_url, webhook_key
from connectors.webhook import about


class Settings(BotConfig):
    """`url` takes everything; `secret` signs what goes and what comes."""

    kind: Literal["webhook"]
    url: Annotated[str, about.URL]
    secret: Annotated[SecretStr, about.SECRET]

    upload: Annotated[int, about.UPLOAD] = Field(default=1_000_000, ge=0, le=20_000_000)

    @model_validator(mode="before")
    @classmethod
    def _home(cls, values: Any) -> Any:
        """Files on the program's own host are fetched wherever it stands: its origin is the account's home."""
        if not isinstance(values, dict) or not isinstance(values.get("url"), str) or values.get("api_base"):
            return values
        check_url(values["url"], allow_insecure=values.get("allow_insecure") is True, key="url")
        parts = urlsplit(values["url"])
        return {**values, "api_base": f"{parts.scheme}://{parts.netloc}"}

    @field_validator("secret")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        webhook_key(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _address(self) -> "Settings":
        check_url(self.url, allow_insecure=self.allow_insecure, key="url")
        return self

    @property
    def key(self) -> bytes:
        """The secret's bytes."""
        return webhook_key(self.secret.get_secret_value())

"""The keys of an account."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from bridge.contract import BesideConfig, BotConfig, WrongValue
from connectors.openai import about

_MOST = 64 * 1024  # bytes of instructions or knowledge


class Settings(BotConfig):
    """`file` is the knowledge."""

    kind: Literal["openai"]
    api_base: Annotated[str, about.API_BASE]
    api_key: Annotated[SecretStr, about.API_KEY] = SecretStr("")
    model: Annotated[str, about.MODEL]
    prompt: Annotated[BesideConfig | None, about.PROMPT] = None
    file: Annotated[BesideConfig | None, about.KNOWLEDGE] = None
    history: Annotated[int, about.HISTORY] = Field(default=12, ge=0, le=50)
    max_tokens: Annotated[int, about.MAX_TOKENS] = Field(default=600, ge=0)
    max_tokens_key: Annotated[Literal["max_tokens", "max_completion_tokens"], about.MAX_TOKENS_KEY] = "max_tokens"
    temperature: Annotated[float | None, about.TEMPERATURE] = None
    tools: Annotated[bool, about.TOOLS] = True

    @field_validator("api_base")
    @classmethod
    def _base(cls, value: str) -> str:
        return value.rstrip("/").removesuffix("/chat/completions")

    @field_validator("model")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip():
            raise WrongValue("is empty; name a model that the server has", "不能为空；请填写服务器提供的模型名称")
        return value

    @field_validator("prompt", "file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None:
            read_text(value)
        return value


def read_text(path: Path) -> str:
    """A text file. Raises ValueError with what is wrong."""
    try:
        if path.stat().st_size > _MOST:
            raise WrongValue(
                f"{path} is larger than {_MOST >> 10} KiB; a model reads all of it for each answer",
                f"{path} 超过 {_MOST >> 10} KiB；模型每次回答都会读取全文",
            )
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise WrongValue(
            f"{path} cannot be read ({error.strerror or type(error).__name__})",
            f"无法读取 {path}（{error.strerror or type(error).__name__}）",
        ) from None
    except UnicodeDecodeError:
        raise WrongValue(f"{path} is not UTF-8; save it as UTF-8", f"{path} 不是 UTF-8 编码，请另存为 UTF-8") from None

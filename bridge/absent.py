"""What stands in for an account whose connector cannot be used, so that the other accounts go on.

Nothing is routed, rendered or sent for it: messages wait as they do for a vendor that is away, callbacks are answered
"later". When the connector is mended and the bridge started again, all of it goes on.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import ConfigDict

from bridge.contract import (
    AccountConfig,
    CallbackResult,
    Capabilities,
    Connector,
    Event,
    Health,
    Message,
    Problem,
    Raw,
    Receipt,
    RenderContext,
    Request,
    Retryable,
    Role,
    Step,
    Target,
)


class AbsentConfig(AccountConfig):
    """Whatever the section says: who could have read it is not there."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    why: str


class Absent(Connector[AbsentConfig]):
    """An account that can do nothing but say why."""

    kind: ClassVar[str] = "absent"
    roles: ClassVar[frozenset[Role]] = frozenset(Role)
    Config = AbsentConfig
    capabilities = Capabilities()

    def verify(self, request: Request) -> CallbackResult:
        return CallbackResult(self.retry_later_reply)

    def normalise(self, raw: Raw) -> Sequence[Event]:
        raise self._error()

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        raise self._error()

    async def deliver(self, step: Step, target: Target) -> Receipt:
        raise self._error()

    async def check(self) -> Health:
        remedy, zh = "Mend or remove it, then restart the bridge.", "请修复或移除该账号，然后重新启动 bridge。"
        return Health(problems=(Problem(what=self.config.why, remedy=remedy, zh=zh),))

    def _error(self) -> Retryable:
        return Retryable(self.config.why, code="absent")


def absent_config(section: dict[str, Any], why: str) -> AbsentConfig:
    """The configuration of an account whose connector cannot be used."""
    return AbsentConfig(kind=str(section.get("kind")), why=why)

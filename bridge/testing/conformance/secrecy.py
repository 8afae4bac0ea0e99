"""Secrets and words of people never reach a log, an error, a repr or an address that we define."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from bridge.contract import ConnectorError, Text
from bridge.testing.conformance.builders import said, send, target_for
from bridge.testing.conformance.case import ConnectorCase, applies
from bridge.testing.conformance.harness import Harness
from bridge.testing.faults import Trouble

_PEOPLE = "canary-of-what-people-say"


def secrets_of(config: BaseModel) -> list[str]:
    """The values of all secrets in a configuration that are long enough to be searched for."""
    return [secret for secret in _secrets(config) if len(secret) >= 8]


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for part in value.values():
            yield from _secrets(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _secrets(part)


def _has_vendor(case: type[ConnectorCase]) -> bool:
    return case.simulator is not None


class Secrecy(ConnectorCase):
    """Looks for the real secrets of the settings, and for words that somebody said."""

    async def test_nothing_shows_a_secret(self, harness: Harness) -> None:
        config = harness.connector.config
        shown = {
            "repr of the configuration": repr(config),
            "str of the configuration": str(config),
            "JSON of the configuration": config.model_dump_json(),
            "repr of the connector": repr(harness.connector),
            "address for callbacks": harness.account.hook_url,
            "health": (await harness.connector.check()).model_dump_json(),
        }
        for secret in secrets_of(config):
            for where, text in shown.items():
                assert secret not in text, f"the {where} shows a secret"

    @applies(_has_vendor)
    async def test_logs_and_errors_hold_no_secret_and_no_words(
        self, harness: Harness, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Through a good delivery, every trouble and a refusal, at the most talkative level."""
        caplog.set_level(logging.DEBUG)
        for library in ("httpx", "httpcore"):
            caplog.set_level(logging.DEBUG, logger=library)
        errors: list[ConnectorError] = []
        conversation = await self.open_conversation(harness)
        for number, trouble in enumerate((None, *self.troubles)):
            if trouble is not None:
                await self.arm(harness, trouble, seconds=0.0, status=500, body=_PEOPLE.encode())
            try:
                await self._send(harness, conversation, number)
            except ConnectorError as error:
                errors.append(error)
            self.disarm(harness)
        for refusal in self.refusals:
            options = {"status": refusal.status, "body": refusal.body, "headers": refusal.headers}
            await self.arm(harness, Trouble.STATUS, times=refusal.attempts, **options)
            try:
                await self._send(harness, conversation, len(errors) + 100)
            except ConnectorError as error:
                errors.append(error)
            self.disarm(harness)
        text = "\n".join([*(f"{error} {error!r} {error.__cause__!r}" for error in errors), caplog.text])
        for word in (*secrets_of(harness.connector.config), _PEOPLE, *self._tokens(harness)):
            assert word not in text, f"a log or an error shows {word[:4]}…"

    def _tokens(self, harness: Harness) -> list[str]:
        tokens: Any = harness.account.tokens
        return [word for token in tokens.stored.values() for word in (token.value, token.refresh) if len(word) >= 8]

    async def _send(self, harness: Harness, conversation: str, number: int) -> None:
        context, target = target_for(self.role, conversation, key=f"secret-{number}")
        for step in harness.connector.render([said(self.role, Text(body=_PEOPLE), conversation=conversation)], context):
            await send(harness, step, target)

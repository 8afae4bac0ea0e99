"""The configuration and what `check` says about it."""

import re
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from bridge.contract import AccountConfig, AuthFailed, Capabilities, Health, Retryable, Role, SetsUp, Words
from bridge.testing.clock import VirtualClock
from bridge.testing.conformance.case import ConnectorCase, applies
from bridge.testing.conformance.harness import Harness
from bridge.testing.conformance.secrecy import secrets_of

_SECRET_NAME = re.compile(r"(^|_)(secret|token|password|api_key|aes_key|private_key)$")
_PLACE = re.compile(r"\{(\w+)\}")


def _has_vendor(case: type[ConnectorCase]) -> bool:
    return case.simulator is not None


class Settings(ConnectorCase):
    """Tests of `Config`, the class attributes and `check`."""

    def _settings(self) -> dict[str, Any]:
        return dict(self.settings(self.make_vendor(VirtualClock(), "http://127.0.0.1:9/hooks/trial")))

    def test_the_configuration_survives_a_round_trip(self) -> None:
        config = self.connector.Config.model_validate(self._settings())
        assert self.connector.Config.model_validate(config.model_dump()) == config

    def test_a_typo_is_refused_with_its_name(self) -> None:
        with pytest.raises(ValidationError, match="tpyo"):
            self.connector.Config.model_validate(self._settings() | {"tpyo": "x"})

    def test_a_missing_key_is_named(self) -> None:
        settings = self._settings()
        required = [name for name, field in self.connector.Config.model_fields.items() if field.is_required()]
        for name in required:
            rest = {key: value for key, value in settings.items() if key != name}
            with pytest.raises(ValidationError, match=name):
                self.connector.Config.model_validate(rest)

    def test_a_fault_in_the_configuration_shows_no_secret(self) -> None:
        settings = self._settings()
        secrets = secrets_of(self.connector.Config.model_validate(settings))
        with pytest.raises(ValidationError) as caught:
            self.connector.Config.model_validate(settings | {"tpyo": "x", "uncertain": "perhaps"})
        assert not [secret for secret in secrets if secret in str(caught.value)]

    def test_secrets_are_declared_as_secrets(self) -> None:
        for name in _plain_secrets(self.connector.Config):
            pytest.fail(f"{name} looks like a secret: declare it as SecretStr")

    def test_plain_http_to_other_machines_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="api_base"):
            self.connector.Config.model_validate(self._settings() | {"api_base": "http://vendor.example"})

    def test_the_configuration_cannot_be_changed(self) -> None:
        config = self.connector.Config.model_validate(self._settings())
        with pytest.raises(ValidationError):
            setattr(config, "kind", "other")  # noqa: B010 # an assignment would not pass mypy: that is the point

    def test_the_class_says_what_it_is(self) -> None:
        connector = self.connector
        assert re.fullmatch(r"[a-z][a-z0-9_]*", connector.kind), "kind must be a lower-case word"
        assert self._settings()["kind"] == connector.kind
        assert connector.roles
        assert connector.roles <= set(Role)
        assert self.role in connector.roles
        assert issubclass(connector.Config, AccountConfig)
        assert connector.__doc__, "the class needs a docstring that says what it connects"
        assert connector.retry_later_reply.status >= 400, "a busy reply must not look like success"
        capabilities = self.isolated().capabilities
        assert isinstance(capabilities, Capabilities)
        assert capabilities.max_concurrency >= 1
        assert not (capabilities.window and self.role is Role.DESK), "a reply window belongs to a channel"

    def test_what_is_entered_at_the_vendor_is_there(self) -> None:
        """The set-up shows the vendor's page with the values in place: they exist, and are said in both languages."""
        guide, config = self.connector.guide, self.connector.Config
        known = {"hook_url", "public_url", *config.model_fields}
        for entry in guide.enter:
            for name in _PLACE.findall(entry.value):
                assert name in known, f"guide: there is no {name!r} to enter"
            for choice in entry.says:
                values = dict.fromkeys(_PLACE.findall(entry.value), choice)
                config.model_validate(self._settings() | values)
        said = [guide.name, guide.as_desk, guide.place, guide.save, guide.warns, guide.first]
        said += [words for entry in guide.enter for words in (entry.title, entry.note, *entry.says.values())]
        for en, zh in said:
            assert bool(en) == bool(zh), f"guide: {en or zh!r} is said in one language only"
        assert guide.enter or not guide.calls_back, "guide: what is saved at the vendor, so that it calls back?"

    async def test_check_finds_nothing_wrong_and_changes_nothing(self, harness: Harness) -> None:
        before = await self.shown(harness)
        health = await harness.connector.check()
        assert health.ok, health.problems
        assert await self.shown(harness) == before, "check made something that people see"
        for said in health.unchecked:
            assert isinstance(said, Words), f"unchecked: {said!r} is said in one language only: use Words"

    @applies(lambda case: case.simulator is not None and issubclass(case.connector, SetsUp))
    async def test_what_set_up_would_do_is_said_in_both_languages(self, harness: Harness) -> None:
        connector: Any = harness.connector
        for remove in (False, True):
            for change in await connector.plan(remove=remove):
                assert change.zh or "\n" in change.text, f"{change.text!r} is said in English only: set SetUpChange.zh"

    @applies(_has_vendor)
    async def test_check_tells_of_wrong_credentials(self, harness: Harness) -> None:
        wrong = self.connector.Config.model_validate(self.wrong_settings(harness.vendor))
        _expect_problem(await self.connector(wrong, harness.account).check(), secrets_of(wrong))

    @applies(lambda case: case.simulator is not None and issubclass(case.connector, SetsUp))
    async def test_set_up_with_wrong_credentials_says_so(self, harness: Harness) -> None:
        """A list of things to do by hand would send the admin the wrong way."""
        wrong = self.connector.Config.model_validate(self.wrong_settings(harness.vendor))
        connector: Any = self.connector(wrong, harness.account)
        try:
            await connector.plan()
        except AuthFailed:
            return
        problems = (await connector.check()).problems
        assert any(problem.credentials for problem in problems), (
            "set Problem.credentials, or let AuthFailed out of plan"
        )

    @applies(lambda case: case.simulator is not None and case.grants_rights)
    async def test_check_tells_of_missing_rights(self, harness: Harness) -> None:
        await self.take_rights(harness)
        _expect_problem(await harness.connector.check(), secrets_of(harness.connector.config))

    @applies(_has_vendor)
    async def test_check_raises_when_the_vendor_cannot_be_reached(self, harness: Harness) -> None:
        await harness.vendor.stop()
        with pytest.raises(Retryable):
            await harness.connector.check()


def _expect_problem(health: Health, secrets: list[str]) -> None:
    assert not health.ok, "check found nothing wrong"
    for problem in health.problems:
        assert problem.what
        assert problem.remedy, f"{problem.what!r} has no remedy: say what to do"
        assert problem.zh, f"{problem.remedy!r} is said in English only: set Problem.zh"
    text = health.model_dump_json()
    assert not [secret for secret in secrets if secret in text], "a problem shows a secret"


def _plain_secrets(model: type[BaseModel]) -> list[str]:
    """Fields whose name says secret and whose type does not."""
    return [
        name
        for name, field in model.model_fields.items()
        if _SECRET_NAME.search(name) and "SecretStr" not in str(field.annotation) and field.annotation is not SecretStr
    ]

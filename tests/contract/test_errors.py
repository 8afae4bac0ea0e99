"""The tree of errors, and what each of them is certain of."""

import pickle

import pytest

from bridge.contract import (
    AuthFailed,
    ConnectorError,
    Gone,
    Malformed,
    Rejected,
    Retryable,
    Scope,
    Throttled,
    Unauthentic,
    WindowClosed,
)


def test_the_tree() -> None:
    """Each class is what `except` in the engine takes it for; only a throttle is a kind of retry."""
    classes = {Retryable, Throttled, WindowClosed, AuthFailed, Gone, Rejected, Unauthentic, Malformed}
    assert {kind for kind in classes if issubclass(kind, Retryable)} == {Retryable, Throttled}
    for kind in classes:
        assert (
            kind.__mro__[-4 if kind is not Throttled else -5 :][-4] is ConnectorError or ConnectorError in kind.__mro__
        )
        assert kind.__doc__


ERRORS = [
    Retryable("m", code="c", certain=False, reason={"en": "r"}, tries=2, then_unknown=True),
    Throttled("m", code="c", retry_after=17, scope=Scope.CONVERSATION, reason={"en": "r"}),
    WindowClosed("m", code="c", spent=True, reason={"en": "r"}),
    Gone("m", code="c", moved_to="t-2", reason={"en": "r"}),
    AuthFailed("m", code="c", reason={"en": "r"}),
    Rejected("m", code="c", reason={"en": "r"}),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_carries_what_its_reader_needs(error: ConnectorError) -> None:
    assert (str(error), error.message, error.code, error.reason) == ("m", "m", "c", {"en": "r"})


@pytest.mark.parametrize("kind", [WindowClosed, Gone])
def test_a_definite_no_is_always_certain(kind: type[ConnectorError]) -> None:
    """These have no way to say otherwise: the vendor answered, so nothing was done."""
    assert kind("m").certain
    with pytest.raises(TypeError):
        kind("m", certain=False)


def test_a_throttle_is_certain() -> None:
    throttle = Throttled("m", retry_after=0)
    assert throttle.certain
    assert (throttle.scope, throttle.tries, throttle.then_unknown) == (Scope.ACCOUNT, None, False)
    with pytest.raises(TypeError):
        Throttled("m")  # type: ignore[call-arg] # without knowing how long


def test_certain_is_what_it_is_without_a_word() -> None:
    assert Retryable("m").certain
    assert not Retryable("m", certain=False).certain


def test_reasons_are_not_shared() -> None:
    one, other = Rejected("m"), Rejected("m")
    assert one.reason == other.reason == {}
    assert one.reason is not other.reason


def test_an_error_survives_a_copy() -> None:
    """Some executors and log handlers pickle what they pass on."""
    error = pickle.loads(pickle.dumps(Rejected("m")))
    assert (type(error), str(error)) == (Rejected, "m")

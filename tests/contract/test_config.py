"""Durations, addresses and the keys every account has."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from bridge.contract import AccountConfig, Duration, check_url, format_duration, is_loopback, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("48h", 172_800),
        ("7d", 604_800),
        ("250ms", 0.25),
        ("1.5h", 5400),
        (" 10 s ", 10),
        ("0s", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "30",
        30,
        1.5,
        None,
        True,
        "s",
        "-5s",
        "5 minutes",
        "1h30m",
        "5M",
        "٣s",
        "1e3s",
        "5s\n5s",
        "9" * 400 + "d",
        "99999999999d",
    ],
)
def test_a_guess_is_not_a_duration(value: object) -> None:
    with pytest.raises(ValueError, match=r'"30s", "5m"|longer than'):
        parse_duration(value)


def test_a_duration_is_taken_as_it_is() -> None:
    assert parse_duration(timedelta(hours=1)) == timedelta(hours=1)


@given(st.one_of(st.integers(0, 10**7), st.integers(0, 10**5).map(lambda tenth: tenth / 8)))
def test_a_duration_is_read_back_as_it_was_written(seconds: float) -> None:
    value = timedelta(seconds=seconds)
    assert parse_duration(format_duration(value)) == value


@pytest.mark.parametrize(
    ("value", "text"), [(86400, "1d"), (172_800, "2d"), (5400, "90m"), (90, "90s"), (0.25, "0.25s"), (0, "0s")]
)
def test_a_duration_is_written_briefly(value: float, text: str) -> None:
    assert format_duration(timedelta(seconds=value)) == text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "10.0.0.1", "localhost.example", "127.0.0.1.example", "::", "vendor.example"]
)
def test_not_this_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "url",
    [
        "https://vendor.example",
        "https://vendor.example:8443/api/v2",
        "http://localhost:3000",
        "http://127.0.0.1:1",
        "http://[::1]:80",
    ],
)
def test_addresses_that_are_accepted(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "https://host"),
        ("vendor.example", "https://host"),
        ("ftp://vendor.example", "https://host"),
        ("https://", "https://host"),
        ("https://user:pw@vendor.example", "user name"),
        ("https://user@vendor.example", "user name"),
        ("https://vendor.example/", "end with a slash"),
        ("http://vendor.example", "allow_insecure"),
        ("http://10.0.0.1", "allow_insecure"),
        ("http://0.0.0.0:80", "allow_insecure"),
        ("http://127.0.0.1.example", "allow_insecure"),
    ],
)
def test_addresses_that_are_refused(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_url(url)


@pytest.mark.parametrize("url", ["https://[::1", "https://host:abc", "https://host:99999"])
def test_what_is_no_address_is_refused_in_words(url: str) -> None:
    with pytest.raises(ValueError, match="https://host"):
        check_url(url)


@pytest.mark.parametrize(
    "url", ["https://user:canary@vendor.example", "ftp://user:canary@vendor.example", "https://user:canary@[::1"]
)
def test_a_refused_address_does_not_show_its_password(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_url(url)
    assert "canary" not in str(caught.value)


def test_plain_http_can_be_insisted_on() -> None:
    assert check_url("http://rt.example", allow_insecure=True)
    assert AccountConfig(kind="x", api_base="http://rt.example", allow_insecure=True).api_base


class Sample(AccountConfig):
    api_token: SecretStr
    wait: Duration = timedelta(minutes=5)


def sample(**keys: object) -> Sample:
    return Sample.model_validate({"kind": "sample", "api_token": "canary-secret"} | keys)


def test_the_keys_every_account_has() -> None:
    config = sample()
    assert (config.api_base, config.allow_insecure, config.uncertain) == ("", False, "hold")


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"tpyo": 1}, "tpyo"),
        ({"uncertain": "perhaps"}, "uncertain"),
        ({"wait": "5"}, "wait"),
        ({"wait": 5}, "wait"),
        ({"api_base": "http://vendor.example"}, "api_base"),
        ({"allow_insecure": "perhaps"}, "allow_insecure"),
    ],
)
def test_a_fault_is_named_and_shows_no_secret(keys: dict[str, object], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        sample(**keys)
    assert where in str(caught.value)
    assert "canary-secret" not in str(caught.value)


def test_a_duration_in_a_configuration_is_written_as_it_is_read() -> None:
    assert sample(wait="90s").model_dump(mode="json")["wait"] == "90s"
    assert Sample.model_validate(sample(wait="90s").model_dump()) == sample(wait="90s")

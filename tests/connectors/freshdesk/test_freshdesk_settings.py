import pytest
from pydantic import ValidationError

from connectors.freshdesk import Freshdesk

KEYS = {"kind": "freshdesk", "domain": "acme.freshdesk.com", "api_key": "abcdefgh12345678"}


def test_the_address_follows_from_the_domain():
    assert Freshdesk.Config(**KEYS).root == "https://acme.freshdesk.com/api/v2"


@pytest.mark.parametrize("base", ["http://127.0.0.1:9", "http://127.0.0.1:9/api/v2", "http://127.0.0.1:9/api/v2/"])
def test_an_api_base_may_hold_the_path(base):
    assert Freshdesk.Config(**KEYS, api_base=base).root == "http://127.0.0.1:9/api/v2"


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("domain", "acme", "host name"),
        ("domain", "acme.freshdesk.com/api", "host name"),
        ("api_key", " ", "empty"),
        ("api_key", "key:X", "bare key"),
        ("hook_secret", "short", "16 characters"),
        ("hook_secret", "long-enough-secret,short", "16 characters"),
        ("hook_secret", "geheim-mit-ümläuten", "ASCII"),
        ("tag", "a,b", "comma"),
        ("tag", "x" * 33, "32"),
        ("source", 0, "greater than"),
    ],
)
def test_what_cannot_work_is_refused(key, value, says):
    with pytest.raises(ValidationError, match=says) as caught:
        Freshdesk.Config(**KEYS | {key: value})
    if key in {"api_key", "hook_secret"} and value.strip():
        assert value not in str(caught.value)


def test_a_domain_may_be_pasted_from_the_browser():
    assert Freshdesk.Config(**KEYS | {"domain": "https://Acme.freshdesk.com/"}).domain == "acme.freshdesk.com"

"""The configuration of an account: what is refused, and in which words."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from wechat_rig import SETTINGS, make_wechat

from connectors.wechat import WeChat


def refusal(**settings):
    with pytest.raises(ValidationError) as caught:
        WeChat.Config(**(SETTINGS | settings))
    (error,) = caught.value.errors()
    return ".".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, ")


@pytest.mark.parametrize(
    ("settings", "where", "says"),
    [
        ({"encoding_aes_key": "a" * 42}, "encoding_aes_key", "must have 43 characters, this one has 42"),
        ({"encoding_aes_key": "a" * 44}, "encoding_aes_key", "must have 43 characters, this one has 44"),
        ({"encoding_aes_key": "a" * 42 + "-"}, "encoding_aes_key", "letters, digits, + and /"),
        ({"encoding_aes_key": ""}, "", "encoding_aes_key is missing"),
        ({"encoding_aes_key": "", "mode": "compatible"}, "", "encoding_aes_key is missing"),
        ({"app_secret": ""}, "app_secret", "is missing"),
        ({"token": " "}, "token", "is missing"),
        ({"app_id": "wx 1"}, "app_id", "AppID"),
        ({"mode": "encrypted"}, "mode", "'plain', 'compatible' or 'secure'"),
        ({"flavour": "game"}, "flavour", "'mini_program' or 'official_account'"),
        ({"api_base": "http://gateway.example"}, "", "plain http"),
        ({"api_base": "https://api.weixin.qq.com/"}, "", "must not end with a slash"),
        ({"typing_path": "cgi-bin/typing"}, "typing_path", "must start with a slash"),
        ({"appid": "wx1"}, "appid", "not permitted"),
        ({"window": {"reply": 5}}, "window.reply", "not permitted"),
        ({"window": {"lasts": 48}}, "window.lasts", "number with a unit"),
        ({"window": {"replies": 0}}, "window.replies", "greater than or equal to 1"),
        ({"templates": {"back": {"id": "T", "data": {}}}}, "templates.back.data", "at least 1"),
    ],
    ids=str,
)
def test_faults_are_named(settings, where, says):
    place, message = refusal(**settings)
    assert place == where
    assert says in message


def test_secrets_are_in_no_message():
    for settings in ({"encoding_aes_key": "s3cret-key"}, {"mode": "x"}, {"token": ""}):
        with pytest.raises(ValidationError) as caught:
            WeChat.Config(**(SETTINGS | settings))
        assert "s3cret" not in str(caught.value)


def test_a_plain_account_needs_no_key():
    assert WeChat.Config(**(SETTINGS | {"encoding_aes_key": "", "mode": "plain"})).mode == "plain"


def test_defaults():
    config = WeChat.Config(**{name: SETTINGS[name] for name in SETTINGS})
    assert (config.mode, config.flavour, config.uncertain) == ("secure", "mini_program", "hold")
    assert config.api_base == WeChat.Config(**(SETTINGS | {"api_base": ""})).api_base == "https://api.weixin.qq.com"


def test_the_window_is_data():
    window = {"replies": 20, "lasts": "24h", "on_entry": 1, "entry_lasts": "2m"}
    found = make_wechat(lambda: datetime(2026, 1, 5, tzinfo=UTC), window=window).capabilities.window
    assert (found.replies, found.on_entry) == (20, 1)
    assert (found.lasts, found.entry_lasts) == (timedelta(hours=24), timedelta(minutes=2))


def test_secrets_do_not_show():
    config = WeChat.Config(**SETTINGS)
    shown = repr(config) + str(config) + config.model_dump_json()
    assert not [name for name in ("app_secret", "token", "encoding_aes_key") if SETTINGS[name] in shown]

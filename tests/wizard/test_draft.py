"""What was entered survives; it can be read by its owner only, and becomes a file that serves."""

import stat
import tomllib
from pathlib import Path

import pytest

from bridge.first_config import Chosen, config_text
from bridge.kinds import known_kinds, load_kind
from bridge.registry import declare_accounts
from bridge.settings import load_settings
from bridge.wizard.draft import Account, Draft, Drafts, Former, digest, write_private
from bridge.wizard.forms import entered, faults_of, fields_of, kinds_for, made_values

SECRET = "a-secret-that-nobody-else-reads"


def test_what_is_half_done_is_kept_and_sealed(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "config.toml")
    draft = drafts.load()
    draft.channel = Account(
        kind="wechat", values={"app_secret": SECRET}, former=[Former(key="t", value=SECRET, until="x")]
    )
    draft.finish("you")
    drafts.save(draft)
    files = list((tmp_path / ".bridge-setup").iterdir())
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files) and len(files) == 2
    assert stat.S_IMODE((tmp_path / ".bridge-setup").stat().st_mode) == 0o700
    assert not any(SECRET.encode() in path.read_bytes() for path in files)
    again = Drafts(tmp_path / "config.toml").load()
    assert again == draft and again.secret_key == draft.secret_key
    drafts.forget()
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_be_opened_is_begun_anew(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "config.toml")
    drafts.save(Draft(admin="ada", secret_key="x" * 32))
    (tmp_path / ".bridge-setup" / "key").write_bytes(b"another")
    assert drafts.load().admin == ""
    (tmp_path / ".bridge-setup" / "config.toml").write_bytes(b"cut off")
    assert drafts.load().admin == ""


def test_a_set_up_goes_on_only_with_its_own_file(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "config.toml")
    assert drafts.unfinished()
    write_private(drafts.config, "written by the wizard")
    assert not drafts.unfinished(), "somebody's configuration: it is served"
    drafts.save(Draft(written=digest(drafts.config)))
    assert drafts.unfinished(), "the last step is open"
    drafts.config.write_text("and changed by hand")
    assert not drafts.unfinished()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_entered_is_what_the_file_says(tmp_path: Path, language: str) -> None:
    channel = {"app_id": "wx0123456789abcdef", "app_secret": 'quo"te\\', **made_values("wechat", "channel")}
    desk = {"api_base": "https://rt.example/REST/2.0", "token": "1-2-x", "queue": "Sup\nport", "hook_secret": "s" * 32}
    text = config_text(
        {"public_url": "https://b.example", "secret_key": "k" * 32},
        [Chosen("channel", "wechat", channel), Chosen("desk", "rt", desk)],
        language,
        "# by hand",
    )
    path = tmp_path / "config.toml"
    write_private(path, text)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = tomllib.loads(text)
    assert found["accounts"]["shop"] == {"kind": "wechat", "mode": "secure", **channel}
    assert {key: found["accounts"]["support"][key] for key in desk} == desk
    settings = load_settings(path)
    assert settings.bridge.public_url == "https://b.example" and settings.bridge.language == language
    assert set(declare_accounts(settings, path)) == {"shop", "support"}


def test_every_installed_kind_has_a_form_in_each_of_its_roles() -> None:
    for kind, point in known_kinds().items():
        connector = load_kind(point)
        for role in (one.value for one in connector.roles if one.value in {"channel", "desk"}):
            assert kind in kinds_for(role)
            fields = fields_of(kind, role, {}, {})
            named = {one.name for one in fields} | set(made_values(kind, role))
            assert {name for name, field in connector.Config.model_fields.items() if field.is_required()} - {
                "kind"
            } <= named
            assert all(one.setting.title.zh and one.setting.title.en for one in fields)


def test_a_form_changes_what_it_shows_and_nothing_else() -> None:
    before = {"app_secret": SECRET, "token": "made", "mode": "plain"}
    form = {"app_id": " wx0123456789abcdef ", "app_secret": "", "mode": "secure", "api_base": "", "unknown": "x"}
    after = entered("wechat", "channel", form, before)
    assert after == {"app_id": "wx0123456789abcdef", "app_secret": SECRET, "token": "made", "mode": "secure"}
    sites = entered(
        "webchat", "channel", {"allowed_origins": "https://a.example\nhttps://b.example", "max_file": "2048"}, {}
    )
    assert sites == {"allowed_origins": ["https://a.example", "https://b.example"], "max_file": 2048}
    assert faults_of("wechat", {"app_id": "no app"}).keys() >= {"app_id", "app_secret", "token"}
    assert faults_of("webchat", sites) == {}


def test_a_kept_secret_shows_its_end_only() -> None:
    fields = {one.name: one for one in fields_of("wechat", "channel", {"app_secret": SECRET}, {})}
    assert fields["app_secret"].value == "" and fields["app_secret"].kept == "…eads"
    short = {one.name: one for one in fields_of("wechat", "channel", {"app_secret": "short"}, {})}
    assert short["app_secret"].kept == "•••••"

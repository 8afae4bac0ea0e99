"""Faults in the configuration: exit 2 and one line that names the key."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli.main import main
from bridge.testing.e2e import prefork

GOOD = """[bridge]
public_url = "https://bridge.example.com"
secret_key = "0123456789abcdef0123456789abcdef"
[accounts.shop]
kind = "wechat"
app_id = "wx0123456789abcdef"
app_secret = "secret-of-the-app"
token = "token"
encoding_aes_key = "q7Zr2LxN0vKd5TgYw8BmHc3JpFs6RaEu1XoMiQyVtWz"
[accounts.desk]
kind = "rt"
api_base = "https://rt.example.com/REST/2.0"
token = "1-2-3"
queue = "Support"
[[routes]]
channel = "shop"
desk = "desk"
"""
FAULTS = {
    "typo": ('queue = "Support"', 'queue = "Support"\nqueu = "x"', "accounts.desk.queu: is not a known key"),
    "typo in a section": ("[[routes]]", "[engine]\nworker = 3\n[[routes]]", "engine.worker: is not a known key"),
    "missing secret": ('app_secret = "secret-of-the-app"\n', "", "accounts.shop.app_secret: is missing"),
    "missing key": ('secret_key = "0123456789abcdef0123456789abcdef"\n', "", "bridge.secret_key: is missing"),
    "42 characters": (
        "XoMiQyVtWz",
        "XoMiQyVtW",
        "accounts.shop.encoding_aes_key: must have 43 characters",
    ),
    "unknown kind": ('kind = "rt"', 'kind = "otrs"', "accounts.desk.kind: 'otrs' is unknown; known kinds: "),
    "route to nowhere": ('desk = "desk"', 'desk = "nowhere"', "routes.0.desk: there is no account 'nowhere'"),
    "route from a desk": (
        'channel = "shop"',
        'channel = "desk"',
        "routes.0.channel: account 'desk' cannot be a channel",
    ),
    "bare number": ("[[routes]]", "[engine]\nlease = 60\n[[routes]]", "engine.lease: must be a number with a unit"),
    "plain http": ("https://rt.example.com", "http://rt.example.com", "accounts.desk: api_base on plain http"),
    "a letter wrong": ('queue = "Support"', 'queue = "Support"\nhook_secrt = "x"', "; did you mean 'hook_secret'?"),
    "a kind's letter": ('kind = "rt"', 'kind = "rtt"', "; did you mean 'rt'?"),
    "an account's letter": (
        'desk = "desk"',
        'desk = "dsk"',
        "there is no account 'dsk'; accounts: desk, shop; did you mean 'desk'?",
    ),
    "a section's letter": (
        "[[routes]]",
        "[engin]\nworkers = 3\n[[routes]]",
        "engin: is not a known key; did you mean 'engine'?",
    ),
    "a table's letter": (
        "encoding_aes_key",
        "window = { replys = 3 }\nencoding_aes_key",
        "window.replys: is not a known key; did you mean 'replies'?",
    ),
    "public address": (
        '"https://bridge.example.com"',
        '"bridge.example.com"',
        "bridge.public_url: public_url must be a URL",
    ),
    "hours of no day": (
        "[[routes]]",
        '[[routes]]\ngreeting = { hours = "mon 25:00-26:00" }',
        "greeting.hours: 'mon 25:00-26:00' cannot be read",
    ),
    "not TOML": ("[bridge]", "[bridge", "not valid TOML"),
}


def run(command: str, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return prefork.run(command, "--config", str(path), environment=environment)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_with_its_key(tmp_path: Path, name: str) -> None:
    old, new, expected = FAULTS[name]
    assert old in GOOD
    path = tmp_path / "config.toml"
    path.write_text(GOOD.replace(old, new))
    done = CliRunner().invoke(main, ["check", "--config", str(path)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(str(path))
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret-of-the-app" not in done.stderr


@pytest.mark.parametrize("name", ["typo", "missing key", "route to nowhere", "not TOML"])
@pytest.mark.parametrize("command", ["check", "serve"])
def test_each_command_ends_with_the_same_line(tmp_path: Path, name: str, command: str) -> None:
    old, new, expected = FAULTS[name]
    path = tmp_path / "config.toml"
    path.write_text(GOOD.replace(old, new))
    done = run(command, path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(str(path)) and expected in done.stderr and done.stderr.count("\n") == 1


def test_a_good_one_is_good(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    done = run("check", path)
    assert (done.returncode, done.stderr) == (0, "")


def test_only_a_channel_must_have_a_route(tmp_path: Path) -> None:
    """Its customers would write to nobody; a desk or a bot that no route names is where somebody may move them."""
    path = tmp_path / "config.toml"
    spare = (
        '[accounts.spare]\nkind = "rt"\napi_base = "https://rt.example.com/REST/2.0"\ntoken = "1-2-4"\nqueue = "B"\n'
    )
    path.write_text(GOOD.replace("[[routes]]", f"{spare}[[routes]]"))
    done = run("check", path)
    assert done.returncode == 0
    assert "accounts.spare: no route names it" in done.stderr
    chat = '[accounts.site]\nkind = "webchat"\n'
    path.write_text(GOOD.replace("[[routes]]", f"{chat}[[routes]]"))
    done = run("check", path)
    assert done.returncode == 2
    assert "accounts.site: no route names this account" in done.stderr


def test_secrets_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file\n")
    path = tmp_path / "config.toml"
    content = GOOD.replace('app_secret = "secret-of-the-app"', f'app_secret_file = "{secret}"')
    path.write_text(
        content.replace('token = "1-2-3"\n', "").replace('secret_key = "0123456789abcdef0123456789abcdef"\n', "")
    )
    done = run("check", path, BRIDGE_ACCOUNTS__DESK__TOKEN="1-2-3", BRIDGE_SECRET_KEY="0123456789abcdef")
    assert (done.returncode, done.stderr) == (0, "")


PUBLISHED = {
    "bridge.secret_key": ("0123456789abcdef0123456789abcdef", "replace-me-by-openssl-rand-hex-32"),
    "accounts.shop.encoding_aes_key": ("q7Zr2LxN0vKd5TgYw8BmHc3JpFs6RaEu1XoMiQyVtWz", "A" * 43),
    "accounts.shop.app_secret": ("secret-of-the-app", "replace-me"),
    "accounts.desk.token": ("1-2-3", "1-14-0123456789abcdef"),
}


@pytest.mark.parametrize("key", PUBLISHED)
def test_a_secret_of_the_documentation_is_no_secret(tmp_path: Path, key: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD.replace(*PUBLISHED[key]))
    done = run("check", path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{key}: is a value from documentation" in done.stderr
    assert PUBLISHED[key][1] not in done.stderr


def test_the_example_is_no_configuration() -> None:
    done = run("check", Path(__file__).resolve().parents[2] / "config.example.toml")
    assert done.returncode == 2
    assert done.stderr.count("is a value from documentation") == done.stderr.count("\n") == 6


def test_no_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    done = run("check", tmp_path / "nothing.toml")
    assert done.returncode == 2
    why = (
        "no such file; name one with --config or $BRIDGE_CONFIG, or make one: bridge up (in the browser) or bridge init"
    )
    assert done.stderr == f"{tmp_path / 'nothing.toml'}: {why}\n"


def test_every_command_that_reads_a_configuration_says_where_it_looks() -> None:
    """The variable in the help is the one that is read."""
    for command in (["check"], ["serve"], ["trace"], ["dead", "list"], ["people", "list"]):
        done = CliRunner().invoke(main, [*command, "--help"])
        assert "$BRIDGE_CONFIG" in done.stdout, command

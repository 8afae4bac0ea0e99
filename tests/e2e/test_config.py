"""Faults in the configuration: exit 2 and one line that names the key."""

import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """[bridge]
public_url = "https://bridge.example.com"
secret_key = "0123456789abcdef0123456789abcdef"
[accounts.shop]
kind = "wechat"
app_id = "wx0123456789abcdef"
app_secret = "secret-of-the-app"
token = "token"
encoding_aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
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
        "0123456789ABCDEFG",
        "0123456789ABCDEF",
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
    "not TOML": ("[bridge]", "[bridge", "not valid TOML"),
}


def run(command: str, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bridge", command, "--config", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_fault_is_one_line_with_its_key(tmp_path: Path, name: str, command: str) -> None:
    old, new, expected = FAULTS[name]
    assert old in GOOD
    path = tmp_path / "config.toml"
    path.write_text(GOOD.replace(old, new))
    done = run(command, path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(str(path))
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret-of-the-app" not in done.stderr


def test_a_good_one_is_good(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    done = run("check", path)
    assert (done.returncode, done.stderr) == (0, "")


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


def test_no_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    done = run("check", tmp_path / "nothing.toml")
    assert done.returncode == 2
    assert done.stderr == f"{tmp_path / 'nothing.toml'}: no such file; name one with --config or $BRIDGE_CONFIG\n"


def test_every_command_that_reads_a_configuration_says_where_it_looks() -> None:
    """The variable in the help is the one that is read."""
    for command in (["check"], ["serve"], ["trace"], ["dead", "list"], ["people", "list"]):
        done = subprocess.run(
            [sys.executable, "-m", "bridge", *command, "--help"], capture_output=True, text=True, check=False
        )
        assert "$BRIDGE_CONFIG" in done.stdout, command

"""Other routes put into the configuration, and back: nothing else of it changes."""

import sqlite3
from pathlib import Path

import pytest

from bridge.route_publishing import Unpublishable, with_routes
from bridge.testing.e2e import prefork
from tests.databases import sqlite_database

HEAD = """# my shop
[bridge]
public_url = "http://127.0.0.1:8899"
secret_key = "kJH7sd8fjKJHsdf87JHKJ7sdf87sdf8s"
database_url = "{url}"
[accounts.shop]
kind = "webchat"
[accounts.desk]
kind = "rt"
api_base = "http://127.0.0.1:9/REST/2.0"
token = "1-23-abcdefghijkl"
queue = "General"
hook_secret = "something-long-1"
# where it goes
"""
OWN = """[[routes]]  # all of them
name = "rest"
channel = "shop"
desk = "desk"
[routes.survey]
ask = "solved"

"""
TAIL = """[tickets]
reopen_within = "3d" # days
"""
OTHER = """# at night
[[routes]]
name = "night"
channel = "shop"
desk = "desk"
when = { words = ["refund"] }
[[routes]]
name = "rest"
channel = "shop"
desk = "desk"
"""


def test_published_and_put_back_with_an_audit_row(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    url = sqlite_database(tmp_path)
    before = HEAD.format(url=url) + OWN + TAIL
    config.write_text(before, "utf-8")
    config.chmod(0o640)
    (tmp_path / "night.toml").write_text(OTHER, "utf-8")
    refused = prefork.run("routes", "publish", "night.toml", folder=tmp_path)  # nobody says yes
    assert refused.returncode == 1 and config.read_text("utf-8") == before
    done = prefork.run("routes", "publish", "night.toml", "--yes", folder=tmp_path)
    assert done.returncode == 0 and "A bridge that serves goes by them when it starts anew." in done.stdout, done.stderr
    assert config.read_text("utf-8") == HEAD.format(url=url) + OTHER.partition("\n")[2] + "\n" + TAIL
    assert config.stat().st_mode & 0o777 == 0o640
    assert prefork.run("routes", "undo", folder=tmp_path).returncode == 0
    assert config.read_text("utf-8") == before
    nothing = prefork.run("routes", "undo", folder=tmp_path)
    assert nothing.returncode == 1 and "nothing to put back" in nothing.stderr
    rows = sqlite3.connect(tmp_path / "bridge.db").execute("select who, what from audit").fetchall()
    assert rows == [("command line", "publish routes"), ("command line", "undo routes")]


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ('[[routes]]\nchannel = "nope"\ndesk = "desk"\n', "bad.toml: routes.0.channel: there is no account 'nope'"),
        ("[x]\na = 1\n", "bad.toml: x: a draft has [[routes]] only"),
        ("[[routes]\n", "bad.toml: not valid TOML"),
    ],
)
def test_what_cannot_serve_is_not_published(tmp_path: Path, routes: str, said: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(HEAD.format(url=sqlite_database(tmp_path)) + OWN + TAIL, "utf-8")
    before = config.read_bytes()
    (tmp_path / "bad.toml").write_text(routes, "utf-8")
    done = prefork.run("routes", "publish", "bad.toml", "--yes", folder=tmp_path)
    assert done.returncode == 1 and said in done.stderr and config.read_bytes() == before


def test_what_stands_elsewhere_in_a_file_is_refused_rather_than_broken() -> None:
    assert with_routes("", OTHER) == OTHER.strip() + "\n"
    assert with_routes("[a]\nb = 1", OTHER).startswith("[a]\nb = 1\n# at night\n[[routes]]\n")
    with pytest.raises(Unpublishable, match="by lines"):
        with_routes("routes = [{ channel = 'a', desk = 'b' }]\n[x]\ny = 1\n", OTHER)
    with pytest.raises(Unpublishable, match="by lines"):
        with_routes('[x]\ntext = """\n[[routes]]\nis no table here\n"""\n', OTHER)

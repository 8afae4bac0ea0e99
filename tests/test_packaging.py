"""The wheel holds all that the product needs, and its entry points load."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from bridge.contract import Connector

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    code = f"import hatchling.build, os; os.chdir({str(ROOT)!r}); print(hatchling.build.build_wheel({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_is_whole(wheel: zipfile.ZipFile) -> None:
    held = set(wheel.namelist())
    for package in ("bridge", "connectors", "mappings"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.relative_to(ROOT).as_posix() in held
    assert not [name for name in held if name.startswith("tests/")]


def test_entry_points_load() -> None:
    for point in entry_points(group="bridge.connectors"):
        connector = point.load()
        assert issubclass(connector, Connector)
        assert connector.kind == point.name
        assert connector.roles
        assert connector.capabilities


def _asked(entries: list[Any], groups: dict[str, list[Any]]) -> list[Requirement]:
    """Requirements, with the groups that a group includes."""
    found = []
    for entry in entries:
        found += [Requirement(entry)] if isinstance(entry, str) else _asked(groups[entry["include-group"]], groups)
    return found


@pytest.mark.parametrize(
    ("lock", "extras", "group"),
    [
        ("requirements.lock", ("postgresql", "email"), ""),
        ("requirements-build.lock", None, "build"),
        ("requirements-dev.lock", ("postgresql", "email", "testing"), "dev"),
        ("requirements-bench.lock", None, "bench"),
    ],
)
def test_the_locks_hold_what_is_asked(lock: str, extras: tuple[str, ...] | None, group: str) -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project, groups = asked["project"], asked["dependency-groups"]
    wanted = _asked(groups[group], groups) if group else []
    if extras is not None:
        entries = [
            *project["dependencies"],
            *(one for name in extras for one in project["optional-dependencies"][name]),
        ]
        wanted += _asked(entries, groups)
    text = (ROOT / lock).read_text("utf-8")
    held = {name.lower(): version for name, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", text, re.MULTILINE)}
    missing = [
        str(one) for one in wanted if (at := held.get(one.name.lower())) is None or not one.specifier.contains(at)
    ]
    assert missing == [], "run `make lock`"
    assert text.count("--hash=sha256:") >= len(held)


# what is needed at run time although no module of ours imports it
UNSEEN = {
    "httptools": "the web server's parser",
    "uvloop": "the web server's loop",
    "python-multipart": "Starlette reads forms with it",
    "sniffio": "httpcore imports it at every request if it can",
    "tzdata": "data of zoneinfo",
    "psycopg": "SQLAlchemy's driver",
    "rjieba": "loaded by those who cut words",
}
MODULES = {"pillow": "PIL", "argon2-cffi": "argon2"}  # distributions that are named otherwise than their module


def test_the_production_lock_holds_what_is_imported_and_what_that_needs() -> None:
    """No build tool and nothing that nobody imports is installed where customers' messages are."""
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    entries = [*asked["project"]["dependencies"], *asked["project"]["optional-dependencies"]["postgresql"]]
    entries += asked["project"]["optional-dependencies"]["email"]
    direct = {one.name.lower(): one for one in map(Requirement, entries)}
    seen = _imported()
    idle = [name for name in direct if MODULES.get(name, name.replace("-", "_")) not in seen and name not in UNSEEN]
    assert idle == [], "nothing imports these: take them out of pyproject.toml, then `make lock`"
    needed, open_ = set[str](), list(direct.values())
    while open_:
        one = open_.pop()
        if one.name.lower() in needed:
            continue
        needed.add(one.name.lower())
        for entry in requires(one.name) or ():
            more = Requirement(entry)
            extras = one.extras or {""}
            if more.marker is None or any(more.marker.evaluate({"extra": extra}) for extra in extras):
                open_.append(more)
    plain = {re.sub(r"[-_.]+", "-", name) for name in needed}
    text = (ROOT / "requirements.lock").read_text("utf-8")
    held = {re.sub(r"[-_.]+", "-", name.lower()) for name in re.findall(r"^([\w.-]+)==[^\n]*", text, re.MULTILINE)}
    assert held - plain == set(), "in the lock, and needed by nothing that is imported"


def _imported() -> set[str]:
    found = set()
    for package in ("bridge", "connectors", "mappings"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {one.name.partition(".")[0] for one in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.partition(".")[0])
    return found


def test_the_wheel_installs_where_it_was_not_made(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Unpacked elsewhere, on a path of its own: nothing is taken from the checkout."""
    wheel.extractall(tmp_path)
    code = "import bridge, sys; from bridge.cli.main import main; print(bridge.__file__, file=sys.stderr); sys.argv[1:] = ['connectors']; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(str(tmp_path))
    assert "wechat" in done.stdout

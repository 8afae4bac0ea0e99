"""`bridge new-connector`: what it writes passes the suite as it comes, from an installed wheel, outside this repository."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def build(project: Path, out: Path) -> zipfile.ZipFile:
    code = f"import hatchling.build, os; os.chdir({str(project)!r}); hatchling.build.build_wheel({str(out)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    return zipfile.ZipFile(wheel)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bridge installed from its wheel."""
    folder = tmp_path_factory.mktemp("site")
    build(ROOT, tmp_path_factory.mktemp("wheel")).extractall(folder)
    return folder


def run(site: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site), "HOME": os.environ.get("HOME", "/")}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=cwd)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("role", ["desk", "channel", "bot"])
def test_it_passes_as_it_comes(site: Path, tmp_path: Path, role: str) -> None:
    made = run(site, tmp_path, "bridge", "new-connector", f"acme-{role}", "--role", role)
    assert made.returncode == 0, made.stderr
    project = tmp_path / f"bridge-acme-{role}"
    # of its journeys two: each starts a bridge
    chosen = "not Journey or once_and_in_order or (only_the_desk_knows and answered)"
    done = run(site, project, "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "-k", chosen)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
    if role != "bot":  # the plugin was found by itself
        assert "rules of the bridge" in done.stdout
        assert f"TestAcme{role.title()}: " in done.stdout
    typed = run(site, project, "mypy", "--cache-dir", str(tmp_path / "mypy"))
    assert typed.returncode == 0, typed.stdout
    build(project, tmp_path / "dist").extractall(tmp_path / "installed")
    both = Path(f"{tmp_path / 'installed'}{os.pathsep}{site}")
    rows = json.loads(run(both, tmp_path, "bridge", "connectors", "--json").stdout)
    (row,) = [row for row in rows if row["kind"] == f"acme_{role}"]
    assert row["roles"] == [role]
    if role == "desk":  # from the two wheels, with nobody's source at hand
        told = run(both, tmp_path, "bridge", "demo", "--desk", "acme_desk")
        assert told.returncode == 0, told.stderr
        assert "the customer reads      Yes, it ships today." in told.stdout
    if role == "bot":
        return
    installed = run(both, tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "-c", str(project / "pyproject.toml"),
                    "-k", "readme or quality", str(project / "tests"), "-o", "pythonpath=")  # fmt: skip
    assert installed.returncode == 0, installed.stdout[-3000:]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Acme", "--role", "desk"), "is no kind"),
        (("acme--x", "--role", "desk"), "is no kind"),
        (("../acme", "--role", "desk"), "is no kind"),
        (("rt", "--role", "desk"), "is installed already"),
        (("acme", "--role", "desk", "--out", "full"), "is there already"),
        (("acme", "--role", "robot"), "is not one of"),
        (("acme",), "Missing option"),
    ],
)
def test_what_is_refused_writes_nothing(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    done = run(ROOT, tmp_path, "bridge", "new-connector", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "full"]

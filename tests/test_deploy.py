"""What `deploy/` gives away is well-formed, and says of the bridge what is true."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bridge.cli.main import main
from bridge.settings import BridgeSettings

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "container" / "compose.yaml"
DOCKERFILE = DEPLOY / "container" / "Dockerfile"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
PROXIES = {"Caddyfile": r"/(\w+)/\*", "nginx.conf": r"\^/\(([\w|]+)\)/"}


def _run(tool: str, *arguments: str | Path) -> None:
    found = subprocess.run(
        [str(Path(sys.executable).parent / tool), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr


def _yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text("utf-8"))


def test_the_dockerfile_passes_a_linter() -> None:
    _run("hadolint", DOCKERFILE)


@pytest.mark.parametrize(("schema", "path"), [("compose-spec", COMPOSE), ("github-workflows", WORKFLOW)])
def test_yaml_fits_the_published_format(schema: str, path: Path) -> None:
    _run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", path)


def test_the_image_holds_what_the_wheel_needs() -> None:
    """The build sees only what .dockerignore lets through."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


def test_the_image_starts_a_command_that_exists() -> None:
    words = json.loads(re.findall(r"^CMD (\[.+\])$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)[-1])
    options = {name for option in main.commands[words[0]].params for name in option.opts}
    assert {word for word in words[1:] if word.startswith("--")} <= options


def test_variables_that_are_set_are_read() -> None:
    known = {f"BRIDGE_{name.upper()}" for name in BridgeSettings.model_fields} | {"BRIDGE_CONFIG"}
    given = set(_yaml(COMPOSE)["services"]["bridge"]["environment"])
    unit = (DEPLOY / "systemd" / "bridge.service").read_text("utf-8")
    given |= set(re.findall(r"^Environment=(\w+)=", unit, re.MULTILINE))
    given |= set(re.findall(r"\b(BRIDGE_\w+)=", DOCKERFILE.read_text("utf-8")))
    assert given <= known


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_passes_on_what_is_meant_for_the_outside(name: str) -> None:
    """And nothing else: an allow-list, so that no odd spelling of /metrics gets through."""
    text = (DEPLOY / "proxy" / name).read_text("utf-8")
    passed = {word for found in re.findall(PROXIES[name], text) for word in found.split("|")}
    assert passed == {"hooks", "chat", "desk", "media", "api", "rate", "answers", "console"}
    assert "404" in text


def test_the_units_hold_the_promises_of_the_pages() -> None:
    unit = (DEPLOY / "systemd" / "bridge.service").read_text("utf-8")
    assert {"UMask=0077", "StateDirectoryMode=0700", "Requires=bridge.socket"} <= set(unit.splitlines())
    assert "ListenStream=127.0.0.1:8080" in (DEPLOY / "systemd" / "bridge.socket").read_text("utf-8")


def test_the_forge_runs_the_same_gates() -> None:
    steps = [step.get("run", "") for job in _yaml(WORKFLOW)["jobs"].values() for step in job["steps"]]
    asked = {found for step in steps for found in re.findall(r"\bmake (\w+)", step)}
    assert asked == set(re.findall(r"^make (\w+)", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE))

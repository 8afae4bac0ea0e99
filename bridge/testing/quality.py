"""quality.toml: how far a connector is proven, rule by rule.

    [bronze]
    signatures = { done = "tests/connectors/shop/test_conformance.py::TestShop::test_a_forged_callback_is_no_evidence" }
    [silver]
    finds = { exempt = "the vendor has no look-up; see README, Limits" }

`done` names the test that proves the rule, as pytest would: a file relative to the project, then names. `exempt` says
why the rule cannot apply. Anything else is a gap.
"""

import ast
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RULES: dict[str, dict[str, str]] = {
    "bronze": {
        "signatures": "forged callbacks are refused",
        "stable_keys": "the same thing has one key, however often and by whatever way it comes",
        "errors_mapped": "each of the vendor's refusals has its class",
        "check": "check tells good, wrong, powerless and unreachable apart",
        "readme": "README.md says how to set it up and what it cannot do",
    },
    "silver": {
        "collects": "what a lost callback said is found later",
        "finds": "after an uncertain send the vendor can be asked",
        "reauth": "expired or revoked credentials are renewed once, or reported",
        "log_once": "an outage is logged when it begins and when it ends",
        "throttling": "the vendor's pace is kept",
    },
    "gold": {
        "simulator": "the simulator has every endpoint that is used",
        "diagnostics": "logs, errors and health show no secret",
        "limits": "each limit of the vendor is documented and tested",
        "cassettes": "traffic of a live account is replayed",
    },
    "platinum": {
        "conformance": "the whole conformance suite passes",
        "typed": "mypy is strict and content",
        "load": "it keeps its promises under load",
        "kill": "it keeps its promises when the process is killed",
    },
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One rule: `done` names a test, `exempt` gives a reason; both empty is a gap."""

    done: str = ""
    exempt: str = ""


Quality = dict[str, dict[str, Standing]]


def read_quality(path: Path) -> Quality:
    """The standing of each rule by tier. Raises ValueError for a file that says something else."""
    with path.open("rb") as file:
        content = tomllib.load(file)
    return {
        tier: {rule: _standing(value, f"{tier}.{rule}") for rule, value in rules.items()}
        for tier, rules in content.items()
    }


def _standing(value: Any, where: str) -> Standing:
    if not isinstance(value, dict) or not set(value) <= {"done", "exempt"} or len(value) != 1:
        raise ValueError(f'{where} must be {{ done = "path::test" }} or {{ exempt = "reason" }}')
    return Standing(**{key: str(text) for key, text in value.items()})


def find_gaps(quality: Quality, path: Path) -> list[str]:
    """What is missing or untrue, one sentence each: rules without a standing, tests that do not exist."""
    gaps = [f"{path.name}: unknown tier {tier}" for tier in quality if tier not in RULES]
    root = find_root(path)
    for tier, rules in RULES.items():
        given = quality.get(tier, {})
        gaps += [f"{path.name}: unknown rule {tier}.{rule}" for rule in given if rule not in rules]
        for rule, meaning in rules.items():
            standing = given.get(rule, Standing())
            where = f"{path.name}: {tier}.{rule} ({meaning})"
            if standing.done:
                if root is not None and not has_test(root, standing.done):
                    gaps.append(f"{where} names a test that does not exist: {standing.done}")
            elif len(standing.exempt.split()) < 3:
                gaps.append(f"{where} needs the test that proves it, or a reason why it cannot apply")
    return gaps


def reached_tier(quality: Quality) -> str:
    """The highest tier whose rules, and those below, all have a standing; "" for none."""
    reached = ""
    for tier, rules in RULES.items():
        if any(not (standing := quality.get(tier, {}).get(rule)) or standing == Standing() for rule in rules):
            return reached
        reached = tier
    return reached


def find_root(path: Path) -> Path | None:
    """The folder of the project a file belongs to: the nearest one with a pyproject.toml. None for what is installed:
    its tests are elsewhere.
    """
    return next((folder for folder in path.resolve().parents if (folder / "pyproject.toml").is_file()), None)


def has_test(root: Path, name: str) -> bool:
    """Whether `file::Class::test`, `file::test`, `file::Class` or `file` exists; inherited conformance tests count."""
    file, *names = name.split("::")
    path = root / file
    if not path.is_file():
        return False
    if not names:
        return (
            path.suffix != ".py" or "def test_" in path.read_text("utf-8") or "Conformance" in path.read_text("utf-8")
        )
    tree = ast.parse(path.read_text("utf-8"))
    found: ast.AST = tree
    for part in names:
        inside = {node.name: node for node in ast.iter_child_nodes(found) if isinstance(node, _NAMED)}
        if part not in inside:
            return isinstance(found, ast.ClassDef) and _inherits(tree, found, part)
        found = inside[part]
    return True


_NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _inherits(tree: ast.Module, case: ast.ClassDef, test: str) -> bool:
    """Whether a class gets the test from its bases: those in the same file, or the conformance suite."""
    from bridge.testing.conformance import ConnectorConformance

    bases = {base.id if isinstance(base, ast.Name) else getattr(base, "attr", "") for base in case.bases}
    if "ConnectorConformance" in bases and callable(getattr(ConnectorConformance, test, None)):
        return True
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node is not case and node.name in bases:
            own = any(isinstance(part, _NAMED) and part.name == test for part in node.body)
            if own or _inherits(tree, node, test):
                return True
    return False

"""quality.toml is believed only as far as its tests exist."""

from pathlib import Path

import pytest

from bridge.testing.quality import RULES, Quality, Standing, find_gaps, has_test, reached_tier, read_quality
from tests.contract.example import generate

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
EXAMPLE = "tests/contract/example/test_conformance.py"


@pytest.mark.parametrize("name", generate.FILES)
def test_the_example_is_what_new_connector_writes(name: str) -> None:
    """`make docs` writes it anew."""
    assert (ROOT / "tests/contract/example" / name).read_text("utf-8") == generate.generated(name)


def complete() -> Quality:
    return {tier: {rule: Standing(exempt="for a good reason") for rule in rules} for tier, rules in RULES.items()}


def test_a_complete_file_has_no_gaps() -> None:
    assert find_gaps(complete(), HERE) == []
    assert reached_tier(complete()) == "platinum"


def test_a_missing_rule_is_a_gap_and_ends_the_climb() -> None:
    quality = complete()
    del quality["silver"]["finds"]
    (gap,) = find_gaps(quality, HERE)
    assert "silver.finds" in gap
    assert reached_tier(quality) == "bronze"
    assert reached_tier({}) == ""


@pytest.mark.parametrize(
    ("standing", "says"),
    [
        (Standing(exempt="no"), "a reason"),
        (Standing(done=f"{EXAMPLE}::TestPost::test_of_dreams"), "does not exist"),
        (Standing(done="tests/contract/nowhere.py::test_x"), "does not exist"),
    ],
)
def test_a_rule_that_is_not_proven_is_a_gap(standing: Standing, says: str) -> None:
    quality = complete()
    quality["bronze"]["check"] = standing
    (gap,) = find_gaps(quality, HERE)
    assert says in gap


def test_unknown_rules_and_tiers_are_gaps() -> None:
    quality = complete() | {"diamond": {}}
    quality["gold"]["sparkle"] = Standing(exempt="it is very shiny")
    assert len(find_gaps(quality, HERE)) == 2


@pytest.mark.parametrize(
    ("name", "exists"),
    [
        (f"{EXAMPLE}::TestPost::test_429_says_how_long", True),  # inherited
        (f"{EXAMPLE}::TestPost::test_429_says_something_else", False),
        (f"{EXAMPLE}::TestPost", True),
        (f"{EXAMPLE}::TestNobody", False),
        (EXAMPLE, True),
        ("tests/contract/test_kit_quality.py::test_unknown_rules_and_tiers_are_gaps", True),
        ("tests/contract/test_kit_quality.py::complete::x", False),
        ("tests/contract/sockets.py", False),  # no tests in it
        ("tests", False),
    ],
)
def test_tests_are_looked_up(name: str, exists: bool) -> None:
    assert has_test(ROOT, name) is exists


@pytest.mark.parametrize(
    "text",
    ["[bronze]\ncheck = true", "[bronze]\ncheck = { todo = 'x' }", "[bronze]\ncheck = { done = 'x', exempt = 'y' }"],
)
def test_only_done_and_exempt_are_understood(tmp_path: Path, text: str) -> None:
    path = tmp_path / "quality.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"bronze\.check"):
        read_quality(path)

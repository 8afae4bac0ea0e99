"""The docs are true: the example loads, every key and metric is described, what is generated is current.

`python -m tests.test_docs` writes what is generated anew.
"""

import re
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import pytest

from bridge import settings
from bridge.cli.capabilities import matrix_text
from bridge.cli.main import main
from bridge.contract import describe
from bridge.keys import all_keys_text, keys_text
from bridge.registry import declare_accounts, known_kinds
from bridge.settings import load_settings
from bridge.settings.section import Section
from bridge.telemetry import metrics
from bridge.testing.conformance import HEADINGS

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
MATRIX = REFERENCE / "connectors.md"
_BEGIN, _END = "<!-- generated: make docs -->", "<!-- end -->"


OWN_KINDS = sorted(path.parent.name for path in (ROOT / "connectors").glob("*/README.md"))
GENERATED: dict[Path, Callable[[], str]] = {
    MATRIX: matrix_text,
    REFERENCE / "config.md": partial(all_keys_text, OWN_KINDS),
    **{ROOT / "connectors" / kind / "README.md": partial(keys_text, kind) for kind in OWN_KINDS},
    **{ROOT / "connectors" / kind / "README.zh-CN.md": partial(keys_text, kind, "zh") for kind in OWN_KINDS},
}


def test_the_example_is_a_valid_configuration() -> None:
    path = ROOT / "config.example.toml"
    loaded = load_settings(path)
    assert {one.config.kind for one in declare_accounts(loaded, path).values()} == {"wechat", "rt"}


def test_the_example_shows_the_defaults() -> None:
    loaded = load_settings(ROOT / "config.example.toml")
    for name in ("engine", "tickets", "replies", "retention", "console"):
        assert getattr(loaded, name) == type(getattr(loaded, name))()


SECTIONS = {
    name: model for name, model in vars(settings).items() if isinstance(model, type) and issubclass(model, Section)
}


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_is_described(name: str) -> None:
    text = (REFERENCE / "config.md").read_text("utf-8")
    keys = [field.alias or key for key, field in SECTIONS[name].model_fields.items()]
    missing = [key for key in keys if f"`{key}`" not in text]
    assert missing == []


def test_every_metric_is_described() -> None:
    text = (REFERENCE / "metrics.md").read_text("utf-8")
    assert [family.name for family in metrics.collect() if f"`{family.name}" not in text] == []


def test_every_command_is_described() -> None:
    text = (REFERENCE / "commands.md").read_text("utf-8")
    context = click.Context(main)
    missing = [name for name in main.list_commands(context) if f"`bridge {name}" not in text]
    assert missing == []


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_generated_is_current(path: Path) -> None:
    """`make docs` writes it anew."""
    text = path.read_text("utf-8")
    assert text == _with_generated(text, GENERATED[path]())


@pytest.mark.parametrize("kind", OWN_KINDS)
def test_every_key_of_a_connector_is_described_in_both_languages(kind: str) -> None:
    for one in describe(known_kinds()[kind].load().Config):
        assert all((one.title.en, one.title.zh, one.help.en, one.help.zh)), one.key
        assert bool(one.find.en) == bool(one.find.zh), one.key


@pytest.mark.parametrize("path", sorted((ROOT / "connectors").glob("*/README.md")), ids=lambda path: path.parent.name)
def test_connectors_pages_have_the_same_headings(path: Path) -> None:
    found = re.findall(r"^##\s+(.+?)\s*$", path.read_text("utf-8"), re.MULTILINE)
    assert [heading for heading in HEADINGS if heading not in found] == []


PAGES = [
    ROOT / "README.md",
    ROOT / "README.zh-CN.md",
    ROOT / "CHANGELOG.md",
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "connectors").glob("*/README*.md"),
]


def _quoted(text: str) -> list[str]:
    """What a page gives to type: blocks of code line by line, and code within the text."""
    fences = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    lines = [line.split("#")[0] for fence in fences for line in fence.splitlines()]
    return [*lines, *re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))]


def _unknown(words: list[str]) -> str:
    """What is wrong with the words after `bridge`; "" for nothing."""
    command: click.Command = main
    context = click.Context(main)
    for place, word in enumerate(words):
        if not isinstance(command, click.Group):
            options = {name for option in command.params for name in option.opts} | {"--help"}
            wrong = [one for one in words[place:] if one.startswith("--") and one.partition("=")[0] not in options]
            return f"no option {wrong[0]}" if wrong else ""
        found = command.get_command(context, word)
        if found is None:
            return f"no command {word}"
        command = found
    return ""


def test_commands_that_pages_give_exist() -> None:
    wrong = [
        f"{page.relative_to(ROOT)}: {quoted.strip()}: {unknown}"
        for page in PAGES
        for quoted in _quoted(page.read_text("utf-8"))
        for found in [re.search(r"(?:^|/bin/)bridge ([a-z-]+(?: .*)?)$", quoted.strip())]
        if found and (unknown := _unknown(found[1].split()))
    ]
    assert wrong == []


def test_make_targets_that_pages_give_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    asked = {
        (page.name, target)
        for page in PAGES
        for quoted in _quoted(page.read_text("utf-8"))
        for target in re.findall(r"^make ([a-z-]+)", quoted)
    }
    assert asked
    assert {one for one in asked if one[1] not in targets} == set()


def test_configurations_that_pages_show_are_read() -> None:
    """Every TOML block of a page that has accounts: their keys exist, and values are of the right kind."""
    wrong = []
    for page in PAGES:
        for block in re.findall(r"^ *```toml\n(.*?)^ *```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            shown = tomllib.loads(block)
            for name, keys in shown.get("accounts", {}).items():
                if "kind" not in keys:
                    continue
                config = known_kinds()[keys["kind"]].load().Config
                wrong += [f"{page.relative_to(ROOT)}: {name}.{key}" for key in keys if not _has(config, key)]
    assert wrong == []


def _has(config: type, key: str) -> bool:
    fields = config.model_fields
    return key in fields or key.removesuffix("_file") in fields


def test_every_page_is_named_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = [page.name for page in (ROOT / "docs").rglob("*.md") if page.name != "README.md"]
    assert [name for name in pages if f"{name})" not in index] == []
    folders = [page.parent.name for page in (ROOT / "connectors").glob("*/README.md")]
    assert [name for name in folders if f"connectors/{name}/README.md" not in index] == []


def test_links_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def _with_generated(text: str, made: str) -> str:
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    assert begin and end
    return f"{before}{_BEGIN}\n\n{made}\n\n{_END}{after}"


def test_the_tests_that_the_checklist_of_security_names_are_there() -> None:
    named = re.findall(r"`([\w/]*test_\w+\.py)`", (ROOT / "docs/security.md").read_text("utf-8"))
    assert [name for name in named if not list((ROOT / "tests").rglob(name))] == []
    assert len(named) > 20


KINDS = (
    "Poison", "Slow and many", "Work without end", "Memory by pictures", "Errors that tell or break", "Identity", "Sign-in", "Disk",
    "Around it",
)  # fmt: skip
DOORS = [
    "hooks",
    "chat",
    "desk",
    "console",
    "set-up",
    "api",
    "context",
    "uploads",
    "rate",
    "answers",
    "mail",
    "bots",
    "events",
    "wecom",
    "chatwoot",
    "webhook",
]


def test_every_kind_of_attack_is_answered_at_every_door() -> None:
    """Each by a test, or by the reason why it cannot occur there; once."""
    table = (ROOT / "docs/security.md").read_text("utf-8").partition("| kind | doors |")[2].partition("\n\n")[0]
    found: dict[str, list[str]] = {}
    for line in table.splitlines()[2:]:
        kind, doors, held, tests = (cell.strip() for cell in line.strip("|").split("|"))
        kind = kind or list(found)[-1]
        found.setdefault(kind, []).extend(doors.split(", "))
        assert re.search(r"test_\w+\.py", tests) or held.startswith("cannot occur: "), line
    assert list(found) == list(KINDS)
    for kind, doors_of_kind in found.items():
        assert sorted(doors_of_kind) == sorted(DOORS), kind


if __name__ == "__main__":
    for page, make in GENERATED.items():
        page.write_text(_with_generated(page.read_text("utf-8"), make()), "utf-8")

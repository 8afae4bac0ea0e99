"""Every text exists in both languages, is used, and is well written."""

import ast
import re
from pathlib import Path

import pytest

from bridge.console.pages import environment
from bridge.console.texts import catalogue, language_of
from bridge.console.views.conversation import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "bridge" / "console"
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))
SOURCES = [*TEMPLATES, *CONSOLE.rglob("*.py"), *(CONSOLE.parent / "wizard").rglob("*.py")]
_KEY = re.compile(
    r"""\bt\('([a-z_]+\.[a-z_]+)'[,)]|["']((?:error|sign|said|setup)\.(?!html|css|js|step_)[a-z_]+)["']"""
)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_can_be_read(path: Path) -> None:
    environment().get_template(path.relative_to(CONSOLE / "templates").as_posix())


def test_every_key_that_is_named_is_in_the_catalogue() -> None:
    named = {key for path in SOURCES for found in _KEY.findall(path.read_text("utf-8")) for key in found if key}
    assert len(named) > 30
    assert named - set(catalogue()) == set()


_ACTS = {"add_audit": 2, "audit": 1, "act": 0, "_act": 1, "_end": 3}  # which argument is the audit's word


def test_every_act_of_the_audit_has_words() -> None:
    acts = set(COMMANDS) | {f"{act} all of a cause" for act in ("replay", "drop")}
    for path in (path for top in ("bridge", "connectors", "mappings") for path in (ROOT / top).rglob("*.py")):
        for call in (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)):
            place = _ACTS.get(ast.unparse(call.func).rpartition(".")[2], 99)
            if len(call.args) > place and "simulator" not in path.parts and "description" not in path.name:
                said = [one.value for one in ast.walk(call.args[place]) if isinstance(one, ast.Constant)]
                acts |= {one for one in said if isinstance(one, str) and re.fullmatch("[a-z][A-Za-z ]+", one)}
    assert {"add API token", "add user", "erase", "remove agent", "pause", "sign in", "write a note", "retry"} <= acts
    assert {f"act.{act.replace(' ', '_')}" for act in acts} - set(catalogue()) == set()


def test_both_languages_say_something_with_the_same_values() -> None:
    places = re.compile(r"\{(\w+)\}")
    for key, (en, zh) in catalogue().items():
        assert en and zh, key
        assert set(places.findall(en)) == set(places.findall(zh)), key


def test_chinese_has_chinese_punctuation() -> None:
    """No ASCII comma, colon, question mark or full stop behind a Chinese character."""
    wrong = {key: zh for key, (_, zh) in catalogue().items() if re.search(r"[\u4e00-\u9fff][,;:?!.]", zh)}
    assert wrong == {}


def test_no_script_and_no_style_stands_in_a_template() -> None:
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)|\|\s*safe", text), (
            path.name
        )


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("zh-CN,zh;q=0.9", "zh"), ("fr, zh-TW;q=0.8", "zh"), ("de,en;q=0.1", "en"), ("", "en"), ("fr", "en")],
)
def test_the_browser_names_a_language(accepted: str, language: str) -> None:
    assert language_of(accepted) == language

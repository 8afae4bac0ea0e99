"""Pages in Chinese keep step with those in English: the same headings, tables and blocks of code."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WANTED = [
    ROOT / "README.md",
    ROOT / "docs" / "quickstart.md",
    ROOT / "docs" / "operating.md",
    ROOT / "docs" / "privacy.md",
    ROOT / "docs" / "how-to" / "allowance.md",
    ROOT / "docs" / "how-to" / "events.md",
    ROOT / "docs" / "reference" / "figures.md",
    ROOT / "docs" / "how-to" / "bots.md",
    *sorted((ROOT / "connectors").glob("*/README.md")),
]
COLUMN = re.compile(r"(?<!\\)\|")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]|[\u4e00-\u9fff]\.(?:\s|$)")


def chinese(page: Path) -> Path:
    return page.with_name(f"{page.stem}.zh-CN.md")


def _fences(text: str) -> list[str]:
    """Blocks of code, without what their comments say."""
    blocks = re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [
        kind + "\n".join(re.sub(r"\s*(?:#|<!--|//).*$", "", line).rstrip() for line in body.splitlines())
        for kind, body in blocks
    ]


def _outline(text: str) -> list[str]:
    """Headings by level and tables by rows and columns, in their order."""
    bare = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    found = []
    for line in bare.splitlines():
        if heading := re.match(r"(#+) ", line):
            found.append(heading[1])
        elif line.lstrip().startswith("|"):
            found.append(f"| {len(COLUMN.findall(line)) - 1}")
    return found


@pytest.mark.parametrize("page", WANTED, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_the_same_in_both_languages(page: Path) -> None:
    english, translated = page.read_text("utf-8"), chinese(page).read_text("utf-8")
    assert _outline(translated) == _outline(english)
    assert _fences(translated) == _fences(english)


@pytest.mark.parametrize("page", WANTED, ids=lambda page: str(page.relative_to(ROOT)))
def test_chinese_has_the_marks_of_chinese(page: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```|`[^`]*`|\]\([^)]*\)", "", chinese(page).read_text("utf-8"), flags=re.M | re.S)
    assert HALF_WIDTH.findall(text) == []


def test_nothing_is_translated_that_has_no_original() -> None:
    found = {path for path in ROOT.rglob("*.zh-CN.md") if not {".venv", "node_modules"} & set(path.parts)}
    assert found - {chinese(page) for page in WANTED} == set()


def _said_in_chinese() -> list[tuple[str, str]]:
    """Every Chinese text that agents, admins or customers read, with its place: what stands under `zh`."""
    found = []
    for path in [*(ROOT / "bridge").rglob("*.py"), *(ROOT / "connectors").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            values: list[ast.expr] = []
            if isinstance(node, ast.Dict):
                named = zip(node.keys, node.values, strict=True)
                values = [value for key, value in named if isinstance(key, ast.Constant) and key.value == "zh"]
            elif isinstance(node, ast.Call):
                values = [word.value for word in node.keywords if word.arg == "zh"]
            for value in values:
                parts = [one for one in ast.walk(value) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                found += [(f"{path.relative_to(ROOT)}:{one.lineno}", str(one.value)) for one in parts]
    return found


def test_texts_have_the_marks_of_chinese() -> None:
    """Full width beside Chinese characters, in every note, reason and remedy."""
    texts = _said_in_chinese()
    assert len(texts) > 300
    half = re.compile(
        rf"{HALF_WIDTH.pattern}|[\u4e00-\u9fff]\(|\)[\u4e00-\u9fff]|[\u4e00-\u9fff]\.\.\.|\.\.\.[\u4e00-\u9fff]"
    )
    assert [(place, text) for place, text in texts if half.search(re.sub(r"`[^`]*`", "", text))] == []

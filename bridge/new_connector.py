"""A connector to begin with: a distribution of its own that passes the conformance suite against its own toy vendor."""

import keyword
import re
from pathlib import Path
from string import Template

from bridge.contract import VERSION, Role
from bridge.kinds import known_kinds

_TEMPLATE = Path(__file__).parent / "template"
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_FILES = {  # from the template to the distribution
    "START.md.txt": "README.md",
    "pyproject.toml.txt": "pyproject.toml",
    "__init__.py.txt": "src/{package}/__init__.py",
    "connector.py.txt": "src/{package}/connector.py",
    "simulator.py.txt": "src/{package}/simulator.py",
    "README.md.txt": "src/{package}/README.md",
    "quality.toml.txt": "src/{package}/quality.toml",
    "test_conformance.py.txt": "tests/test_conformance.py",
}
_DESK_FILES = {"test_journey.py.txt": "tests/test_journey.py"}
_BOT_FILES = {
    "bot_START.md.txt": "README.md",
    "pyproject.toml.txt": "pyproject.toml",
    "__init__.py.txt": "src/{package}/__init__.py",
    "bot_connector.py.txt": "src/{package}/connector.py",
    "bot_simulator.py.txt": "src/{package}/simulator.py",
    "bot_README.md.txt": "src/{package}/README.md",
    "bot_test_conformance.py.txt": "tests/test_conformance.py",
}


class Refused(Exception):
    """Why nothing was written, and what to do."""


def write_connector(name: str, role: str, out: Path | None = None) -> Path:
    """Writes the distribution into `out` (a new folder, `bridge-NAME` by default) and returns where. Raises Refused."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > 40:
        raise Refused(f"{name!r} is no kind: begin with a letter, then lower-case letters, digits and single hyphens")
    kind = name.replace("-", "_")
    if kind in known_kinds():
        raise Refused(f"{kind!r} is installed already: take another name")
    folder = out or Path(f"bridge-{kind.replace('_', '-')}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} is there already: name a new or empty folder with --out")
    package = f"bridge_{kind}"
    files = _BOT_FILES if role == Role.BOT.value else _FILES | (_DESK_FILES if role == Role.DESK.value else {})
    for source, target in files.items():
        path = folder / target.format(package=package)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_file(source, kind, role, package), "utf-8")
    (folder / "src" / package / "py.typed").touch()
    return folder


def render_file(source: str, kind: str, role: str, package: str, tests: str = "tests") -> str:
    """A file of the template for a connector in the module `package`, whose tests lie in `tests`."""
    is_desk = role == Role.DESK.value
    words = {
        "kind": kind,
        "Class": "".join(part[:1].upper() + part[1:] for part in kind.split("_")),
        "package": package,
        "dist": f"bridge-{kind.replace('_', '-')}",
        "tests": tests,
        "role": role,
        "ROLE": role.upper(),
        "author_support": "FULL" if is_desk else "REFUSED",
        "is_desk": str(is_desk),
        "person": "agent" if is_desk else "customer",
        "people": "Agents" if is_desk else "Customers",
        "contract": VERSION.rpartition(".")[0],
    }
    return Template((_TEMPLATE / source).read_text("utf-8")).substitute(words)

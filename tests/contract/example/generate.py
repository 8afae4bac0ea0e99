"""The example is what `bridge new-connector post --role desk` writes: one source, `bridge/template`.

`python -m tests.contract.example.generate` writes it anew, as this project formats its code.
"""

import subprocess
import sys
from pathlib import Path

from bridge.new_connector import render_file

FOLDER = Path(__file__).parent
FILES = ("__init__.py", "connector.py", "simulator.py", "README.md", "quality.toml", "test_conformance.py")


def generated(name: str) -> str:
    """One of its files as it should be."""
    made = render_file(f"{name}.txt", "post", "desk", "tests.contract.example", "tests/contract/example")
    if not name.endswith(".py"):
        return made
    for command in (["check", "--fix-only", "--select", "I", "--quiet"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(FOLDER / name), "-"]
        made = subprocess.run(ruff, input=made, capture_output=True, text=True, check=True).stdout
    return made


if __name__ == "__main__":
    for one in FILES:
        (FOLDER / one).write_text(generated(one), "utf-8")

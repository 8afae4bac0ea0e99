"""What a user's installation consists of. The environment for development has more, and libraries use what they find:
structlog and httpx import rich and pygments, for one.
"""

import os
import re
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*", re.MULTILINE)


def only_installed() -> dict[str, str]:
    """Environment variables for a Python that finds what requirements.lock names, and nothing else of this one."""
    found = [str(Path(__file__).parent / "hiding"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(found), "BENCH_HIDDEN": ",".join(hidden())}


def hidden() -> list[str]:
    """The modules here that belong to no package of requirements.lock."""
    locked = {_plain(name) for name in _NAME.findall((ROOT / "requirements.lock").read_text("utf-8"))} | {"bridge"}
    return sorted(
        module
        for module, owners in packages_distributions().items()
        if not any(_plain(owner) in locked for owner in owners)
    )


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

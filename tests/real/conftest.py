"""Tests against software that nobody here wrote. They need its start scripts; without them they are left out."""

import os
from pathlib import Path

import pytest

from tests import optional

# a folder with mail.sh and rt.sh: each has the verbs install, start, stop and clean, and prints one line of JSON
SCRIPTS = Path(os.environ.get("BRIDGE_REALDESKS", Path(__file__).resolve().parents[3] / "shared" / "realdesks"))
_HERE = Path(__file__).parent


def why_not() -> str:
    """Why real software cannot be started here, "" when it can."""
    if not (SCRIPTS / "mail.sh").is_file() or not (SCRIPTS / "rt.sh").is_file():
        return "no start scripts; name their folder in BRIDGE_REALDESKS"
    return "" if os.geteuid() == 0 else "the servers need root"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reason = why_not()
    if reason:
        chosen = [item for item in items if item.get_closest_marker("real") and item.path.is_relative_to(_HERE)]
        optional.leave_out(items, config, "real software", reason, chosen)

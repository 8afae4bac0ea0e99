"""How tests are spread over the workers of pytest-xdist: one by one, the long ones first, and those of a file that
starts servers for all of its tests in one place.

`--dist loadgroup` is for that, but pytest-xdist 3.8 writes its groups where pytest 9.2 no longer reads them: every
worker started servers of its own, and nothing said so.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/real/", "tests/test_packaging.py")


class LongOnesFirst(LoadScopeScheduling):
    """The unit is a test, or a file of TOGETHER; units of many tests begin first."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(TOGETHER) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LongOnesFirst | None:
    return LongOnesFirst(config, log) if config.getvalue("dist") == "load" else None

"""Places where a test lets the process die.

Off unless `BRIDGE_FAILPOINT` names one (`name`, or `name:3` for the third time).
"""

import os
import signal

_wanted, _, _count = os.environ.get("BRIDGE_FAILPOINT", "").partition(":")
_left = int(_count or 1)


async def reached(name: str) -> None:
    """Kills the process here, as a power cut would, when a test asked for it."""
    reach(name)


def reach(name: str) -> None:
    """The same, for code that is not async."""
    global _left  # noqa: PLW0603 - one switch for the whole process, for tests only
    if name != _wanted:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

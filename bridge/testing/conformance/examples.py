"""How hypothesis draws examples for the suite."""

import warnings
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisWarning

CALM = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
HASTY = settings(CALM, phases=(Phase.explicit, Phase.generate))  # shrinking an example takes up to a minute


def for_each(*strategies: Any, shrinks: bool = True) -> Callable[[Callable[..., None]], None]:
    """Calls the decorated function with drawn examples, at once."""

    def examine(check: Callable[..., None]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)  # an example that was not shrunk is long, and says so
            drawn: Callable[[Callable[..., None]], Callable[[], None]] = given(*strategies)
            (CALM if shrinks else HASTY)(drawn(check))()

    return examine

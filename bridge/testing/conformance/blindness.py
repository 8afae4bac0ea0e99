"""The suite tried on broken connectors: with these hooks and this simulator, each fault must be noticed."""

import pytest

from bridge.testing.conformance.case import ConnectorCase
from bridge.testing.sabotage import NAMES, is_noticed


class Blindness(ConnectorCase):
    """One test for each fault of `bridge.testing.sabotage`, put into the author's own connector."""

    @pytest.mark.parametrize("fault", NAMES)
    async def test_no_sabotage_passes(self, fault: str) -> None:
        assert await is_noticed(type(self), fault), f"the suite is blind here: {fault}"

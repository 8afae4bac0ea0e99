"""The tests that every connector inherits.

    class TestShop(ConnectorConformance):
        connector = Shop
        simulator = Simulator            # bridge.testing.simulator.Simulator
        effect = "POST /messages"        # the request that people see, as "METHOD /path" (a regular expression)
        samples = raws_in(Path(__file__).parent / "fixtures")
        refusals = (Refusal("closed", Gone, status=409, body=b'{"error": "closed"}'),)

        async def happens(self, harness, text): ...
        async def open_conversation(self, harness): ...
        async def shown(self, harness): ...

`ConnectorCase` documents each of them. What a connector cannot have by its nature (no listener, no look-up, no vendor)
is decided by its optional protocols, its role and its capabilities: such tests are not collected at all. A connector
with two roles has one class for each, which names its `role`.
"""

from typing import TYPE_CHECKING, Any

from bridge.testing.conformance.blindness import Blindness
from bridge.testing.conformance.callbacks import Callbacks
from bridge.testing.conformance.case import ConnectorCase, Refusal, raws_in
from bridge.testing.conformance.documents import HEADINGS, Documents
from bridge.testing.conformance.failures import Failures
from bridge.testing.conformance.files import Files
from bridge.testing.conformance.harness import Harness
from bridge.testing.conformance.inbound_paths import InboundPaths
from bridge.testing.conformance.languages import Languages
from bridge.testing.conformance.meaning import Meaning
from bridge.testing.conformance.outbound import Outbound
from bridge.testing.conformance.reading import Reading
from bridge.testing.conformance.retrying import Retrying
from bridge.testing.conformance.secrecy import Secrecy
from bridge.testing.conformance.settings import Settings
from bridge.testing.conformance.witness import Witness

__all__ = ["HEADINGS", "ConnectorCase", "ConnectorConformance", "Harness", "Refusal", "raws_in"]


class ConnectorConformance(
    Settings,
    Documents,
    Callbacks,
    InboundPaths,
    Reading,
    Outbound,
    Languages,
    Witness,
    Retrying,
    Meaning,
    Files,
    Failures,
    Secrecy,
    Blindness,
):
    """Subclass it once per connector and role, and fill in the attributes and methods of `ConnectorCase`."""


_BEFORE = {"Stage": Harness}  # what it was called until 1.2: connectors that were written for it go on

if not TYPE_CHECKING:  # it would make every name an Any

    def __getattr__(name: str) -> Any:
        if name not in _BEFORE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _BEFORE[name]

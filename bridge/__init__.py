"""One conversation on both sides of a helpdesk: the engine, its contract with connectors, its web side."""

__version__ = "0.2.0"

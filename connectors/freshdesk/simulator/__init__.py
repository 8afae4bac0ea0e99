"""A Freshdesk on loopback, and the agents who work in it."""

from connectors.freshdesk.simulator.vendor import COLLEAGUE, KEY, Simulator

__all__ = ["COLLEAGUE", "KEY", "Simulator"]

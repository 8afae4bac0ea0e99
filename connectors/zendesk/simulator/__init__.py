"""A Zendesk account on loopback, and the agents who work in it."""

from connectors.zendesk.simulator.vendor import Simulator

__all__ = ["Simulator"]

"""A Chatwoot installation and its agents, on loopback."""

from connectors.chatwoot.simulator.vendor import Simulator

__all__ = ["Simulator"]

"""A Dify app for tests."""

from connectors.dify.simulator.vendor import Simulator

__all__ = ["Simulator"]

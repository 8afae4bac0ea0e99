"""A server of chat completions for tests."""

from connectors.openai.simulator.vendor import Simulator

__all__ = ["Simulator"]

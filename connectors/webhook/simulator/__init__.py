"""A program that takes the bridge's webhooks, for tests."""

from connectors.webhook.simulator.vendor import Simulator

__all__ = ["Simulator"]

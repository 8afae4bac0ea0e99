"""A Request Tracker 5 on loopback, and the agents who work in it."""

from connectors.rt.simulator.vendor import TOKEN, Simulator

__all__ = ["Simulator", "TOKEN"]

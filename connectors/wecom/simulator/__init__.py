"""WeCom's platform and its customers' phones, on loopback."""

from connectors.wecom.simulator.vendor import Simulator

__all__ = ["Simulator"]

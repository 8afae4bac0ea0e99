"""WeChat's platform and its customers' phones, on loopback."""

from connectors.wechat.simulator.vendor import FAULT_LINE, Simulator

__all__ = ["FAULT_LINE", "Simulator"]

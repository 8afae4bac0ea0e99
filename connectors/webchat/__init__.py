"""Web chat: a widget for visitors (channel) and a desk in the browser for agents (desk), with no vendor behind them."""

from connectors.webchat.agents import add_agent
from connectors.webchat.connector import WebChat

__all__ = ["WebChat", "add_agent"]

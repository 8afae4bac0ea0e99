"""A Dify app as a bot."""

from connectors.dify.connector import Dify

__all__ = ["Dify"]

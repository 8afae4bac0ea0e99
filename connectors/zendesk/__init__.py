"""Zendesk Support as a desk."""

from connectors.zendesk.connector import Zendesk

__all__ = ["Zendesk"]

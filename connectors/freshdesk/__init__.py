"""Freshdesk as a desk."""

from connectors.freshdesk.connector import Freshdesk

__all__ = ["Freshdesk"]

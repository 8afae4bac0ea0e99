"""Chatwoot, self-hosted or in the cloud, over an API inbox."""

from connectors.chatwoot.connector import Chatwoot

__all__ = ["Chatwoot"]

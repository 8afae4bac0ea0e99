"""A program of one's own, as a desk or as a bot, over plain JSON signed as Standard Webhooks says."""

from connectors.webhook.connector import Webhook

__all__ = ["Webhook"]

"""Questions and answers from a file, as a bot that needs no service."""

from connectors.faq.connector import Faq

__all__ = ["Faq"]

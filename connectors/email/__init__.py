"""E-mail: a mailbox as a desk, or as a channel."""

from connectors.email.connector import Email
from connectors.email.settings import EmailConfig

__all__ = ["Email", "EmailConfig"]

"""A mail world on loopback: our mailbox (IMAP), a way out (SMTP), a helpdesk that answers by mail, customers."""

from connectors.email.simulator.vendor import OURS, PASSWORD, Simulator

__all__ = ["OURS", "PASSWORD", "Simulator"]

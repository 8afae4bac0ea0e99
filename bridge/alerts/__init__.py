"""Alerts: what somebody should hear of, grouped by cause, told once, and told when it is well again."""

"""Request Tracker 5 as a desk."""

from connectors.rt.connector import RequestTracker

__all__ = ["RequestTracker"]

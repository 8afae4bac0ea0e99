"""Post as a desk of the bridge."""

from tests.contract.example.connector import Post

__all__ = ["Post"]

"""A complete connector in one file, with its simulator, for a vendor that does not exist. Copy it to begin."""

from tests.contract.example.connector import Post

__all__ = ["Post"]

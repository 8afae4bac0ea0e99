"""Payloads as the routes make them; `test_webchat_payloads.py` proves that they still do."""

from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"


def key_of(path: Path) -> str:
    """The inbox key of a fixture."""
    return path.stem.replace("_", ":")

"""Credentials as they are stored: sealed, and opened again. Loaded with the first one: the library takes 7 MB."""

import base64
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken


def seal(content: dict[str, Any], key: bytes) -> bytes:
    """`key` has 32 bytes."""
    return Fernet(base64.urlsafe_b64encode(key)).encrypt(json.dumps(content).encode())


def unseal(data: bytes, key: bytes) -> dict[str, Any] | None:
    """None when another key sealed it."""
    try:
        found: dict[str, Any] = json.loads(Fernet(base64.urlsafe_b64encode(key)).decrypt(data))
    except InvalidToken:
        return None
    return found

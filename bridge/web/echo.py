"""The proof that an address leads to this bridge: `bridge doctor` asks for it over `public_url`."""

import hmac

from bridge.services.tokens import derive_key
from bridge.settings import Settings

ECHO = "bridge_echo"  # a parameter that no vendor sends


def echo_of(settings: Settings, challenge: str) -> str:
    """The answer to a challenge, which only processes with this bridge's secret know."""
    return proof(derive_key(settings.bridge.secret_key.get_secret_value(), "echo"), challenge)


def proof(key: bytes, challenge: str) -> str:
    """The same, with a key at hand."""
    return hmac.new(key, challenge[:64].encode("utf-8", "replace"), "sha256").hexdigest()

"""Signatures and encryption of callbacks.

Source: https://developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from functools import cached_property
from typing import Any

_BLOCK = 32  # the platform pads to 32, so pad values above 16 are legal and ordinary AES un-padders refuse them
_PADS = [bytes([pad]) * pad for pad in range(_BLOCK + 1)]
_HEAD = 20  # 16 random bytes and the length


def sign(*parts: str) -> str:
    """SHA-1 over the parts in byte order, as hex. The platform's choice of hash; it is no secret-keyed MAC."""
    joined = "".join(sorted(parts))  # UTF-8 sorts as its characters do
    return hashlib.sha1(joined.encode("utf-8", "replace")).hexdigest()  # noqa: S324 # the protocol's own hash


def matches(given: str, *parts: str) -> bool:
    """Whether `given` signs the parts, compared in constant time over bytes (text may hold anything)."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), sign(*parts).encode())


class OtherApp(ValueError):
    """A packet that opens with our key and was sealed for another AppID."""


class Vault:
    """Opens and seals the packets of one account. Raises ValueError; callers hear no reason."""

    def __init__(self, encoding_aes_key: str, app_id: str) -> None:
        # The last character's spare bits are often not zero: a decoder that insists on canonical form refuses
        # keys that the platform itself made.
        key = base64.b64decode(encoding_aes_key + "=")
        if len(key) != 32:
            raise ValueError("encoding_aes_key does not decode to 32 bytes")
        self._key = key
        self._app_id = app_id.encode()

    @cached_property
    def _cipher(self) -> Any:
        """Made once, which is half the cost of a packet; with the first one, because the library takes 7 MB."""
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CBC

        return Cipher(AES(self._key), CBC(self._key[:16]))

    @cached_property
    def _opener(self) -> Any:
        """One for all packets, because a new one costs ten times what opening a packet does. What a packet leaves
        behind in it changes the first block of the next one only (that is how CBC chains), and there the platform puts
        16 random bytes that nobody reads.
        """
        return self._cipher.decryptor()

    def open(self, encrypted: str) -> bytes:
        """The payload of a packet that was sealed for this app id."""
        try:
            data = binascii.a2b_base64(encrypted, strict_mode=True)
        except ValueError:
            raise ValueError("not a packet") from None
        if not data or len(data) % 16:
            raise ValueError("not a packet")
        # whole blocks in, whole blocks out: there is nothing to finish
        block: bytes = self._opener.update(data)
        pad = block[-1]
        if not 1 <= pad <= _BLOCK or len(block) < _HEAD + pad or not block.endswith(_PADS[pad]):
            raise ValueError("not a packet")
        # A wrong key shows as a nonsense length: it is checked before anything is cut by it.
        end = _HEAD + int.from_bytes(block[16:_HEAD], "big")
        if end > len(block) - pad:
            raise ValueError("not a packet")
        if not hmac.compare_digest(block[end:-pad], self._app_id):
            raise OtherApp("not a packet")
        return block[_HEAD:end]

    def seal(self, payload: bytes, random16: bytes = b"") -> str:
        """A packet as the platform would make it. Only hand-over replies and tests need it."""
        block = (random16 or secrets.token_bytes(16)) + len(payload).to_bytes(4, "big") + payload + self._app_id
        pad = _BLOCK - len(block) % _BLOCK
        encryptor = self._cipher.encryptor()
        return base64.b64encode(encryptor.update(block + bytes([pad]) * pad) + encryptor.finalize()).decode()

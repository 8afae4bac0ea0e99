"""The platform's half of packets, for simulators: written apart from `crypto`, so that the two check each other."""

import base64
import hashlib
import secrets

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def signature(*parts: str) -> str:
    """SHA-1 over the sorted parts, as the platforms sign."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 # the vendor's choice


def seal(message: bytes, key: str, app_id: str, prefix: bytes) -> str:
    """16 random bytes, length, message and app id, padded to 32 and encrypted; base64."""
    raw_key = base64.b64decode(key + "=")
    padder = padding.PKCS7(256).padder()
    plain = prefix + len(message).to_bytes(4, "big") + message + app_id.encode()
    padded = padder.update(plain) + padder.finalize()
    encryptor = Cipher(algorithms.AES256(raw_key), modes.CBC(raw_key[:16])).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def unseal(packet: str, key: str) -> bytes:
    """The message of a packet (an encrypted passive reply)."""
    raw_key = base64.b64decode(key + "=")
    decryptor = Cipher(algorithms.AES256(raw_key), modes.CBC(raw_key[:16])).decryptor()
    padded = decryptor.update(base64.b64decode(packet)) + decryptor.finalize()
    unpadder = padding.PKCS7(256).unpadder()
    plain = unpadder.update(padded) + unpadder.finalize()
    length = int.from_bytes(plain[16:20], "big")
    return plain[20 : 20 + length]


def prefix(*, text: bool = True) -> bytes:
    """The 16 random bytes of a packet: the vendor's samples have letters in some and arbitrary bytes in others."""
    return secrets.token_hex(8).encode() if text else secrets.token_bytes(16)

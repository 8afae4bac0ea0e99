"""The least that any receiver of secure callbacks does, on bare ASGI: signature, decryption, two bodies. Stores nothing."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tests.bench import constants

_KEY = base64.b64decode(constants.AES_KEY + "=")
_CIPHER = Cipher(AES(_KEY), CBC(_KEY[:16]))
_HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"7")]


def message_of(query: str, body: bytes) -> dict[str, Any]:
    """The decrypted message. Raises ValueError where the signature is another."""
    given = dict(parse_qsl(query))
    packet = json.loads(body)["Encrypt"]
    signed = "".join(sorted((constants.TOKEN, given["timestamp"], given["nonce"], packet))).encode()
    if hashlib.sha1(signed).hexdigest() != given["msg_signature"]:
        raise ValueError("signature")
    data = base64.b64decode(packet)
    decryptor = _CIPHER.decryptor()
    block = decryptor.update(data) + decryptor.finalize()
    found: dict[str, Any] = json.loads(block[20 : 20 + int.from_bytes(block[16:20], "big")])
    return found


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http" and scope["method"] == "POST":
        message = message_of(scope["query_string"].decode(), (await receive())["body"])
        assert message["MsgId"] and message["FromUserName"]
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": b"success"})


def make() -> Any:
    return app

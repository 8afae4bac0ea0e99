"""How users of wechatpy open a callback: signature, decryption, parsing. It keeps nothing."""

import json
from typing import Any

from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto

from tests.bench import constants

crypto = WeChatCrypto(constants.TOKEN, constants.AES_KEY, constants.APP_ID)


def opened(body: bytes, signature: str, timestamp: str, nonce: str) -> tuple[str, str, str]:
    """Sender, message id and text. Raises what wechatpy raises."""
    given: Any = json.loads(body) if body.startswith(b"{") else body
    clear = crypto.decrypt_message(given, signature, timestamp, nonce)
    text = clear.decode() if isinstance(clear, bytes) else clear
    if text.startswith("{"):
        fields = json.loads(text)
        return fields["FromUserName"], str(fields["MsgId"]), fields["Content"]
    message = parse_message(text)
    return message.source, str(message.id), message.content

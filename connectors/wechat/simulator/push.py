"""The platform's half of callbacks, written apart from the connector's so that the two check each other."""

import json
import random
import re
import time
from collections.abc import Mapping
from typing import Any, Literal
from xml.sax.saxutils import escape

from connectors.tencent.packets import prefix, seal, signature, unseal

Mode = Literal["plain", "compatible", "secure"]
DataFormat = Literal["json", "xml"]

SUCCESS_BODIES = (b"", b"success")


def encode(fields: Mapping[str, Any], data_format: DataFormat) -> bytes:
    """A body in the format chosen in the console."""
    if data_format == "json":
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    return f"<xml>{_elements(fields)}</xml>".encode()


def _elements(fields: Mapping[str, Any]) -> str:
    return "".join(
        f"<{name}>{_content(item)}</{name}>"
        for name, value in fields.items()
        for item in (value if isinstance(value, list) else [value])
    )


def _content(value: Any) -> str:
    if isinstance(value, Mapping):
        return _elements(value)
    if isinstance(value, str):
        safe = value.replace("]]>", "]]]]><![CDATA[>")
        return f"<![CDATA[{safe}]]>"
    return escape(str(value))


def callback(  # noqa: PLR0913 - all that a push depends on, by name
    fields: Mapping[str, Any],
    *,
    token: str,
    key: str,
    app_id: str,
    mode: Mode,
    data_format: DataFormat,
    timestamp: int | None = None,
    nonce: str = "",
    text_prefix: bool = True,
) -> tuple[dict[str, str], bytes]:
    """Query and body of one push. https://developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html"""
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    nonce = nonce or str(random.randrange(10**8, 2 * 10**9))  # noqa: S311 # a simulator's dice
    query = {"signature": signature(token, stamp, nonce), "timestamp": stamp, "nonce": nonce}
    clear = encode(fields, data_format)
    if mode == "plain":
        return query, clear
    packet = seal(clear, key, app_id, prefix(text=text_prefix))
    query |= {
        "openid": str(fields.get("FromUserName", "")),
        "encrypt_type": "aes",
        "msg_signature": signature(token, stamp, nonce, packet),
    }
    outer = dict(fields) if mode == "compatible" else {"ToUserName": fields.get("ToUserName", "")}
    return query, encode(outer | {"Encrypt": packet}, data_format)


_XML_PACKET = re.compile(rb"<Encrypt>(?:<!\[CDATA\[)?([^<\]]+)")
_TRANSFER = re.compile(rb"transfer_customer_service")


def is_hand_over(body: bytes, *, key: str, mode: Mode) -> bool:
    """Whether an answer asks for Tencent's own agents: XML, encrypted in secure mode."""
    if mode != "plain":
        found = _XML_PACKET.search(body)
        if found is None:
            return False
        try:
            body = unseal(found[1].decode(), key)
        except ValueError:
            return False
    return body.lstrip().startswith(b"<xml") and _TRANSFER.search(body) is not None

"""What the platform checks of a message before it takes it.

Source: https://developer.work.weixin.qq.com/document/path/94677
"""

import json
import re
from typing import Any

from connectors.wecom.simulator.state import Files, Refused

ESCAPED = re.compile(rb"\\u[0-9a-fA-F]{4}")
MSGID = re.compile(r"[0-9a-zA-Z_-]{0,32}", re.ASCII)


def read_json(body: bytes) -> dict[str, Any]:
    """The body of a call. Escaped characters are refused: users saw them literally (40033)."""
    if ESCAPED.search(body):
        raise Refused(40033, "invalid charset, \\uxxxx is not supported")
    try:
        found = json.loads(body)
    except ValueError:
        raise Refused(47001, "data format error") from None
    if not isinstance(found, dict):
        raise Refused(47001, "data format error")
    return found


def read_content(fields: dict[str, Any], files: Files) -> tuple[str, bytes]:
    """What the phone shows of a message: text, and the bytes of a file."""
    kind = fields.get("msgtype")
    content = fields.get(kind) if isinstance(kind, str) else None
    if not isinstance(kind, str) or not isinstance(content, dict):
        raise Refused(40008, "invalid message type")
    match kind:
        case "text":
            return _text(content, "content", 2048), b""
        case "image" | "voice" | "video" | "file":
            return "", files.get(content.get("media_id"), kind).data
        case "link":
            _text(content, "title", 128)
            _text(content, "desc", 512, empty=True)
            url = _text(content, "url", 2048)
            if not url.startswith(("http://", "https://")):
                raise Refused(40058, "invalid parameter: url")
            return f"{content['title']} {url}", files.get(content.get("thumb_media_id"), "image").data
        case "miniprogram":
            _text(content, "appid", 64)
            _text(content, "pagepath", 1024)
            return _text(content, "title", 64 * 4), files.get(content.get("thumb_media_id"), "image").data
        case "location":
            if not all(isinstance(content.get(name), int | float) for name in ("latitude", "longitude")):
                raise Refused(40058, "invalid parameter: location")
            return str(content.get("name", "")), b""
        case "msgmenu":
            return _menu(content), b""
        case _:
            raise Refused(40008, "invalid message type")


def _text(content: dict[str, Any], name: str, limit: int, *, empty: bool = False) -> str:
    value = content.get(name, "")
    if not isinstance(value, str) or (not value.strip() and not empty):
        raise Refused(44004, f"empty {name}")
    if len(value.encode()) > limit:
        raise Refused(45002, f"{name} size out of limit")
    return value


def _menu(content: dict[str, Any]) -> str:
    entries = content.get("list")
    if not isinstance(entries, list) or not 1 <= len(entries) <= 10:
        raise Refused(40058, "invalid parameter: list")
    lines = [str(content.get("head_content", ""))]
    for entry in entries:
        kind = entry.get("type")
        inside = entry.get(kind)
        if kind not in {"click", "view", "miniprogram", "text"} or not isinstance(inside, dict):
            raise Refused(40058, "invalid parameter: list.type")
        if kind == "click" and not 1 <= len(str(inside.get("id", ""))) <= 64:
            raise Refused(40058, "invalid parameter: list.click.id")
        lines.append(_text(inside, "content", 128 if kind == "click" else 1024))
    return "\n".join([*lines, str(content.get("tail_content", ""))]).strip()

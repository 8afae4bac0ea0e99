"""What the simulated platform refuses about the content of a request."""

import json
import re
from typing import Any

from connectors.wechat.simulator.state import Files, Refused

ESCAPED = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?!00[0-7])[0-9a-fA-F]{4}")
_LINK_APP = re.compile(r"data-miniprogram-appid=[\"']([^\"']*)[\"']")
MINI_TYPES = frozenset({"text", "image", "link", "miniprogrampage"})
OFFICIAL_TYPES = MINI_TYPES | {"voice", "video", "music", "news", "mpnews", "mpnewsarticle", "msgmenu", "wxcard"}
_MAX_TEXT = 2048
_FIELD_LIMITS = {
    "thing": 20,
    "number": 32,
    "letter": 32,
    "symbol": 5,
    "character_string": 32,
    "phone_number": 17,
    "car_number": 8,
    "phrase": 5,
}


def read_json(body: bytes) -> dict[str, Any]:
    if not body:
        raise Refused(44002, "empty post data")
    try:
        fields = json.loads(body)
    except ValueError:
        raise Refused(47001, "data format error") from None
    if not isinstance(fields, dict):
        raise Refused(47001, "data format error")
    return fields


def check_field(key: str, entry: Any) -> None:
    value = entry.get("value") if isinstance(entry, dict) else None
    if not isinstance(value, str) or not value or "\n" in value or "\r" in value:
        raise Refused(47003, f"argument invalid! data.{key}.value is empty")
    limit = _FIELD_LIMITS.get(key.rstrip("0123456789"))
    if limit is not None and len(value) > limit:
        raise Refused(47003, f"argument invalid! data.{key}.value is too long")


def read_content(kind: str, content: dict[str, Any], files: Files, app_id: str, flavour: str) -> tuple[str, bytes]:
    """The text and the bytes the phone would show, once the content has passed the checks of its type."""
    text, data = "", b""
    match kind:
        case "text":
            text = content.get("content") or ""
            _check_text(text, app_id, flavour)
        case "image" | "voice" | "video":
            data = files.get(content.get("media_id") or "").data
        case "miniprogrampage":
            text = content.get("title") or ""
            if not content.get("pagepath"):
                raise Refused(40101, "missing parameter")
            if content.get("appid", app_id) != app_id:
                raise Refused(40013, "invalid appid")
            data = files.get(content.get("thumb_media_id") or "").data
        case "link":
            text = content.get("title") or ""
            if not text or not content.get("url"):
                raise Refused(40101, "missing parameter")
            if len(text.encode()) > 512:
                raise Refused(45003, "title size out of limit")
            if len(content["url"].encode()) > 2048:
                raise Refused(45005, "url size out of limit")
    return text, data


def _check_text(text: Any, app_id: str, flavour: str) -> None:
    if not isinstance(text, str) or not text.strip():
        raise Refused(44004, "empty content")
    if len(text.encode()) > _MAX_TEXT:
        raise Refused(45002, "content size out of limit")
    if flavour == "mini_program" and any(app != app_id for app in _LINK_APP.findall(text)):
        raise Refused(45166, "invalid content")

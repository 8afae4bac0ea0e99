"""What the tests of this folder share."""

import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from bridge.contract import Author, AuthorKind, Media, Message, Part, RenderContext, Request, Target, Text
from bridge.testing.rig import make_account
from connectors.wechat import WeChat

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
OPENID = "oA9bC8dE7fG6hI5jK4lM3nO2pQ1r"
APP_ID = "wx0123456789abcdef"
SETTINGS = {
    "kind": "wechat",
    "app_id": APP_ID,
    "app_secret": "s3cret-s3cret-s3cret-s3cret-s3cr",
    "token": "simulated",
    "encoding_aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
}


def make_wechat(clock: Callable[[], datetime], **settings: Any) -> WeChat:
    """A connector for what needs no network."""
    return WeChat(WeChat.Config(**(SETTINGS | settings)), make_account(clock=clock))


def request(query: Any, body: bytes = b"", *, at: datetime, method: str = "POST") -> Request:
    pairs = list(query.items()) if isinstance(query, dict) else list(query)
    return Request(method, "/hooks/shop", pairs, {}, body, "127.0.0.1", at)


def agent(*parts: Part | str, id: str = "c1", name: str = "Agent", **fields: Any) -> Message:  # noqa: A002 # as the field is called
    shaped = tuple(Text(body=part) if isinstance(part, str) else part for part in parts)
    return Message(
        id=id,
        conversation="17",
        author=Author(kind=AuthorKind.AGENT, id=name.lower(), name=name),
        parts=shaped,
        **fields,
    )


def context(**fields: Any) -> RenderContext:
    return RenderContext(conversation=OPENID, **fields)


def target(openid: str = OPENID, **fields: Any) -> Target:
    return Target(key="step-1", link="1", conversation=openid, **fields)


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 8)) -> bytes:
    out = io.BytesIO()
    Picture.new("RGB", size, (200, 30, 30)).save(out, kind)
    return out.getvalue()


def kept(**fields: Any) -> Media:
    base = {"account": "support", "id": "a1", "mime": "image/png", "name": "plan.png", "size": 12_000}
    return Media(**(base | {"sha256": "5e1f", "url": "https://bridge.example.com/media/t"} | fields))

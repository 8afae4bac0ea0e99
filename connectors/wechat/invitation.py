"""Subscription messages: one service notification that invites a customer back after the window closed.

Sources: https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/subscribe-message.html and
https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-message-management/subscribe-message/api_sendmessage.html
"""

import re
from collections.abc import Mapping
from datetime import timedelta, timezone

from bridge.contract import Rejected, RenderContext, Step
from connectors.tencent.text import clean, shorten
from connectors.wechat.settings import TemplateSettings

_CHINA = timezone(timedelta(hours=8))
_CHINESE = re.compile(r"[\u3400-\u9fff]")

# Characters that each kind of field may have; the platform answers 47003 to more, naming the field.
LIMITS: Mapping[str, int] = {
    "thing": 20,
    "number": 32,
    "letter": 32,
    "symbol": 5,
    "character_string": 32,
    "phone_number": 17,
    "car_number": 8,
    "phrase": 5,
}


def invitation(template: str, context: RenderContext, templates: Mapping[str, TemplateSettings]) -> Step:
    """The step for a configured template, named by its key in the configuration or by the platform's template id."""
    found = templates.get(template) or next((one for one in templates.values() if one.id == template), None)
    if found is None:
        raise Rejected(
            f"no template {template!r} is configured; add it under templates in the account's configuration",
            code="template",
        )
    now = context.now.astimezone(_CHINA).strftime("%Y-%m-%d %H:%M") if context.now else ""
    said = {key: context.data.get(key, text) for key, text in found.data.items()}
    data = {
        key: {"value": fit(key, text.replace("{now}", now).replace("{name}", context.contact.name))}
        for key, text in said.items()
    }
    body = {"template_id": found.id, "miniprogram_state": found.state, "lang": found.lang, "data": data}
    if found.page:
        body["page"] = found.page
    return Step(verb="invite", body=body, cost=0)


def fit(key: str, text: str) -> str:
    """A value cut to its field's limit. Line breaks and control characters are not allowed in any."""
    text = " ".join(clean(text).split())
    kind = key.rstrip("0123456789")
    if kind == "name":
        return shorten(text, 10 if _CHINESE.search(text) else 20)
    limit = LIMITS.get(kind)
    if limit is None:
        return text
    # An ellipsis is a character the strict kinds refuse.
    return shorten(text, limit) if kind == "thing" else text[:limit]

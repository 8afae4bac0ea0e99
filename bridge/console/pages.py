"""Pages and what they load: templates, static files named by their content, headers.

A page is HTML from a template and nothing else: no script, no style stands in it, and every text is escaped.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bridge.console.deeds import detail_in, who_in
from bridge.console.faults import fault_in
from bridge.console.texts import LANGUAGES, TAGS, say, say_if

_HERE = Path(__file__).parent
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_TURNS = re.compile("[\u202a\u202b\u202d\u202e\u2066-\u2068]")
_YEAR = "public, max-age=31536000, immutable"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",  # another site learns nothing; ours proves where a form was sent from
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), camera=()",
}


@cache
def environment() -> Environment:
    """The templates. A value that a view forgot is an error, not an empty place."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=contained,
    )
    made.filters["moment"] = moment
    made.filters["span"] = span
    made.filters["ticked"] = ticked
    made.filters["who"] = who_in
    made.filters["deed"] = detail_in
    made.filters["fault"] = fault_in
    made.globals.update(static=address_of, languages=LANGUAGES)
    return made


def render(template: str, language: str, **values: Any) -> str:
    """A template's text. In it `t(key, …)` says a text, `word(page, x)` that of a state or cause, if there is one."""
    return (
        environment()
        .get_template(template)
        .render(
            language=language,
            lang=TAGS[language],
            t=lambda key, **more: say(language, key, **more),
            word=lambda page, key: say_if(language, f"{page}.{key}".replace(" ", "_").replace("-", "_"), key),
            **values,
        )
    )


def page(
    template: str,
    language: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    theme: str = "",
    **values: Any,
) -> Response:
    """A page. `theme` is `light`, `dark` or "" for the system's."""
    text = render(template, language, theme=theme, **values)
    return HTMLResponse(text, status, {**HEADERS, **(headers or {})})


def contained(value: Any) -> Any:
    """Marks that turn the direction of text end where the text ends: else a name turns what stands behind it."""
    if isinstance(value, str) and _TURNS.search(value):
        ends = ["\u2069" if mark in "\u2066\u2067\u2068" else "\u202c" for mark in _TURNS.findall(value)]
        return value + "".join(reversed(ends))
    return value


def moment(value: datetime | str | None) -> Markup:
    """A time: in UTC as it stands here; the browser says it in its own zone, and the exact one on hover."""
    if not value:
        return Markup("–")  # a dash of ours
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    at = at.astimezone(UTC)
    return Markup(
        '<time datetime="{0:%Y-%m-%dT%H:%M:%S}Z" title="{0:%Y-%m-%dT%H:%M:%S}Z">{0:%Y-%m-%d %H:%M}</time>'
    ).format(at)


def span(value: timedelta | float | None, language: str = "en") -> str:
    """How long, in its two largest parts."""
    if value is None:
        return "–"
    seconds = int(value.total_seconds() if isinstance(value, timedelta) else value)
    parts = [
        (seconds // 86400, "d"),
        (seconds % 86400 // 3600, "h"),
        (seconds % 3600 // 60, "min"),
        (seconds % 60, "s"),
    ]
    first = next((at for at, (count, _) in enumerate(parts) if count), 3)
    shown = [(count, unit) for count, unit in parts[first : first + 2] if count or unit == parts[first][1]]
    words = {"d": "天", "h": "小时", "min": "分钟", "s": "秒"}
    return " ".join(f"{count} {words[unit] if language == 'zh' else unit}" for count, unit in shown)


def ticked(text: str) -> Markup:
    """Words in back-ticks as code."""
    words, code = Markup("{}"), Markup("<code>{}</code>")
    return Markup("").join((code if place % 2 else words).format(part) for place, part in enumerate(text.split("`")))


@cache
def _content(name: str) -> tuple[bytes, bytes, str]:
    data = (_HERE / "static" / name).read_bytes()
    return data, gzip.compress(data, 9, mtime=0), hashlib.sha256(data).hexdigest()[:12]


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in (_HERE / "static").iterdir() if path.suffix in _TYPES)


def address_of(name: str) -> str:
    """Where a static file is, with what changes when it does."""
    return f"/console/static/{name}?v={_content(name)[2]}"


def static(request: Request) -> Response:
    """A script, a style sheet or a picture of ours."""
    name = str(request.path_params["name"])
    if name not in _names():
        return Response("not found", 404)
    data, packed, version = _content(name)
    headers = {
        "cache-control": _YEAR if request.query_params.get("v") == version else "no-cache",
        "etag": f'"{version}"',
        "vary": "Accept-Encoding",
        "content-type": _TYPES[Path(name).suffix],
        "cross-origin-resource-policy": "same-origin",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, headers={**headers, "content-encoding": "gzip"})
    return Response(data, headers=headers)

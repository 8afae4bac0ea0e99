"""Pages and what they load: read once, compressed once, named by their content so that browsers keep them."""

import gzip
import hashlib
import html
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_IMPORT = re.compile(r"from '\./([a-z]+\.js)'")
_YEAR = "public, max-age=31536000, immutable"
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'none'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; frame-ancestors "
)


@cache
def text_of(name: str) -> str:
    """A file of `static/`; a script names the scripts it imports with their versions."""
    text = (_FOLDER / name).read_text("utf-8")
    if not name.endswith(".js"):
        return text
    # comments and indentation are for those who read the source, not for every visitor
    text = "\n".join(line for line in map(str.strip, text.splitlines()) if line and not line.startswith("//")) + "\n"
    return _IMPORT.sub(lambda found: f"from './{found[1]}?v={version_of(found[1])}'", text)


@cache
def names() -> frozenset[str]:
    """The files that may be asked for."""
    return frozenset(path.name for path in _FOLDER.iterdir() if path.suffix in {".js", ".css"})


@cache
def version_of(name: str) -> str:
    """What changes when the file does."""
    return hashlib.sha256(text_of(name).encode()).hexdigest()[:12]


def page(request: Request, name: str, values: Mapping[str, object], *, frame_ancestors: str) -> Response:
    """A page with its values filled in: `{{config}}` as JSON in an attribute, `{{panel.js}}` as a versioned address."""
    text = text_of(name)
    for asset in names():
        text = text.replace("{{" + asset + "}}", f"static/{asset}?v={version_of(asset)}")
    for key, value in values.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        text = text.replace("{{" + key + "}}", html.escape(shown, quote=True))
    headers = {
        "content-security-policy": _CSP + frame_ancestors,
        "cache-control": "no-cache",
        "referrer-policy": "strict-origin-when-cross-origin",
        "x-content-type-options": "nosniff",
        "permissions-policy": "geolocation=(), microphone=(), camera=()",
    }
    if frame_ancestors == "'none'":
        headers["x-frame-options"] = "DENY"
        headers["cache-control"] = "no-store"
    return packed(request, text, _TYPES[".html"], headers)


def asset(request: Request, name: str) -> Response:
    """A script or a style sheet."""
    if name not in names():
        return Response("not found", 404)
    current = request.query_params.get("v") == version_of(name)
    headers = {"cache-control": _YEAR if current else "no-cache", "x-content-type-options": "nosniff"}
    return packed(request, text_of(name), _TYPES[Path(name).suffix], headers)


def loader(request: Request, values: Mapping[str, object]) -> Response:
    """The script that other sites include, with the account's values in it."""
    literal = json.dumps(values).replace("<", "\\u003c")
    headers = {
        "cache-control": "public, max-age=300, stale-while-revalidate=86400",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "cross-origin",
    }
    return packed(request, text_of("loader.js").replace("__VALUES__", literal), _TYPES[".js"], headers)


def packed(request: Request, text: str, kind: str, headers: dict[str, str]) -> Response:
    """The text, compressed where the browser can read that, or 304 when it has it."""
    data = _zip(text)
    etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
    headers = {**headers, "etag": etag, "vary": "Accept-Encoding", "content-type": kind}
    if headers["cache-control"] != "no-store" and request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(data, headers={**headers, "content-encoding": "gzip"})
    return Response(text.encode(), headers=headers)


@cache
def _zip(text: str) -> bytes:
    return gzip.compress(text.encode(), 9, mtime=0)


def ink_on(colour: str) -> str:
    """Black or white, whichever is easier to read on a colour (#rrggbb), by WCAG's relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return "#111" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.36 else "#fff"

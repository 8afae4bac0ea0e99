"""Pages for customers who follow a link: no script, nothing loaded, usable in a mini program's web view."""

import base64
import hashlib
from html import escape

LANGUAGES = {"en": "en", "zh": "zh-CN"}


def headers(style: str, *, form: bool = False) -> dict[str, str]:
    """What such a page is served with: only this style, and perhaps its own form."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    action = "'self'" if form else "'none'"
    return {
        "content-security-policy": (
            f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; form-action {action}; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
    }


def document(language: str, title: str, style: str, inside: str) -> str:
    """A whole page. `inside` is HTML, the title is not."""
    return (
        f'<!doctype html><html lang="{LANGUAGES[language]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{style}</style></head>'
        f"<body><main>{inside}</main></body></html>"
    )

"""The address that platforms and helpdesks call, asked back through itself."""

import re
from urllib.parse import urlsplit

from starlette.responses import Response

from bridge.contract import check_url
from bridge.first_config import NAMES
from bridge.web.hooks import PREFIX
from bridge.wizard.address import detected, remarks
from bridge.wizard.setup import Visit

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+", re.ASCII)


async def show(visit: Visit) -> Response:
    """The form, and what came of asking."""
    return _page(visit, visit.draft.public_url or found_by(visit), "")


def found_by(visit: Visit) -> str:
    """The public address under which this very page was opened, if it was."""
    return detected(visit.request.headers, visit.request.url.scheme)


def _page(visit: Visit, url: str, fault: str) -> Response:
    return visit.page(
        "address", url=url, fault=fault, found=found_by(visit), host=urlsplit(url).hostname or "bridge.example.com"
    )


async def save(visit: Visit) -> Response:
    """Takes the address; asking goes on by itself on the page."""
    if visit.form.get("act") == "next":
        return visit.after("address")
    given = visit.form.get("url", "").strip().rstrip("/")
    if given and "://" not in given:
        given = f"https://{given}"
    parts = urlsplit(given)
    try:
        check_url(given, allow_insecure=True, key="public_url")
    except ValueError:
        return _page(visit, given, visit.say("setup.address_bad"))
    if parts.netloc.endswith(":") or not _is_host(parts.hostname or ""):
        return _page(visit, given, visit.say("setup.address_bad"))
    if parts.path or parts.query:
        return _page(visit, given, visit.say("setup.address_path"))
    visit.draft.public_url = given.lower()
    visit.setup.calls.forget("channel")
    trouble = await visit.show()
    if trouble:
        return _page(visit, given, trouble)
    visit.setup.keep()
    return visit.go("address")


def _is_host(name: str) -> bool:
    try:
        return _HOST.fullmatch(name.encode("idna").decode()) is not None
    except UnicodeError:
        return False


async def live(visit: Visit) -> Response:
    """Asks through the address, again and again."""
    url = visit.draft.public_url
    answer = await visit.setup.asked.look(url, PREFIX + NAMES["channel"], visit.draft.secret_key) if url else None
    return visit.part("address_live.html", url=url, answer=answer, remarks=remarks(url) if url else [])

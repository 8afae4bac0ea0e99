"""The widget stays small: what a visitor's browser loads, compressed as it is served."""

import gzip
import re
from pathlib import Path

import pytest

from connectors.webchat import pages
from tests.connectors.webchat.webchat_rig import WebchatRig

PANEL = (
    "panel.html",
    "panel.css",
    "panel.js",
    "bubbles.js",
    "host.js",
    "parts.js",
    "profile.js",
    "ticks.js",
    "uploads.js",
    "wire.js",
    "shared.js",
    "texts.js",
)


def packed(name: str) -> int:
    return len(gzip.compress(pages.text_of(name).encode(), 9))


def test_the_launcher_fits_into_two_and_a_half_kilobytes() -> None:
    assert packed("loader.js") <= 2560


def test_the_panel_fits_into_25_kilobytes_and_all_into_30() -> None:
    panel = sum(map(packed, PANEL))
    assert panel <= 25_000 and panel + packed("loader.js") <= 30_000


async def test_the_panel_loads_nothing_else(rig: WebchatRig) -> None:
    client = rig.client()
    page = (await client.get("/chat/site/frame")).text
    found = set(re.findall(r'(?:src|href)="static/([a-z.]+)\?v=[0-9a-f]{12}"', page))
    left = list(found)
    while left:
        imported = set(re.findall(r"from './([a-z.]+)\?v=", pages.text_of(left.pop())))
        left += imported - found
        found |= imported
    assert found | {"panel.html"} == set(PANEL)
    for name in found:
        answer = await client.get(f"/chat/site/static/{name}?v={pages.version_of(name)}")
        assert "immutable" in answer.headers["cache-control"] and answer.headers["content-encoding"] == "gzip"


def test_nothing_parses_markup_or_runs_text() -> None:
    """People's words become text nodes; what could make them more is not used anywhere."""
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|DOMParser"
    )
    for path in sorted((Path(pages.__file__).parent / "static").glob("*.js")):
        assert not forbidden.search(path.read_text("utf-8")), path.name
    for path in sorted((Path(pages.__file__).parent / "static").glob("*.html")):
        text = path.read_text("utf-8")
        assert not re.search(r"\son[a-z]+=|\sstyle=|<script>|<style", text), path.name
        assert not re.search(r'(?:src|href)="(?:https?:)?//', text), "nothing from elsewhere"


@pytest.mark.parametrize("file", ["texts.js", "desktexts.js"])
def test_languages_are_complete(file: str) -> None:
    text = (Path(pages.__file__).parent / "static" / file).read_text("utf-8")
    parts = re.split(r"const (en|zh) = \{", text)[1:]
    keys = {
        parts[at]: set(
            re.findall(r"(?:^|[{,]\s*)('[^']+'|\w+): (?=[\[('`])", parts[at + 1].partition("\n};")[0], re.MULTILINE)
        )
        for at in (0, 2)
    }
    assert len(keys["en"]) > 30
    assert keys["en"] == keys["zh"]


async def test_a_page_that_is_known_is_not_sent_again(rig: WebchatRig) -> None:
    client = rig.client()
    first = await client.get("/chat/site/loader.js")
    again = await client.get("/chat/site/loader.js", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert (await client.get("/chat/site/static/..%2fpages.py")).status_code == 404
    assert (await client.get("/chat/site/static/panel.html")).status_code == 404

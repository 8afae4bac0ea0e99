"""Which ticket another one was merged into, or follows up. Pure.

Source: https://support.zendesk.com/hc/en-us/articles/4408882445594. The traces are spelled differently by release, so
several are read: `via.source.rel` of the closing comment, the tag `closed_by_merge`, and its words.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract import Format, to_plain
from connectors.zendesk.api import id_of, number_of
from connectors.zendesk.inbound import key_in

_TAG = "closed_by_merge"
_WORDS = re.compile(r"merged\s{1,5}into\D{0,60}?#?(\d{1,20})", re.IGNORECASE)
_NUMBER = re.compile(r"#(\d{1,20})")
_LONGEST = 2000  # characters of a closing comment; whoever writes more says something else


def merged_into(ticket: Mapping[str, Any], newest: Sequence[Mapping[str, Any]]) -> str:
    """The id of the ticket where the conversation goes on; "" for one that was merely closed.

    `newest` are its comments or audits, newest first. A customer cannot make this up: only what nobody wrote as a
    customer is believed, and only on a closed ticket.
    """
    here = id_of(ticket.get("id"))
    tags = ticket.get("tags")
    tagged = isinstance(tags, list) and _TAG in tags
    for entry in newest[:10]:
        author = id_of(entry.get("author_id"))
        if key_in(entry) or (author and author == id_of(ticket.get("requester_id"))):
            continue
        source = _source(entry)
        merge = source.get("rel") == "merge"
        if merge:
            for side in ("to", "from"):
                found = _other(source.get(side), here)
                if found:
                    return found
        text = _text(entry)
        said = _WORDS.search(text) or (_NUMBER.search(text) if tagged or merge else None)
        if said and said[1] != here and len(text) <= _LONGEST:
            return said[1]
    return ""


def followed_up(ticket: Mapping[str, Any]) -> str:
    """The id of the closed ticket that this one follows up; "" for any other."""
    source = _source(ticket)
    return _other(source.get("from"), id_of(ticket.get("id"))) if source.get("rel") == "follow_up" else ""


def _source(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    via = entry.get("via")
    source = via.get("source") if isinstance(via, dict) else None
    return source if isinstance(source, dict) else {}


def _other(side: Any, here: str) -> str:
    if not isinstance(side, dict):
        return ""
    found = id_of(side.get("ticket_id"))
    return found if found and found != here and number_of(found) else ""


def _text(entry: Mapping[str, Any]) -> str:
    html = entry.get("html_body")
    if isinstance(html, str) and html:
        return to_plain(html[: _LONGEST * 4], Format.HTML)
    body = entry.get("body")
    return body[: _LONGEST + 1] if isinstance(body, str) else ""

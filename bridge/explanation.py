"""Why a conversation goes where it goes, and where past ones would go by the routes as they are. Nothing is changed.

Shown by `bridge routes` and by the console. No customer's words are in it.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bridge.contract import Author, AuthorKind, Contact, Message, Text
from bridge.engine.context import Runtime
from bridge.engine.conversation.decision import Opening, facts_of
from bridge.engine.conversation.greeting import texts_for
from bridge.engine.conversation.origin import read_origin
from bridge.routing.conditions import Facts, first_failing
from bridge.settings import RouteSettings
from mappings import history, inspection, links
from mappings.links import LinkRow
from mappings.store import Tx

_EXAMPLES = 3
_NEW = {"customer.new": True, "customer.returning": False, "history.last_desk": "", "history.open_elsewhere": False}


def explain_opening(
    runtime: Runtime, channel: str, context: dict[str, str], text: str, now: datetime
) -> dict[str, Any]:
    """A made-up conversation of somebody new: every rule with the first condition that fails, and what follows."""
    origin = read_origin(runtime.context_key, Contact(id="somebody"), context, now)
    message = None
    if text:
        author = Author(kind=AuthorKind.CUSTOMER)
        message = Message(id="made up", conversation="somebody", author=author, parts=(Text(body=text),))
    opening = Opening(channel, origin.contact, 0, origin.context, origin.proven or {}, message)
    found = explain(runtime, channel, facts_of(runtime, opening, _NEW, now))
    return {**found, "context_refused": origin.refused}


def explain(runtime: Runtime, channel: str, facts: Facts) -> dict[str, Any]:
    """Every rule of a channel, holding or with its failing condition; the chosen one, its texts and what they leave."""
    rules, chosen = [], None
    for route in runtime.routes_of.get(channel, ()):
        failing = first_failing(route.rule, facts)
        chosen = chosen or (None if failing else route)
        rules.append({"rule": route.name, "holds": not failing, "failing": failing, "chosen": route is chosen})
    return {
        "channel": channel,
        "at": f"{facts.now:%Y-%m-%dT%H:%M:%SZ}",
        "version": runtime.settings.routes_version,
        "rules": rules,
        "result": _result(runtime, chosen, facts) if chosen is not None else None,
    }


def _result(runtime: Runtime, route: RouteSettings, facts: Facts) -> dict[str, Any]:
    texts = texts_for(runtime.settings, route, facts.locale, facts.now) if route.greeting is not None else ()
    window = runtime.capabilities(route.channel).window
    return {
        "rule": route.name,
        "desk": route.desk,
        "fields": {name: value for name, value in route.fields.items() if value not in (None, [], {})},
        "texts_on_entry": list(texts),
        "replies_on_entry": None if window is None else max(0, window.on_entry - len(texts)),
        "replies_after_a_message": None if window is None else window.replies,
    }


def explain_conversation(tx: Tx, runtime: Runtime, identifier: str) -> list[dict[str, Any]]:
    """A past conversation, by any of its ids: how it was decided then, and how it would be now."""
    found = []
    pairs = [pair.link_id for pair in links.find_pairs(tx, identifier)]
    for link_id in sorted({*pairs, *inspection.links_named(tx, identifier)}):
        link = links.get_link(tx, link_id)
        facts, complete = _facts_then(tx, runtime, link)
        found.append(
            {
                "conversation": link.conversation,
                "ticket": link.ticket,
                "desk": link.desk,
                "entry": link.entry,
                "then": json.loads(link.decided) if link.decided else None,
                "now": explain(runtime, link.channel, facts),
                "words_kept": complete,
            }
        )
    return found


def replay(tx: Tx, runtime: Runtime, since: datetime) -> dict[str, Any]:
    """How many conversations since a moment would go elsewhere by the routes as they are now, with examples of each."""
    changes: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    total = incomplete = 0
    for link in _links_since(tx, since):
        total += 1
        facts, complete = _facts_then(tx, runtime, link)
        if not complete:
            incomplete += 1
            continue
        now = explain(runtime, link.channel, facts)["result"]
        then = json.loads(link.decided)["rule"]
        before, after = f"{then} → {link.desk}", f"{now['rule']} → {now['desk']}" if now else "no route"
        if before != after:
            changes[before, after].append(link.ticket or link.conversation)
    moved = sum(map(len, changes.values()))
    return {
        "since": f"{since:%Y-%m-%dT%H:%M:%SZ}",
        "version": runtime.settings.routes_version,
        "conversations": total,
        "same": total - moved - incomplete,
        "elsewhere": moved,
        "not_known": incomplete,
        "changes": [
            {"from": before, "to": after, "count": len(ids), "examples": ids[:_EXAMPLES]}
            for (before, after), ids in sorted(changes.items(), key=lambda one: -len(one[1]))
        ],
    }


def _links_since(tx: Tx, since: datetime) -> Iterator[LinkRow]:
    after = 0
    while found := history.decided_since(tx, since, after):
        yield from found
        after = found[-1].id


def _facts_then(tx: Tx, runtime: Runtime, link: LinkRow) -> tuple[Facts, bool]:
    """What was known when a conversation was decided, and whether all of it is still kept."""
    decided = json.loads(link.decided) if link.decided else {}
    kept = json.loads(history.first_words(tx, link.id) or "[]")
    message = Message.model_validate(kept[0]) if kept else None
    contact = Contact.model_validate_json(link.contact)
    context, proven = json.loads(link.context), json.loads(link.proven)
    opening = Opening(link.channel, contact, link.person_id, context, proven, message, link)
    moment = datetime.fromisoformat(decided["at"]) if decided else link.created_at
    known = decided.get("known") or _NEW
    return facts_of(runtime, opening, known, moment), message is not None or not decided.get("final")


def explanation_text(found: dict[str, Any]) -> str:
    """One explanation for people."""
    lines = [f"channel {found['channel']}, {found['at']}, routes {found['version']}"]
    if found.get("context_refused"):
        lines.append(f"the signed context is not believed: {found['context_refused']}")
    for one in found["rules"]:
        mark = "→" if one["chosen"] else "✓" if one["holds"] else "✗"
        lines.append(f"  [{mark}] {one['rule']}" + (f": {one['failing']}" if one["failing"] else ""))
    result = found["result"]
    if result is None:
        return "\n".join([*lines, "no route takes it: it would be put aside, see bridge dead list"])
    fields = ", ".join(f"{name} {value}" for name, value in result["fields"].items())
    lines.append(f"goes to {result['desk']}" + (f" with {fields}" if fields else ""))
    lines += [f"on entry: {text}" for text in result["texts_on_entry"]]
    if result["replies_after_a_message"] is not None:
        left = f"{result['replies_on_entry']} replies are left then"
        lines.append(f"{left}, {result['replies_after_a_message']} after a message of the customer")
    return "\n".join(lines)

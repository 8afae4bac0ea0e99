"""Why a conversation goes where it goes, and where past ones would go by the routes as they are. Nothing is changed.

Shown by `bridge routes` and by the console. No customer's words are in it.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bridge.contract import Author, AuthorKind, Contact, Message, Text
from bridge.engine.context import Runtime
from bridge.engine.conversation.absence import away_texts
from bridge.engine.conversation.decision import Opening, facts_of
from bridge.engine.conversation.greeting import texts_for
from bridge.engine.conversation.origin import read_origin
from bridge.routing.calendar import ALWAYS
from bridge.routing.conditions import LEFT, VERDICT, Facts, first_failing
from bridge.routing.goals import deadline
from bridge.settings import RouteSettings
from mappings import history, inspection, links
from mappings.links import LinkRow
from mappings.store import Tx

_EXAMPLES = 3
NEVER = "never"  # in the place of a deadline
_NEW = {
    "customer.new": True, "customer.returning": False, "history.last_desk": "", "history.open_elsewhere": False,
    VERDICT: "",
}  # fmt: skip


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
    window = runtime.capabilities(channel).window
    left = None if window is None else window.replies if text else window.on_entry
    found = explain(runtime, channel, facts_of(runtime, opening, {**_NEW, LEFT: left}, now))
    return {**found, "context_refused": origin.refused}


def moment_of(runtime: Runtime, channel: str, text: str) -> datetime:
    """A time as people write it: by the clock of the channel's office, unless it names a zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=runtime.office_zone(channel))).astimezone(UTC)


def explain(runtime: Runtime, channel: str, facts: Facts) -> dict[str, Any]:
    """Every rule of a channel, holding or with its failing condition; the chosen one, its texts and what they leave."""
    rules, chosen = [], None
    zone = runtime.office_zone(channel)
    for route in runtime.routes_of.get(channel, ()):
        failing = first_failing(route.rule, facts)
        chosen = chosen or (None if failing else route)
        rules.append({"rule": route.name, "holds": not failing, "failing": failing, "chosen": route is chosen})
    return {
        "channel": channel,
        "at": f"{facts.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "local": f"{facts.now.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}",
        "version": runtime.settings.routes_version,
        "rules": rules,
        "result": _result(runtime, chosen, facts) if chosen is not None else None,
    }


def _result(runtime: Runtime, route: RouteSettings, facts: Facts) -> dict[str, Any]:
    texts = texts_for(runtime.settings, route, facts.locale, facts.now) if route.greeting is not None else ()
    window = runtime.capabilities(route.channel).window
    bot = route.bot.name if route.bot is not None and route.bot.mode == "first" else ""
    return {
        "rule": route.name,
        "desk": route.desk,
        "fields": {name: value for name, value in route.fields.items() if value not in (None, [], {})},
        "bot": bot,
        "texts_on_entry": list(texts) if not bot else [],  # a bot greets with its answer
        "texts_on_message": [] if bot else away_texts(runtime, route, facts.locale, facts.now),
        "due": _due(runtime, route, facts),
        "replies_on_entry": None if window is None else max(0, window.on_entry - len(texts)),
        "replies_after_a_message": None if window is None else window.replies,
    }


def _due(runtime: Runtime, route: RouteSettings, facts: Facts) -> str:
    """Until when people should answer a message of this moment, by the office's clock; "" without a target."""
    target = runtime.settings.targets.get(route.targets)
    if target is None or target.first is None:
        return ""
    window = runtime.capabilities(route.channel).window
    ends = facts.now + window.lasts if window is not None else None
    calendar = runtime.calendars.get(target.clock, ALWAYS)
    found = deadline(calendar, facts.now, target.first, ends, target.margin)
    return f"{found.due_at.astimezone(calendar.zone):%Y-%m-%d %H:%M} {calendar.zone.key}" if not found.lost else NEVER


def explain_conversation(tx: Tx, runtime: Runtime, identifier: str) -> list[dict[str, Any]]:
    """A past conversation, by any of its ids: how it was decided then, and how it would be now."""
    found = []
    refs = [ref.link_id for ref in links.find_refs(tx, identifier)]
    for link_id in sorted({*refs, *inspection.links_named(tx, identifier)}):
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


def replay(tx: Tx, runtime: Runtime, since: datetime, serving: Runtime | None = None) -> dict[str, Any]:
    """How many conversations since a moment would go elsewhere by the routes as they are now, with examples of each:
    than they went, or than they would by other routes (`serving`; then the first ones are a draft).
    """
    changes: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    total = incomplete = 0
    for link in _links_since(tx, since):
        total += 1
        facts, complete = _facts_then(tx, runtime, link)
        if not complete:
            incomplete += 1
            continue
        now = explain(runtime, link.channel, facts)["result"]
        if serving is None:
            before = f"{json.loads(link.decided)['rule']} → {link.desk}"
        else:
            before = _where(explain(serving, link.channel, _facts_then(tx, serving, link)[0])["result"])
        after = _where(now)
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


def _where(result: dict[str, Any] | None) -> str:
    return f"{result['rule']} → {result['desk']}" if result else "no route"


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
    lines = [f"channel {found['channel']}, {found['at']} ({found['local']}), routes {found['version']}"]
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
    if result["bot"]:
        lines.append(f"the bot {result['bot']} answers first")
    lines += [f"on entry: {text}" for text in result["texts_on_entry"]]
    lines += [f"on a message: {text}" for text in result["texts_on_message"]]
    if result["due"] == NEVER:
        lines.append("nobody is there before the window ends: people cannot answer in time")
    elif result["due"]:
        lines.append(f"an answer is due by {result['due']}")
    if result["replies_after_a_message"] is not None:
        left = f"{result['replies_on_entry']} replies are left then"
        lines.append(f"{left}, {result['replies_after_a_message']} after a message of the customer")
    return "\n".join(lines)

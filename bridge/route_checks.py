"""Routes that are valid and yet wrong: never reached, or asking of a desk what it cannot take. `check` refuses them,
`doctor` and the log of `serve` name them; a bridge serves with them, because a rule must not cost a message.
"""

from collections.abc import Iterator
from pathlib import Path

from bridge.kinds import capabilities_of
from bridge.registry import Declared
from bridge.routing.rule_checks import covers
from bridge.settings import RouteSettings, Settings, Texts


def wrong_routes(settings: Settings, declared: dict[str, Declared], path: Path) -> list[str]:
    """All of the following: what `check` refuses, and `serve` writes into the log."""
    faults = unreachable_rules(settings, path) + unfit_fields(settings, declared, path)
    return faults + long_texts(settings, declared, path)


def unreachable_rules(settings: Settings, path: Path) -> list[str]:
    """Routes that never get a conversation, because an earlier one of their channel takes all that they would."""
    faults = []
    for index, route in enumerate(settings.routes):
        for earlier in settings.routes[:index]:
            if earlier.channel == route.channel and covers(earlier.rule, route.rule):
                what = f"is never reached: {earlier.name!r} before it takes everything that it would"
                faults.append(f"{path}: routes.{index}: {route.name!r} {what}; put it first, or take it out")
                break
    return faults


def unfit_fields(settings: Settings, declared: dict[str, Declared], path: Path) -> list[str]:
    """What routes ask of a ticket at desks whose kind has no place for it."""
    faults = []
    for index, route in enumerate(settings.routes):
        desk = declared.get(route.desk)
        able = capabilities_of(desk.connector) if desk is not None else None
        if desk is None or able is None:
            continue
        for name in asked_of_ticket(route):
            if not able.takes(name):
                kind = desk.config.kind
                known = ", ".join(able.fields or ()) or "none"
                what = f"{route.desk!r} ({kind}) cannot take it; {kind} takes: {known}"
                faults.append(f"{path}: routes.{index}.{name}: {what}; take it out, tickets come without it")
    return faults


def long_texts(settings: Settings, declared: dict[str, Declared], path: Path) -> list[str]:
    """Texts of a bridge's own that no single message of their channel holds: each would cost two replies."""
    faults = []
    for index, route in enumerate(settings.routes):
        channel = declared.get(route.channel)
        able = capabilities_of(channel.connector) if channel is not None else None
        most = able.max_text_bytes if able is not None else None
        for name, texts in _texts(route):
            every = [one for some in texts.values() for one in some] if isinstance(texts, dict) else texts
            size = max((len(text.encode()) for text in every), default=0)
            if most is not None and size > most:
                what = f"has {size} bytes, and a message of {route.channel!r} holds {most}; shorten it"
                faults.append(f"{path}: routes.{index}.{name}: {what}")
    return faults


def _texts(route: RouteSettings) -> Iterator[tuple[str, Texts]]:
    if route.greeting is not None:
        yield "greeting.texts", route.greeting.texts
        yield "greeting.closed_texts", route.greeting.closed_texts
    if route.away is not None:
        yield "away.texts", route.away.texts
    if route.waiting is not None:
        yield "waiting.texts", route.waiting.texts
    if route.bot is not None:
        yield "bot.handoff_text", (route.bot.handoff_text,)


def asked_of_ticket(route: RouteSettings) -> list[str]:
    """The keys of a route that its tickets are to be given."""
    return [name for name, value in route.fields.items() if value not in (None, "", [], {})]

"""From the configuration to connectors: entry points, the accounts they serve, and the routes between them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.absent import Absent, AbsentConfig, absent_config
from bridge.contract import Account, AccountConfig, Capabilities, Connector, Role
from bridge.kinds import Unusable, known_kinds, load_kind
from bridge.routing.conditions import NOT, TOPIC, words_in
from bridge.routing.rule_checks import wrong_condition
from bridge.settings import ConfigError, RouteSettings, Settings, explain, nearest, read_secret_files


@dataclass(frozen=True, slots=True)
class Declared:
    """An account of the configuration, validated by its connector."""

    name: str
    connector: type[Connector[Any]]
    config: AccountConfig


def declare_accounts(settings: Settings, path: Path, *, serving: bool = False) -> dict[str, Declared]:
    """Validates all accounts and routes. Raises ConfigError with every fault.

    `serving`: an account whose connector cannot be used is `Absent` and keeps no other from its work.
    """
    faults: list[str] = []
    kinds = known_kinds()
    declared: dict[str, Declared] = {}
    for name, section in settings.accounts.items():
        try:
            declared[name] = _declare(name, section, kinds, path)
        except Unusable as error:
            if not serving:
                faults.append(f"{path}: accounts.{name}.kind: {error}")
            declared[name] = Declared(name, Absent, absent_config(section, str(error)))
        except ConfigError as error:
            faults += error.faults
    if not faults:
        faults = route_faults(settings, declared, path)
    if faults:
        raise ConfigError(faults)
    return declared


def declare_account(name: str, section: dict[str, Any], path: Path) -> Declared:
    """Validates one account, whatever the others and the routes are. Raises ConfigError with every fault."""
    return _declare(name, section, known_kinds(), path)


def _declare(name: str, section: dict[str, Any], kinds: dict[str, EntryPoint], path: Path) -> Declared:
    where = f"accounts.{name}"
    kind = section.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        known = ", ".join(sorted(kinds))
        what = "is missing" if kind is None else f"{kind!r} is unknown"
        raise ConfigError([f"{path}: {where}.kind: {what}; known kinds: {known}{nearest(kind, kinds)}"])
    connector = load_kind(kinds[kind])
    keys = set(connector.Config.model_fields)
    section = read_secret_files(section, keys, path, where)
    try:
        return Declared(name, connector, connector.Config.model_validate(section, context={"folder": path.parent}))
    except ValidationError as error:
        raise ConfigError(explain(error, path, where, connector.Config)) from None
    except Exception as error:  # noqa: BLE001 - somebody else's code
        raise Unusable(f"{kind!r}: {type(error).__name__} while its keys were read") from None


def make_connector(declared: Declared, account: Account) -> tuple[Connector[Any], AccountConfig]:
    """The connector of an account with its configuration; `Absent` for one that cannot be made."""
    try:
        connector = declared.connector(declared.config, account)
        capabilities: object = connector.capabilities
        if isinstance(capabilities, Capabilities):
            return connector, declared.config
        why = "its capabilities are no Capabilities"
    except AttributeError as error:
        why = "it has no capabilities" if error.name == "capabilities" else f"AttributeError: {error}"
    except Exception as error:  # noqa: BLE001 - somebody else's code; the other accounts are to go on
        why = f"{type(error).__name__} when it was made"
    sentence = f"{declared.config.kind!r}: {declared.connector.__name__} cannot be used: {why}"
    config = absent_config({"kind": declared.config.kind}, sentence)
    return Absent(config, account), config


def trial_faults(settings: Settings, declared: dict[str, Declared], path: Path) -> list[str]:
    """What keeps connectors from being made of their keys, found without a network, a database or an engine."""
    faults = []
    for name, one in declared.items():
        public_url = settings.bridge.public_url
        account = Account(
            name=name,
            http=_NOTHING,
            tokens=_NOTHING,
            media=_NOTHING,
            records=_NOTHING,
            now=lambda: datetime.now(UTC),
            public_url=public_url,
            hook_url=f"{public_url}/hooks/{name}",
            secret=bytes(32),
            language=settings.bridge.language,
        )
        made, config = make_connector(one, account)
        if isinstance(made, Absent) and isinstance(config, AbsentConfig):
            faults.append(f"{path}: accounts.{name}: {config.why}")
        elif made.capabilities.window is not None:
            faults += _greeting_faults(settings, name, made.capabilities.window.on_entry, path)
    return faults


def _greeting_faults(settings: Settings, channel: str, most: int, path: Path) -> list[str]:
    """Greetings with more texts than opening the chat of a channel gives replies for."""
    faults = []
    for index, route in enumerate(settings.routes):
        if route.channel != channel or route.greeting is None:
            continue
        for key in ("texts", "closed_texts"):
            value = getattr(route.greeting, key)
            longest = max((len(texts) for texts in (value.values() if isinstance(value, dict) else [value])), default=0)
            if longest > most:
                faults.append(
                    f"{path}: routes.{index}.greeting.{key}: has {longest} texts; opening the chat at {channel!r} "
                    f"allows {most}: leave some out"
                )
    return faults


class _Nothing:
    """What a connector may hold on to, but not use, while it is made."""

    def __getattr__(self, name: str) -> "Any":
        return self

    def __call__(self, *_: object, **__: object) -> "Any":
        return self


_NOTHING: Any = _Nothing()


def route_faults(settings: Settings, declared: dict[str, Declared], path: Path) -> list[str]:
    """What is wrong with routes: names that are not there, conditions that cannot hold."""
    faults = []
    desks = {end for route in settings.routes for end in (route.desk, route.fallback) if end}
    last: dict[str, RouteSettings] = {}
    for index, route in enumerate(settings.routes):
        for side, role in (("channel", Role.CHANNEL), ("desk", Role.DESK)):
            name = getattr(route, side)
            if name not in declared:
                known = ", ".join(sorted(declared)) or "none"
                meant = nearest(name, declared)
                faults.append(f"{path}: routes.{index}.{side}: there is no account {name!r}; accounts: {known}{meant}")
            elif role not in declared[name].connector.roles:
                faults.append(f"{path}: routes.{index}.{side}: account {name!r} cannot be a {side}")
        faults += [f"{path}: routes.{index}.bot: {fault}" for fault in _bot_faults(route, declared, desks)]
        faults += [f"{path}: routes.{index}.{fault}" for fault in _named_faults(route, settings, declared)]
        faults += [f"{path}: routes.{index}.{fault}" for fault in _condition_faults(route, settings)]
        last[route.channel] = route
    for name, target in settings.targets.items():
        if target.clock and target.clock not in settings.calendars:
            known = ", ".join(sorted(settings.calendars)) or "none"
            faults.append(f"{path}: targets.{name}.clock: there is no calendar {target.clock!r}; calendars: {known}")
    for channel, route in last.items():
        if route.when and channel in declared:
            index = settings.routes.index(route)
            faults.append(f"{path}: routes.{index}.when: the last route of {channel!r} must match everything")
    if faults:
        return faults
    return [
        f"{path}: accounts.{name}: no route names this account; add one under [[routes]]"
        for name in unrouted(settings, declared)
        if Role.CHANNEL in declared[name].connector.roles  # its customers would write to nobody
    ]


def unrouted(settings: Settings, declared: dict[str, Declared]) -> list[str]:
    """Accounts that no route names. Desks and bots may be: agents move conversations there by name."""
    used = {end for route in settings.routes for end in (route.channel, route.desk, route.fallback)}
    used |= {route.bot.name for route in settings.routes if route.bot is not None}
    return [name for name in declared if name not in used]


def _bot_faults(route: RouteSettings, declared: dict[str, Declared], desks: set[str]) -> list[str]:
    bot = route.bot
    if bot is None:
        return []
    if bot.name not in declared:
        known = ", ".join(name for name, one in declared.items() if Role.BOT in one.connector.roles) or "none"
        return [f"there is no account {bot.name!r}; bots: {known}{nearest(bot.name, declared)}"]
    faults = []
    if Role.BOT not in declared[bot.name].connector.roles:
        faults.append(f"account {bot.name!r} is no bot")
    elif bot.name in desks:
        faults.append(f"account {bot.name!r} is a desk in these routes; give the bot an account of its own")
    channel = declared.get(route.channel)
    window = getattr(getattr(channel.connector, "capabilities", None), "window", None) if channel else None
    if window is not None and bot.reserve >= window.replies:
        faults.append(f"reserve = {bot.reserve} leaves nothing: the channel allows {window.replies} replies in all")
    desk = declared.get(route.desk)
    if bot.mode == "suggest" and desk is not None and getattr(desk.connector.capabilities, "notes_act", False):
        faults.append(f"mode = 'suggest' is of no use at {route.desk!r}: notes go with the customer's next words there")
    if bot.hours != "always" and not route.calendar:
        faults.append(f"hours = {bot.hours!r} needs the route's `calendar`")
    return faults


def _named_faults(route: RouteSettings, settings: Settings, declared: dict[str, Declared]) -> list[str]:
    """Names of other sections that are not there."""
    faults = []
    for key, what, known in (
        ("calendar", "calendar", settings.calendars),
        ("targets", "target", settings.targets),
        ("fallback", "desk", [name for name, one in declared.items() if Role.DESK in one.connector.roles]),
    ):
        name = getattr(route, key)
        if name and name not in known:
            there = ", ".join(sorted(known)) or "none"
            faults.append(f"{key}: there is no {what} {name!r}; {what}s: {there}{nearest(name, known)}")
    return faults


def _condition_faults(route: RouteSettings, settings: Settings) -> list[str]:
    faults = []
    for name, allowed in route.when.items():
        wrong = wrong_condition(name, allowed)
        if not wrong and name.removeprefix(NOT) == "hours":
            wrong = _wrong_hours(route, words_in(allowed), settings)
        if not wrong and name.removeprefix(NOT) == TOPIC:
            wrong = _wrong_topics(words_in(allowed), [one.name for one in settings.topics])
        if wrong:
            faults.append(f"when.{name}: {wrong}")
    return faults


def _wrong_topics(wanted: tuple[str, ...], names: list[str]) -> str:
    unknown = next((one for one in wanted if not any(fnmatchcase(name, one) for name in names)), "")
    known = ", ".join(names) or "none; add [[topics]]"
    return f"there is no topic {unknown!r}; topics: {known}{nearest(unknown, names)}" if unknown else ""


def _wrong_hours(route: RouteSettings, wanted: tuple[str, ...], settings: Settings) -> str:
    for one in wanted:
        name, _, state = one.rpartition(":")
        if state not in {"open", "closed"}:
            name = state if not name else one
        if not name and not route.calendar:
            return f"{one!r} needs the route's `calendar`"
        if name and name not in settings.calendars:
            known = ", ".join(sorted(settings.calendars)) or "none"
            return f"{one!r} is not open, closed or a calendar; calendars: {known}{nearest(name, settings.calendars)}"
    return ""

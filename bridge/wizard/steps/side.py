"""A side, channel or desk: which kind, its keys, what is entered at the vendor, and the vendor's first call."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from bridge.contract import Guide, SetsUp, SignsIn, ToEnter, Words, WrongValue, in_language
from bridge.first_config import NAMES, first_kinds, keys_of
from bridge.web.hooks import PREFIX
from bridge.wizard.calls import Call
from bridge.wizard.draft import Account, Former
from bridge.wizard.forms import class_of, entered, faults_of, fields_of, kinds_for, made_values
from bridge.wizard.setup import Changed, Visit

_FORMER = 5  # values of a key that are remembered
_SILENCE = 8  # seconds without a call before we look ourselves
_MIN_PASSWORD = 10


async def show_channel(visit: Visit) -> Response:
    """Where customers write."""
    return await _show(visit, "channel", {})


async def show_desk(visit: Visit) -> Response:
    """Where agents answer."""
    return await _show(visit, "desk", {})


async def save_channel(visit: Visit) -> Response:
    """One act on the channel's page."""
    return await _save(visit, "channel")


async def save_desk(visit: Visit) -> Response:
    """One act on the desk's page."""
    return await _save(visit, "desk")


async def live_channel(visit: Visit) -> Response:
    """The channel's calls."""
    return await _live(visit, "channel")


async def live_desk(visit: Visit) -> Response:
    """The desk's calls."""
    return await _live(visit, "desk")


def side_of(visit: Visit, role: str) -> Account:
    """What is entered of a side; a new one of the usual kind where nothing is."""
    one: Account | None = getattr(visit.draft, role)
    if one is None:
        kinds = kinds_for(role)
        kind = first_kinds()[role]
        kind = kind if kind in kinds else next(iter(kinds))
        one = Account(kind=kind, values=made_values(kind, role))
        setattr(visit.draft, role, one)
        visit.setup.keep()
    return one


async def _show(visit: Visit, role: str, faults: Mapping[str, str], trouble: str = "") -> Response:
    one = side_of(visit, role)
    trouble = trouble or await visit.show()
    connector = visit.setup.preview.connector(role)
    guide = class_of(one.kind).guide
    return visit.page(
        role,
        role=role,
        side=one,
        kinds={kind: visit.kind_name(kind, role) for kind in kinds_for(role)},
        fields=fields_of(one.kind, role, one.values, faults),
        says={
            entry.value.strip("{}"): {key: visit.words(word) for key, word in entry.says.items()}
            for entry in guide.enter
        },
        faults=faults,
        fault=faults.get("", ""),
        trouble=trouble,
        ready=connector is not None and not faults,
        guide=guide,
        to_enter=_to_enter(visit, role, one, guide),
        sets_up=isinstance(connector, SetsUp),
        signs_in=isinstance(connector, SignsIn) and role == "desk",
        applied=visit.setup.applied if role == "desk" else [],
    )


def _to_enter(visit: Visit, role: str, one: Account, guide: Guide) -> list[dict[str, Any]]:
    """The fields of the vendor's page with their values; without a guide, the address and what is made up."""
    settings = {setting.key: setting for setting in keys_of(role, one.kind)}
    places = {
        "hook_url": f"{visit.draft.public_url or f'http://127.0.0.1:{visit.setup.port}'}{PREFIX}{NAMES[role]}",
        "public_url": visit.draft.public_url,
        **{key: str(one.values.get(key, setting.default.strip('"'))) for key, setting in settings.items()},
    }
    made = [setting for setting in settings.values() if setting.make is not None]
    entries = guide.enter or tuple(
        [ToEnter(("Address for callbacks", "回调地址"), "{hook_url}")] * bool(made)
        + [ToEnter(setting.title, f"{{{setting.key}}}", setting.help) for setting in made]
    )
    found = []
    for entry in entries:
        key = entry.value.strip("{}") if entry.value.startswith("{") else ""
        value = places.get(key, entry.value) if key else entry.value
        says = entry.says.get(value)
        found.append(
            {
                "title": visit.words(entry.title),
                "note": visit.words(entry.note),
                "value": visit.words(says) if says else value,
                "key": key,
                "made": key in settings and settings[key].make is not None,
                "typed": not says and bool(key),
            }
        )
    return found


async def _save(visit: Visit, role: str) -> Response:
    one, act = side_of(visit, role), visit.form.get("act", "save")
    if act == "kind":
        return _choose(visit, role)
    if act == "new":
        return await _make_anew(visit, role, one)
    if act == "apply":
        return await _apply(visit, role)
    if act == "agent":
        return await _add_agent(visit, role)
    if act == "next":
        return await _next(visit, role)
    values = entered(one.kind, role, visit.form, one.values)
    one.values = values
    visit.setup.applied = []
    visit.setup.calls.forget(role)
    visit.setup.keep()
    faults = faults_of(one.kind, values, visit.language)
    trouble = "" if faults else await visit.show()
    if faults or trouble:
        return await _show(visit, role, faults, trouble)
    return visit.go(role, "saved")


def _choose(visit: Visit, role: str) -> Response:
    """Another kind. What was entered for the one before is there again when it is chosen again."""
    kind, draft = visit.form.get("kind", ""), visit.draft
    one = getattr(draft, role)
    if kind in kinds_for(role) and kind != one.kind:
        draft.put_aside[f"{role} {one.kind}"] = one
        found = draft.put_aside.pop(f"{role} {kind}", None)
        setattr(draft, role, found or Account(kind=kind, values=made_values(kind, role)))
        visit.setup.applied = []
        visit.setup.calls.forget(role)
        visit.setup.keep()
    return visit.go(role)


async def _make_anew(visit: Visit, role: str, one: Account) -> Response:
    """Another value for a key that is made up. The old one is remembered, to know it again in a callback."""
    key = visit.form.get("key", "")
    make = next((setting.make for setting in keys_of(role, one.kind) if setting.key == key), None)
    if make is not None:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        old = Former(key=key, value=str(one.values.get(key, "")), until=now)
        one.former = [*one.former, old][-_FORMER:]
        one.values = {**one.values, key: make()}
        visit.setup.calls.forget(role)
        visit.setup.keep()
        await visit.show()
    return visit.go(role, "made")


async def _apply(visit: Visit, role: str) -> Response:
    """Does what can be done at the vendor by itself."""
    connector, one = visit.setup.preview.connector(role), side_of(visit, role)
    done: list[str] = []
    if isinstance(connector, SetsUp):
        try:
            done = [
                in_language(await change.apply(), visit.language)
                for change in await connector.plan()
                if change.apply is not None
            ]
            for change in await connector.plan():  # some values are known only now
                if change.keys:
                    one.values = {**one.values, **change.keys}
                    done.append(visit.say("setup.entered", keys=", ".join(change.keys)))
        except Exception as error:  # noqa: BLE001 - whatever the vendor says is shown, and the page goes on
            return await _show(visit, role, {}, str(error))
        visit.setup.keep()
        await visit.show()
    visit.setup.applied = done
    return visit.go(role, "applied")


async def _add_agent(visit: Visit, role: str) -> Response:
    """A sign-in for a desk that has agents of its own."""
    connector = visit.setup.preview.connector(role)
    name, password = visit.form.get("agent", "").strip(), visit.form.get("agent_password", "")
    if len(password) < _MIN_PASSWORD:
        return await _show(visit, role, {}, visit.say("setup.password_short", least=_MIN_PASSWORD))
    if isinstance(connector, SignsIn):
        try:
            await connector.add_agent(name, password)
        except ValueError as error:
            words = error.words.say(visit.language) if isinstance(error, WrongValue) else str(error)
            return await _show(visit, role, {}, words)
    return visit.go(role, "agent_added")


async def _next(visit: Visit, role: str) -> Response:
    """On; with both sides there the file is written."""
    if role == "desk" and not visit.setup.missing():
        try:
            await asyncio.to_thread(visit.setup.write)
        except Changed:
            return await _show(visit, role, {}, visit.say("setup.changed", path=str(visit.setup.config)))
        except OSError as error:
            text = visit.say("setup.not_written", path=str(visit.setup.config), why=error.strerror or "")
            return await _show(visit, role, {}, text)
    return visit.after(role)


async def _live(visit: Visit, role: str) -> Response:
    """What came, newest first; when nothing comes, what we see ourselves."""
    setup = visit.setup
    calls = setup.calls.of(role)
    answer = None
    if not calls and visit.draft.public_url and setup.calls.waited(role) >= _SILENCE:
        answer = await setup.asked.look(visit.draft.public_url, PREFIX + NAMES[role], visit.draft.secret_key)
    return visit.part(
        "calls_live.html",
        calls=[(call, told(visit, role, call)) for call in calls[:6]],
        proven=setup.calls.proven(role),
        answer=answer,
        remarks=[],
        hook=f"{visit.draft.public_url}{PREFIX}{NAMES[role]}",
    )


def told(visit: Visit, role: str, call: Call) -> str:
    """What is wrong with a call, and what to do, in the reader's language."""
    found = call.finding
    if found is None:
        return ""
    one = side_of(visit, role)
    entries = class_of(one.kind).guide.enter
    value = found.value
    if found.what == "choice":
        entry = next((one for one in entries if one.value == f"{{{found.key}}}"), None)
        value = visit.words(entry.says[value]) if entry is not None and value in entry.says else value
    elif found.what == "swapped":
        other = next((one for one in keys_of(role, one.kind) if one.key == value), None)
        value = other.title.say(visit.language) if other is not None else value
    title = Words(*found.title).say(visit.language)
    text = visit.say(f"call.{found.what}", title=title, value=value, hook=PREFIX + NAMES[role])
    reason = found.reason.get(visit.language, "")
    return f"{text} {reason}".strip() if found.what in _WITH_REASON else text


_WITH_REASON = frozenset({"signature", "clock", "key", "app", "mode", "no_secret", "unreadable", "unsigned"})

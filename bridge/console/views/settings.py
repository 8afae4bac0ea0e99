"""How the console looks to somebody, who may sign in and who is, what the configuration is."""

from collections import Counter

from starlette.responses import Response

from bridge.console.configured import configured
from bridge.console.texts import LANGUAGES
from bridge.console.users import ROLES, new_digest, set_user
from bridge.console.visit import NotFound, Refused, Visit
from bridge.contract import WrongValue
from bridge.engine.context import Work
from mappings import console
from mappings.store import Tx

_THEMES = ("", "light", "dark")
_PAGE = "/console/settings"


async def show(visit: Visit) -> Response:
    """The page."""
    return await visit.read(_page, visit)


def _page(tx: Tx, visit: Visit) -> Response:
    admin = visit.session.may("admin")
    everybody = console.sessions(tx) if admin else []
    return visit.page(
        "settings.html",
        sessions=console.sessions(tx, visit.session.name),
        users=console.users(tx) if admin else [],
        others=[one for one in everybody if one.name != visit.session.name],
        counts=Counter(one.name for one in everybody),
        roles=ROLES,
        values=[("", one) for one in configured(visit.desk.runtime.settings)] if visit.session.may("operator") else [],
    )


async def look(visit: Visit) -> Response:
    """Language and colours of whoever asks."""
    language, theme = visit.form.get("language", ""), visit.form.get("theme", "")
    language, theme = language if language in LANGUAGES else "", theme if theme in _THEMES else ""

    def change(work: Work) -> None:
        console.change_user(work.tx, visit.session.name, language=language, theme=theme)

    await visit.act("change look", visit.session.shown, change)
    return visit.back(_PAGE, "saved")


async def add_user(visit: Visit) -> Response:
    """A sign-in, or a new password and role for one."""
    name, role = visit.form.get("user", ""), visit.form.get("role", "")
    try:
        digest = await new_digest(name, visit.form.get("secret", ""), role)
    except WrongValue as error:
        raise Refused("error.user", 400, said=error.words) from None
    await visit.act("", "", lambda work: set_user(work.tx, name, role, digest, visit.who, work.now))
    return visit.back(_PAGE, "user_added")


async def change_role(visit: Visit) -> Response:
    """Another role; it counts from the next page on."""
    name, role = visit.form.get("user", ""), visit.form.get("role", "")

    def change(work: Work) -> None:
        _check_left(work.tx, name, keeps=role == "admin")
        if role not in ROLES or console.get_user(work.tx, name) is None:
            raise NotFound
        console.change_user(work.tx, name, role=role)

    await visit.act("change role", f"{name}: {role}", change)
    return visit.back(_PAGE, "role_changed")


async def remove_user(visit: Visit) -> Response:
    """Takes a sign-in away; asked on a page of its own."""
    name = visit.form.get("user", "")
    if visit.form.get("sure") != "1":
        return visit.page("remove_user.html", name=name)

    def change(work: Work) -> None:
        _check_left(work.tx, name, keeps=False)
        if not console.remove_user(work.tx, name):
            raise NotFound

    await visit.act("remove user", name, change)
    return visit.back(_PAGE, "user_removed")


def _check_left(tx: Tx, name: str, *, keeps: bool) -> None:
    """Somebody must be able to come in and mend it."""
    user = console.get_user(tx, name)
    if not keeps and user is not None and user.role == "admin" and console.count_users(tx, "admin") < 2:
        raise Refused("error.last_admin")


async def end_theirs(visit: Visit) -> Response:
    """A session of somebody else."""
    which = visit.form.get("id", "")

    def change(work: Work) -> int:
        return console.end_sessions(work.tx, [one.key for one in console.sessions(work.tx) if one.key[:16] == which])

    return visit.back(_PAGE, "ended", await visit.act("end sessions", which, change))


async def end_sessions(visit: Visit) -> Response:
    """One of their own sessions, or all others."""
    which, mine = visit.form.get("id", ""), visit.session

    def change(work: Work) -> int:
        keys = [
            row.key
            for row in console.sessions(work.tx, mine.name)
            if (row.key != mine.key if which == "others" else row.key[:16] == which)
        ]
        return console.end_sessions(work.tx, keys)

    count = await visit.act("end sessions", mine.shown, change)
    return visit.back(_PAGE, "ended", count)

"""How the console looks to somebody, where they are signed in."""

from starlette.responses import Response

from bridge.console.texts import LANGUAGES
from bridge.console.visit import Visit
from bridge.engine.context import Work
from mappings import console

_THEMES = ("", "light", "dark")
_PAGE = "/console/settings"


async def show(visit: Visit) -> Response:
    """The page."""
    return visit.page("settings.html", sessions=await visit.read(console.sessions, visit.session.name))


async def look(visit: Visit) -> Response:
    """Language and colours of whoever asks."""
    language, theme = visit.form.get("language", ""), visit.form.get("theme", "")
    changed = {"language": language if language in LANGUAGES else "", "theme": theme if theme in _THEMES else ""}

    def change(work: Work) -> None:
        console.change_user(work.tx, visit.session.name, **changed)

    await visit.act("change look", visit.session.shown, change)
    return visit.back(_PAGE, "saved")


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

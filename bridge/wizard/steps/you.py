"""The first admin: a name and a password for the console."""

import asyncio
from datetime import UTC, datetime

from starlette.responses import Response

from bridge.console.texts import LANGUAGES
from bridge.console.users import MIN_PASSWORD, clean_name, new_digest, set_user
from bridge.wizard.preview import settings_of
from bridge.wizard.setup import Visit
from mappings.cli_access import open_writer
from mappings.schema import make_ready
from mappings.store import StoreUnusable


async def show(visit: Visit) -> Response:
    """The form."""
    return _page(visit, {}, visit.draft.admin)


def _page(visit: Visit, faults: dict[str, str], name: str) -> Response:
    return visit.page("you", faults=faults, name=name, least=MIN_PASSWORD, kept=bool(visit.draft.admin))


async def save(visit: Visit) -> Response:
    """Makes the sign-in at once: it works when the set-up is finished. Who has one may leave the password as it is."""
    draft, form = visit.draft, visit.form
    name, password = clean_name(form.get("name", "")), form.get("password", "")
    language = form.get("language", "")
    draft.language = language if language in LANGUAGES else visit.language
    if draft.admin == name and not password:
        return visit.after("you")
    faults = {}
    if not name:
        faults["name"] = visit.say("setup.name_empty")
    if len(password) < MIN_PASSWORD:
        faults["password"] = visit.say("setup.password_short", least=MIN_PASSWORD)
    if faults:
        return _page(visit, faults, name)
    digest = await new_digest(name, password, "admin")
    await visit.setup.preview.close()  # on SQLite one process writes at a time
    try:
        await asyncio.to_thread(_add, settings_of(draft, "", {}).bridge.database_url, name, digest)
    except StoreUnusable as error:
        return _page(visit, {"name": str(error)}, name)
    draft.admin = name
    await visit.show()
    return visit.after("you")


def _add(url: str, name: str, digest: str) -> None:
    make_ready(url)
    with open_writer(url) as tx:
        set_user(tx, name, "admin", digest, "set-up", datetime.now(UTC))

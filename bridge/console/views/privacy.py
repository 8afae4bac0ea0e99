"""One side of a person as an archive, or gone for good. Admins only."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from bridge.console.disk import why_of
from bridge.console.pages import HEADERS
from bridge.console.visit import NotFound, Refused, Visit
from bridge.contract import in_language
from bridge.privacy import erasing
from bridge.privacy.erasing import NotErased, Plan
from bridge.privacy.exporting import export
from bridge.privacy.subject import NoSubject


async def export_person(visit: Visit) -> Response:
    """The archive, to be saved."""
    planned = await _planned(visit)
    try:
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="bridge-export-"))
    except OSError as error:  # also where no folder for such files can be written at all
        raise Refused("error.disk", 503, why=why_of(error)) from None
    out = folder / "person.zip"
    try:
        await export(visit.desk.bridge, planned, out)
        await visit.act("export", "one person", lambda _work: None)
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        raise
    name, gone = f"person-{planned.side.person_id}.zip", BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    return FileResponse(out, media_type="application/zip", filename=name, headers=HEADERS, background=gone)


async def erase_person(visit: Visit) -> Response:
    """Asked on a page of its own; then what went, and what is left to do at each vendor."""
    planned = await _planned(visit)
    if visit.form.get("sure") != "1":
        return visit.page("erase.html", person=visit.number(), planned=planned, named=visit.form["named"])
    try:
        done = await erasing.erase(visit.desk.bridge, visit.form["named"], visit.who)
    except NotErased as error:
        raise Refused("error.not_erased", 409, said=error.words) from None
    except NoSubject:
        raise NotFound from None
    visit.desk.live.nudge()
    done.to_do = [(account, in_language(sentence, visit.language)) for account, sentence in done.to_do]
    return visit.page("erased.html", done=done, planned=planned, sqlite=visit.desk.store.sqlite)


async def _planned(visit: Visit) -> Plan:
    """The side that the form names. Raises NotFound unless it is of this person."""
    try:
        planned = await erasing.plan(visit.desk.bridge, visit.form.get("named", ""))
    except NoSubject:
        raise NotFound from None
    if planned.side.person_id != visit.number():
        raise NotFound
    return planned

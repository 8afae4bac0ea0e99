"""Routes put into the configuration from the console, or back: looked at first, each on a page of its own. What serves
goes by them once it has started anew, which can be asked for here, too.
"""

import asyncio
import difflib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.responses import Response

from bridge import route_publishing as publishing
from bridge.cli.common import read_config
from bridge.console.disk import why_of
from bridge.console.faults import faults_in
from bridge.console.views import routes
from bridge.console.visit import Refused, Visit
from bridge.explanation import replay
from bridge.route_drafts import read_draft
from bridge.route_publishing import Proposal, Unpublishable
from bridge.settings import ConfigError

_PAGE = "/console/routes"
_SPAN = timedelta(days=7)
Act = Callable[..., None]


async def publish(visit: Visit) -> Response:
    """A draft becomes the configuration's routes."""
    return await _change(visit, "publish", publishing.publish, visit.form.get("draft", "")[: routes.LONGEST])


async def undo(visit: Visit) -> Response:
    """The routes that were there before the last time come back."""
    kept = await _in_file(publishing.former, _file(visit))
    return await _change(visit, "undo", publishing.undo, kept)


async def renew(visit: Visit) -> Response:
    """The bridge starts anew with the configuration as it is, if that can serve."""
    path, begin = _file(visit), visit.desk.bridge.start_anew
    if begin is None:
        raise Refused("error.no_file")
    if visit.form.get("sure") != "1":
        return visit.page("renew.html", path=path)
    await _in_file(lambda where: read_config(str(where), serving=True), path)
    await visit.act("start anew", "", lambda _work: None)
    answer = visit.back(_PAGE, "renewing")
    answer.background = BackgroundTask(begin)  # this answer goes first
    return answer


async def _change(visit: Visit, name: str, act: Act, text: str) -> Response:
    path, runtime = _file(visit), visit.desk.runtime
    changed, faults = read_draft(runtime, text)
    if changed is None:
        if name == "publish":
            return await routes.draft(visit)  # which says what is wrong
        raise Refused("error.former_routes", why=faults_in(faults))
    now = await _in_file(publishing.standing, path)
    if visit.form.get("sure") != "1":
        compared = await visit.read(replay, changed, visit.now - _SPAN, runtime)
        difference = _difference(now.text, publishing.routes_in(text) or text)
        fields = {"sure": "1", "version": now.version, **({"draft": text} if name == "publish" else {})}
        return visit.page("publish.html", act=name, path=path, compared=compared, difference=difference,
                          fields=fields, advice=faults)  # fmt: skip
    proposal = Proposal(text, changed.settings.routes_version, visit.form.get("version", ""))
    with _refusing(path):
        await visit.act("", "", lambda work: act(work.tx, path, proposal, visit.who, work.now))
    return visit.back(_PAGE, f"routes_{name}")


def _difference(before: str, after: str) -> list[tuple[str, str]]:
    """Lines as (mark, line): `+`, `-`, `…` for what is left out, or "" for what stays."""
    lines = difflib.unified_diff(before.strip().splitlines(), after.strip().splitlines(), lineterm="", n=2)
    shown = [line for line in lines if not line.startswith(("---", "+++"))]
    return [("…", "") if line.startswith("@@") else (line[:1].strip(), line[1:]) for line in shown][1:]


def _file(visit: Visit) -> Path:
    path = visit.desk.bridge.config
    if path is None:
        raise Refused("error.no_file")
    return path


async def _in_file(look: Callable[[Path], Any], path: Path) -> Any:
    with _refusing(path):
        return await asyncio.to_thread(look, path)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """What is wrong with the file is said on a page."""
    try:
        yield
    except Unpublishable as error:
        raise Refused("error.routes", path=path, why=error.words) from None
    except ConfigError as error:
        raise Refused("error.config", why=faults_in(error.faults)) from None
    except OSError as error:
        raise Refused("error.config_disk", 503, path=path, why=why_of(error)) from None

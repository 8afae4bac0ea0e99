"""What all pages of the set-up share, and one request of somebody who may use them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bridge.console import pages
from bridge.console.texts import LANGUAGES, catalogue, language_of, say
from bridge.contract import Words
from bridge.first_config import Chosen, config_text
from bridge.settings import ConfigError
from bridge.wizard.address import Asking
from bridge.wizard.calls import Calls
from bridge.wizard.door import Door
from bridge.wizard.draft import Draft, Drafts, digest, write_private
from bridge.wizard.forms import class_of, faults_of
from bridge.wizard.preview import Preview
from mappings.store import StoreUnusable

PATH = "/console/setup"
STEPS = ("you", "address", "channel", "desk", "trip")


class Changed(Exception):
    """The configuration's file is not the one that was written here: nobody's work is overwritten."""


@dataclass(slots=True)
class Setup:
    """One set-up. `finished` is set when the file is written and the last page was left."""

    drafts: Drafts
    draft: Draft
    preview: Preview
    calls: Calls
    door: Door
    port: int
    applied: list[str] = field(default_factory=list)
    asked: Asking = field(default_factory=Asking)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def config(self) -> Path:
        return self.drafts.config

    def keep(self) -> None:
        """What was entered is on disk from here on."""
        self.drafts.save(self.draft)

    def missing(self) -> list[str]:
        """The steps without which no configuration can be written."""
        draft = self.draft
        sides = {"channel": draft.channel, "desk": draft.desk}
        lacking = [role for role, one in sides.items() if one is None or faults_of(one.kind, one.values)]
        return [*([] if draft.admin else ["you"]), *([] if draft.public_url else ["address"]), *lacking]

    def write(self) -> None:
        """Writes the configuration. Raises Changed, OSError."""
        draft = self.draft
        assert draft.channel is not None
        assert draft.desk is not None
        if digest(self.config) not in {"", draft.written}:
            raise Changed(str(self.config))
        sides = [Chosen(role, one.kind, one.values) for role, one in (("channel", draft.channel), ("desk", draft.desk))]
        language = draft.language or "en"
        text = config_text(
            {"public_url": draft.public_url, "secret_key": draft.secret_key},
            sides,
            language,
            say(language, "setup.head"),
        )
        if digest(self.config) == "" or self.config.read_text("utf-8") != text:
            write_private(self.config, text)
        draft.written = digest(self.config)
        self.keep()


@dataclass(slots=True)
class Visit:
    """A request of a browser that entered the code."""

    setup: Setup
    request: Request
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def draft(self) -> Draft:
        return self.setup.draft

    @property
    def language(self) -> str:
        return language_in(self.setup, self.request)

    def say(self, key: str, **values: Any) -> str:
        """A text of the catalogue."""
        return say(self.language, key, **values)

    def words(self, words: Words | tuple[str, str]) -> str:
        """A connector's words."""
        return Words(*words).say(self.language)

    def name_of(self, role: str) -> str:
        """What the vendor on a side is called."""
        one = getattr(self.draft, role)
        return self.kind_name(one.kind, role) if one is not None else self.say(f"setup.step_{role}")

    def kind_name(self, kind: str, role: str) -> str:
        """What an installed kind is called in a role; its own name where its connector says nothing."""
        guide = class_of(kind).guide
        return (self.words(guide.as_desk) if role == "desk" else "") or self.words(guide.name) or kind

    async def show(self) -> str:
        """Serves with what is entered now. Returns why that does not work, or ""."""
        try:
            await self.setup.preview.show(self.draft)
        except (ConfigError, StoreUnusable, OSError) as error:
            return str(error)
        return ""

    def page(self, step: str, **values: Any) -> Response:
        """A step's page."""
        return step_page(self, step, values)

    def part(self, template: str, **values: Any) -> Response:
        """What follows by itself: 204 while it is as the page shows it."""
        text = pages.render(
            f"setup/{template}",
            self.language,
            csrf=self.setup.door.csrf(self.request),
            port=self.setup.port,
            path=str(self.setup.config),
            **values,
        )
        mark = f"{crc32(text.encode()):x}"
        if self.request.query_params.get("seen") == mark:
            return Response(status_code=204, headers=pages.HEADERS)
        text += f'<input type="hidden" name="seen" value="{mark}">'
        return Response(text, headers={**pages.HEADERS, "content-type": "text/html; charset=utf-8"})

    def starting(self) -> Response:
        """The last page was left; whoever asks now is taken to the console once it is served."""
        return starting_page(self.language)

    def go(self, step: str, said: str = "") -> Response:
        """To a step."""
        return RedirectResponse(f"{PATH}/{step}" + (f"?{urlencode({'said': said})}" if said else ""), 303)

    def after(self, step: str) -> Response:
        """The step is done or left for later: on to the next."""
        self.draft.finish(step)
        self.setup.keep()
        return self.go(STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)])


def language_in(setup: Setup, request: Request) -> str:
    """The language that was chosen, else the browser's."""
    return setup.draft.language or language_of(request.headers.get("accept-language", ""))


def starting_page(language: str) -> Response:
    """It asks for the console by itself: while the process changes over, the socket keeps who comes."""
    answer = pages.page("setup/starting.html", language)
    answer.headers["refresh"] = "1; url=/console/"
    return answer


def step_page(visit: Visit, step: str, values: Mapping[str, Any]) -> Response:
    """A step in the wizard's frame: where one is, and what is done."""
    draft = visit.draft
    said = f"setup.{visit.request.query_params.get('said', '')}"
    steps = [
        {
            "name": one,
            "title": visit.name_of(one) if one in {"channel", "desk"} else visit.say(f"setup.step_{one}"),
            "done": one in draft.done and one not in visit.setup.missing(),
            "here": one == step,
        }
        for one in STEPS
    ]
    return pages.page(
        f"setup/{step if step not in {'channel', 'desk'} else 'side'}.html",
        visit.language,
        steps=steps,
        step=step,
        number=STEPS.index(step) + 1,
        csrf=visit.setup.door.csrf(visit.request),
        said=visit.say(said) if said in catalogue() else "",
        port=visit.setup.port,
        draft=draft,
        lang_links=LANGUAGES,
        now=datetime.now(UTC),
        **values,
    )

"""Every address of the console, as the table of views names them: who may call it, what a forged call does, what is left
in the audit. An address that is new has to be put into `ACTS` or `PAGES`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.console.users import ROLES
from bridge.console.views import VIEWS, View
from bridge.contract import SetUpChange, Words
from tests.console.console_harness import ConsoleScene, Person
from tests.console.test_people_and_settings import suggested
from tests.console.test_problems import failing
from tests.console.test_publishing import HEAD
from tests.console.test_routes_page import DRAFT

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SURE = {"sure": "1"}
ANSWERED = {200, 303, 409}


@dataclass(frozen=True)
class Act:
    """How a form is sent: where, with which fields; the audit's word for it, "" for one that changes nothing. `answers`:
    what it says where there is something to act upon, or, elsewhere, that there is nothing.
    """

    path: str
    word: str
    fields: dict[str, str] = field(default_factory=dict)
    answers: tuple[int, ...] = (200, 303)


@dataclass
class Filled:
    """What there is to act upon."""

    scene: ConsoleScene
    cause: str = ""
    steps: list[str] = field(default_factory=lambda: ["s1"] * 4)
    session: str = ""

    def acts(self) -> dict[str, Act]:
        """By the view's path, in an order in which each finds what it needs."""
        one, cause = "/conversations/1", f"/problems/{self.cause}"
        person = {"named": "shop:anna"}
        return {
            "/conversations/{id}/hold": Act(f"{one}/hold", "hold"),
            "/conversations/{id}/release": Act(f"{one}/release", "let go"),
            "/conversations/{id}/note": Act(f"{one}/note", "write a note", {"text": "look at this"}),
            "/conversations/{id}/{command}": Act(f"{one}/retry", "retry"),
            "/conversations/{id}/step": Act("/conversations/2/step", "replay", {"step": self.steps[1]}),
            "/problems/replay": Act("/problems/replay", "replay", {"id": self.steps[2]}),
            "/problems/drop": Act("/problems/drop", "drop", {"id": self.steps[3], **SURE}),
            "/problems/{cause}/drop": Act(f"{cause}/drop", "drop all of a cause", SURE),
            "/problems/{cause}/replay": Act(f"{cause}/replay", "replay all of a cause"),
            "/problems/jobs/{job}/stop": Act("/problems/jobs/1/stop", "stop"),
            "/people/{id}/join": Act("/people/1/join", "join"),
            "/people/{id}/undo": Act("/people/1/undo", "undo join"),
            "/people/{id}/export": Act("/people/1/export", "export", person),
            "/people/{id}/erase": Act("/people/1/erase", "erase", {**person, **SURE}),
            "/accounts/{name}/plan": Act("/accounts/desk/plan", "set up"),
            "/accounts/{name}/pause": Act("/accounts/shop/pause", "pause", SURE),
            "/accounts/{name}/resume": Act("/accounts/shop/resume", "resume"),
            "/routes/explain": Act("/routes/explain", "", {"channel": "shop", "text": "hello"}),
            "/routes/draft": Act("/routes/draft", "", {"channel": "shop", "draft": ""}),
            "/routes/publish": Act("/routes/publish", "", {"draft": DRAFT}),
            "/routes/undo": Act("/routes/undo", "", SURE, (409,)),
            "/routes/renew": Act("/routes/renew", "start anew", SURE),
            "/deliveries/replay": Act("/deliveries/replay", "", {"id": "1"}, (409,)),
            "/deliveries/since": Act("/deliveries/since", "", {"receiver": "nobody", "hours": "1"}, (400,)),
            "/settings/users": Act("/settings/users", "add user", NEW),
            "/settings/users/role": Act("/settings/users/role", "change role", {"user": "new", "role": "operator"}),
            "/settings/users/sessions/end": Act("/settings/users/sessions/end", "end sessions", {"id": self.session}),
            "/settings/users/remove": Act("/settings/users/remove", "remove user", {"user": "new", **SURE}),
            "/settings/look": Act("/settings/look", "change look", {"language": "en", "theme": ""}),
            "/settings/sessions/end": Act("/settings/sessions/end", "end sessions", {"id": "others"}),
        }


NEW = {"user": "new", "secret": "a long password", "role": "viewer"}
PAGES = {
    "/conversations/{id}": "/conversations/1",
    "/people/{id}": "/people/1",
    "/accounts/{name}": "/accounts/shop",
    "/accounts/{name}/checks": "/accounts/shop/checks",
    "/accounts/{name}/plan": "/accounts/desk/plan",
    "/figures/{chart}": "/figures/volume.csv",
}
FORMS = [view for view in VIEWS if view.method == "POST"]


async def plan(_self: Any, *, remove: bool = False) -> list[SetUpChange]:
    async def apply() -> Words:
        return Words("made the webhook", "已创建回调")

    return [SetUpChange("make the webhook", apply, "创建回调"), SetUpChange("press the button", zh="点击按钮")]


@pytest.fixture
async def filled(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("bridge.replays.take_bite", lambda _work: False)  # what was begun can be stopped
    scene = ConsoleScene(database_url, tmp_path)
    scene.desk_class = type("Desk", (scene.desk_class,), {"plan": plan})
    async with scene.open():
        await suggested(scene)
        await failing(scene, 4)
        found = Filled(scene)
        scene.up.config, scene.up.start_anew = tmp_path / "config.toml", lambda: None
        scene.up.config.write_text(HEAD, "utf-8")
        reader = await scene.person("admin", "Reader")
        page = (await reader.get("/problems")).text
        found.cause = re.findall(r'<tr data-id="([0-9a-f]{16})"', page)[0]
        listed = (await reader.get(f"/problems/{found.cause}")).text
        steps = re.findall(r'<tr data-id="(s\d+)"', listed)
        assert len(steps) == 6
        found.steps = steps
        yield found


def paths_of(filled: Filled) -> Iterator[tuple[View, str]]:
    """Every view with an address at which there is something."""
    acts = filled.acts()
    for view in VIEWS:
        where = acts[view.path].path if view.method == "POST" else PAGES.get(view.path, view.path)
        yield view, where.replace("{cause}", filled.cause)


async def send(who: Person, act: Act, csrf: str, **more: Any) -> httpx.Response:
    return await who.client.post(f"/console{act.path}", data={"csrf": csrf, **act.fields}, **more)


async def test_every_form_is_listed(filled: Filled) -> None:
    assert {view.path for view in FORMS} == set(filled.acts())


async def test_nobody_calls_an_address_without_a_session_or_below_its_role(filled: Filled) -> None:
    scene, before = filled.scene, len(await filled.scene.audit())
    stranger = scene.stranger()
    people = {role: await scene.person(role) for role in ROLES}
    tokens = {role: (await who.fields("/settings"))["csrf"] for role, who in people.items()}
    before = len(await scene.audit())
    for view, path in paths_of(filled):
        if view.method == "GET":
            answer = await stranger.get(path)
            assert answer.status_code == 303 and answer.headers["location"].startswith("/console/?next="), path
        else:
            assert (await stranger.client.post(f"/console{path}", data={"csrf": tokens["admin"]})).status_code == 401
        for role in ROLES[: ROLES.index(view.role)]:
            who, token = people[role], tokens[role]
            fields = filled.acts()[view.path].fields if view.method == "POST" else {}
            answer = await (
                who.get(path)
                if view.method == "GET"
                else who.client.post(f"/console{path}", data={"csrf": token, **fields})
            )
            assert answer.status_code == 403 and view.role in answer.text, (role, path)
        if view.method == "GET":
            assert (await people[view.role].get(path)).status_code == 200, path
    assert len(await scene.audit()) == before, "nothing was done, and looking is no act"


async def test_a_forged_form_does_nothing_anywhere(filled: Filled) -> None:
    scene = filled.scene
    admin, other = await scene.person("admin"), await scene.person("operator")
    own, theirs = [(await one.fields("/settings"))["csrf"] for one in (admin, other)]
    before = len(await scene.audit())
    cross = ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"})
    for act in [*filled.acts().values(), Act("/sign-out", "sign out")]:
        for headers in cross:
            assert (await send(admin, act, own, headers=headers)).status_code == 403, act.path
        for token in ("", "0" * 40, theirs, "é", own[:-1]):
            assert (await send(admin, act, token)).status_code == 403, act.path
        content = {"content": b"csrf=" + own.encode(), "headers": {"content-type": "text/plain"}}
        assert (await admin.client.post(f"/console{act.path}", **content)).status_code == 415, act.path
        assert (await admin.client.get(f"/console{act.path}", params={"csrf": own, **act.fields})).status_code in {
            200, 303, 400, 404, 405, 409,
        }, act.path  # fmt: skip
    assert len(await scene.audit()) == before


async def test_every_act_leaves_a_row_and_a_replayed_form_does_no_harm(filled: Filled) -> None:
    scene = filled.scene
    admin, guest = await scene.person("admin"), await scene.person("viewer", "Guest")
    token = (await admin.fields("/settings"))["csrf"]
    page = (await admin.get("/settings")).text
    filled.session = re.findall(r'<tr data-id="([0-9a-f]{16})"><td>guest', page)[0]
    for view_path, act in filled.acts().items():
        known = await scene.audit()
        answer = await send(admin, act, token)
        assert answer.status_code in act.answers, (view_path, answer.status_code, answer.text[-600:])
        rows = (await scene.audit())[: len(await scene.audit()) - len(known)]
        assert [row for row in rows if row[:2] == ("console: Admin", act.word)] or not act.word, (view_path, rows)
        assert not (rows and not act.word), view_path
        again = await send(admin, act, token)
        assert again.status_code in ANSWERED | {404, *act.answers}, (view_path, again.status_code)
        await scene.quiet()
    assert (await guest.get("/overview")).status_code == 303, "their session was ended"
    assert (await send(admin, Act("/sign-out", ""), token)).status_code == 303
    assert (await scene.audit())[0][:2] == ("console: Admin", "sign out")


async def test_an_ended_session_acts_nowhere(filled: Filled) -> None:
    scene = filled.scene
    admin = await scene.person("admin")
    cookie, token = admin.client.cookies["__Host-console"], (await admin.fields("/settings"))["csrf"]
    await send(admin, Act("/sign-out", ""), token)
    admin.client.cookies.set("__Host-console", cookie, domain="bridge.example.com", path="/")
    before = len(await scene.audit())
    for act in filled.acts().values():
        answer = await send(admin, act, token)
        assert answer.status_code == 401 and "signed out" in answer.text, act.path
    assert len(await scene.audit()) == before

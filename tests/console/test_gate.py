"""Who comes in: passwords, sessions, forms of other sites."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from bridge.console.live import Live
from bridge.console.mount import is_insecure
from bridge.console.users import browser_of, new_digest, set_user
from bridge.settings import Settings
from mappings import console
from tests.console.console_harness import PASSWORD, ConsoleScene


async def test_nobody_sees_a_page_without_a_session(scene: ConsoleScene) -> None:
    stranger = scene.stranger()
    for path in ("/overview", "/conversations", "/conversations/1", "/settings", "/nonsense"):
        answer = await stranger.get(path)
        assert answer.status_code == 303 and answer.headers["location"].startswith("/console/?next=%2Fconsole%2F"), path
    assert (await stranger.get("/events")).status_code == 401
    door = await stranger.get("/")
    assert 'name="name"' in door.text and 'name="password"' in door.text and "<main" in door.text


async def test_a_sign_in_leads_where_somebody_wanted_to_go_and_nowhere_else(scene: ConsoleScene) -> None:
    await scene.person("viewer")
    wanted = {
        "/console/settings?x=1": "/console/settings?x=1",
        "https://evil.example/console/": "/console/overview",
        "//evil.example": "/console/overview",
        "/console//evil.example": "/console/overview",
        "/console/\\evil": "/console/overview",
        "/console/\r\nset-cookie: a=b": "/console/overview",
    }
    for given, there in wanted.items():
        someone = scene.stranger()
        data = {"name": "Viewer", "password": PASSWORD, "next": given}
        answer = await someone.client.post("/console/sign-in", data=data)
        assert (answer.status_code, answer.headers["location"]) == (303, there), given


async def test_a_token_is_new_with_each_sign_in_and_the_old_one_opens_nothing(scene: ConsoleScene) -> None:
    """Session fixation: what a browser brings along is never taken over."""
    someone = await scene.person("admin")
    old = someone.client.cookies["__Host-console"]
    await someone.sign_in("Admin")
    assert someone.client.cookies["__Host-console"] != old
    planted = scene.stranger()
    planted.client.cookies.set("__Host-console", old)
    assert (await planted.get("/overview")).status_code == 303
    chosen = scene.stranger()
    chosen.client.cookies.set("__Host-console", "a" * 43, domain="bridge.example.com", path="/")
    answer = await chosen.sign_in("Admin")
    assert "a" * 43 not in answer.headers["set-cookie"]
    for cookie in answer.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie and "Secure" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie


async def test_an_ended_session_cannot_act(scene: ConsoleScene) -> None:
    someone, other = await scene.person("admin"), scene.stranger()
    await other.sign_in("Admin")
    csrf = (await other.fields("/settings"))["csrf"]
    assert (await someone.send("/settings/sessions/end", id="others")).status_code == 303
    answer = await other.client.post("/console/settings/look", data={"csrf": csrf, "language": "zh", "theme": "dark"})
    assert answer.status_code == 401
    assert (await other.get("/settings")).status_code == 303
    assert (await someone.get("/settings")).status_code == 200


async def test_signing_out_ends_the_session_on_the_server(scene: ConsoleScene) -> None:
    someone = await scene.person()
    token = someone.client.cookies["__Host-console"]
    assert (await someone.send("/sign-out")).status_code == 303
    replayed = scene.stranger()
    replayed.client.cookies.set("__Host-console", token)
    assert (await replayed.get("/overview")).status_code == 303


async def test_a_session_ends_by_the_clock_and_with_its_password(scene: ConsoleScene) -> None:
    someone = await scene.person()
    scene.clock.advance(hours=7)
    assert (await someone.get("/overview")).status_code == 200
    scene.clock.advance(hours=9)
    assert (await someone.get("/overview")).status_code == 303
    await someone.sign_in("Admin")
    assert (await someone.get("/overview")).status_code == 200
    digest = await new_digest("Admin", "another password", "admin")
    await scene.up.store.write(set_user, "ADMIN", "admin", digest, "test", scene.clock())
    assert (await someone.get("/overview")).status_code == 303
    assert (await someone.sign_in("Admin")).status_code == 401
    assert (await someone.sign_in("admin", "another password")).status_code == 303
    for _ in range(8 * 24 // 7):
        scene.clock.advance(hours=7)
        await someone.get("/overview")
    assert (await someone.get("/overview")).status_code == 303, "after a week, used or not"


async def test_a_page_that_follows_by_itself_keeps_no_session_alive(scene: ConsoleScene) -> None:
    someone = await scene.person()
    for _ in range(2):
        scene.clock.advance(hours=3)
        assert (await someone.get("/overview", headers={"hx-request": "true"})).status_code == 200
    scene.clock.advance(hours=3)
    answer = await someone.get("/overview", headers={"hx-request": "true"})
    assert answer.status_code == 401 and answer.headers["hx-redirect"] == "/console/?next=%2Fconsole%2Foverview"
    assert "Your session has ended" in (await someone.get("/")).text
    assert "Your session has ended" not in (await scene.stranger().get("/")).text


async def test_guessing_is_slowed_down_without_locking_the_right_person_out(scene: ConsoleScene) -> None:
    right = await scene.person()
    thief = scene.stranger("198.51.100.9")
    answers = [(await thief.sign_in("Admin", f"guess {number}")).status_code for number in range(12)]
    assert answers[:5] == [401] * 5 and set(answers[5:]) == {429}
    assert (await thief.sign_in("Admin")).status_code == 429, "not even with the right one"
    assert (await right.sign_in("Admin")).status_code == 303
    elsewhere = scene.stranger("192.0.2.1")
    assert (await elsewhere.sign_in("Admin")).status_code == 303
    names = scene.stranger("198.51.100.77")
    tried = [(await names.sign_in(f"name {number}", "guess")).status_code for number in range(12)]
    assert 429 in tried, "name after name from one address"


async def test_a_stranger_with_one_cookie_after_the_other_is_not_looked_at(
    scene: ConsoleScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would cost a look into the database. Who is signed in on the same network notices nothing."""
    someone, stranger = await scene.person("viewer"), scene.stranger()
    asked = 0
    read = scene.up.store.read

    async def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += arguments[0] is console.session_and_user
        return await read(*arguments)

    assert (await someone.get("/overview")).status_code == 200
    monkeypatch.setattr(scene.up.store, "read", counted)
    for number in range(80):
        stranger.client.cookies.set("__Host-console", f"{number:043}", domain="bridge.example.com", path="/")
        answer = await stranger.get("/overview")
    assert answer.status_code == 429 and answer.headers["retry-after"] and asked == 60
    assert (await someone.get("/overview")).status_code == 200


async def test_many_guesses_at_once_are_no_more_than_many_in_a_row(scene: ConsoleScene) -> None:
    thief = scene.stranger("198.51.100.9")
    await scene.person()
    tried = await asyncio.gather(*(thief.sign_in("Admin", f"guess {number}") for number in range(20)))
    assert sum(answer.status_code == 401 for answer in tried) <= 5


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://bridge.example.com.evil.example"},
    ],
)
async def test_a_form_of_another_site_does_nothing(scene: ConsoleScene, headers: dict[str, str]) -> None:
    someone = await scene.person()
    answer = await someone.send("/settings/look", headers=headers, language="zh", theme="dark")
    assert answer.status_code == 403
    assert (await scene.up.store.read(console.get_user, "admin")).language == ""
    assert (await scene.stranger().sign_in("Admin", headers=headers)).status_code == 403, "nor does it sign in"


async def test_a_form_needs_the_token_of_its_own_session(scene: ConsoleScene) -> None:
    someone, other = await scene.person("admin"), await scene.person("operator")
    theirs = (await other.fields("/settings"))["csrf"]
    for csrf in ("", "0" * 40, theirs, "é"):
        data = {"csrf": csrf, "language": "zh", "theme": ""}
        assert (await someone.client.post("/console/settings/look", data=data)).status_code == 403
    for content in ({"json": {"language": "zh"}}, {"content": b"\xff", "headers": {"content-type": "text/plain"}}):
        assert (await someone.client.post("/console/settings/look", **content)).status_code == 415
    assert (await scene.up.store.read(console.get_user, "admin")).language == ""


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140 Safari/537.36 Edg/140", "Edge, Windows"),
        ("curl/8.0", "curl"),
        ("<script>" * 20, ("<script>" * 20)[:60]),
    ],
)
def test_a_browser_is_named_so_that_its_owner_knows_it(agent: str, said: str) -> None:
    assert browser_of(agent) == said


async def test_what_somebody_chose_stays_with_them(scene: ConsoleScene) -> None:
    someone = await scene.person()
    assert '<html lang="en">' in (await someone.get("/settings")).text
    answer = await someone.send("/settings/look", language="zh", theme="dark")
    assert answer.headers["location"] == "/console/settings?said=said.saved"
    page = (await someone.get("/settings")).text
    assert '<html lang="zh-CN" data-theme="dark">' in page and "<h1>设置</h1>" in page
    assert ("console: Admin", "change look", "Admin") in await scene.audit()
    browser = scene.stranger(**{"accept-language": "zh-CN,zh;q=0.9,en;q=0.5"})
    assert '<html lang="zh-CN">' in (await browser.get("/")).text


async def test_pages_hold_no_script_and_load_nothing_from_elsewhere(scene: ConsoleScene) -> None:
    someone = await scene.person()
    answer = await someone.get("/overview")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "script-src 'self'" in policy
    assert answer.headers["x-frame-options"] == "DENY" and answer.headers["cache-control"] == "no-store"
    for address in ("/static/console.css", "/static/console.js", "/static/htmx.min.js"):
        assert (await scene.stranger().get(address)).status_code == 200
    for address in ("/static/../app.py", "/static/%2e%2e%2fapp.py", "/static/htmx.LICENSE"):
        assert (await scene.stranger().get(address)).status_code in {303, 404}


@pytest.mark.parametrize(
    ("url", "host", "allowed", "insecure"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", False, False),
        ("http://localhost:8080", "", False, False),
        ("http://127.0.0.1:8080", "0.0.0.0", False, True),
        ("http://bridge.example.com", "127.0.0.1", False, True),
        ("http://bridge.example.com", "0.0.0.0", True, False),
        ("https://bridge.example.com", "0.0.0.0", False, False),
    ],
)
def test_passwords_do_not_cross_a_network_in_clear(url: str, host: str, allowed: bool, insecure: bool) -> None:
    bridge = {"public_url": url, "secret_key": "0123456789abcdef"}
    settings = Settings(bridge=bridge, console={"allow_insecure": allowed})
    assert is_insecure(settings, host) is insecure


async def test_an_insecure_console_is_not_served(scene: ConsoleScene) -> None:
    changed = scene.up.settings.bridge.model_copy(update={"public_url": "http://bridge.example.com"})
    scene.up.settings = scene.up.settings.model_copy(update={"bridge": changed})
    answer = await scene.stranger().get("/")
    assert answer.status_code == 403 and "console.allow_insecure" in answer.text


async def test_sessions_that_nobody_can_use_any_more_are_forgotten(scene: ConsoleScene) -> None:
    await scene.person()
    scene.clock.advance(days=8)
    await scene.person("viewer")
    found = await scene.up.store.read(console.sessions)
    assert [row.name for row in found] == ["viewer"]
    assert found[0].since - scene.clock() == timedelta(0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_act_that_nobody_waits_for_any_more_does_not_happen_later(
    scene: ConsoleScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.console.visit._PATIENCE", 0.2)
    someone = await scene.person()
    csrf = (await someone.fields("/settings"))["csrf"]
    busy = scene.up.store.write(lambda _tx: time.sleep(1.5))
    await asyncio.sleep(0.05)
    data = {"csrf": csrf, "language": "zh", "theme": "dark"}
    answer = await someone.client.post("/console/settings/look", data=data)
    assert answer.status_code == 503 and "nothing was done" in answer.text
    await busy
    await scene.up.store.write(lambda _tx: None)
    assert (await scene.up.store.read(console.get_user, "admin")).language == ""


async def test_the_open_pages_of_one_session_take_no_place_from_others() -> None:
    """Its newest page gets the place of its oldest."""

    class Still:
        async def read(self, _: object) -> int:
            return 0

    async def lasts() -> bool:
        return True

    live = Live(Still())  # type: ignore[arg-type] # nothing but a read is asked of it
    pages: list[Any] = []
    for _ in range(25):
        page: Any = live.stream(lasts, "a").body_iterator  # type: ignore[attr-defined] # a stream
        await anext(page)
        pages.append(page)
    other = live.stream(lasts, "b")
    assert (other.status_code, len(live._lines)) == (200, 20)
    for page in pages[:5]:
        with pytest.raises(StopAsyncIteration):
            await anext(page)
    live.nudge()
    live.drain()
    for page in pages[5:]:
        with pytest.raises(StopAsyncIteration):
            await anext(page)
    assert live._lines == {}

"""The set-up over HTTP: who may come in, what strangers and other sites get, kinds that nobody here knows."""

import asyncio
import re
from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.settings import ConfigError
from bridge.web.bodies import Allowed
from bridge.wizard.up import refuse_insecure
from connectors.chatwoot.simulator import Simulator as ChatwootSimulator
from connectors.chatwoot.simulator.vendor import ADMIN, TOKEN
from connectors.freshdesk.simulator import Simulator as FreshdeskSimulator
from connectors.rt.simulator import Simulator as RtSimulator
from connectors.zendesk.simulator import Simulator as ZendeskSimulator
from tests.wizard.setup_harness import SetupHarness

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SetupHarness]:
    monkeypatch.chdir(tmp_path)
    place = SetupHarness(tmp_path)
    yield place
    await place.setup.preview.close()


PAGES = ("you", "address", "channel", "desk", "trip", "address/live", "channel/live", "channel/check", "trip/live")


async def test_without_the_code_nobody_sees_or_does_anything(place: SetupHarness) -> None:
    async with place.browser() as stranger:
        for page in PAGES:
            answer = await stranger.get(f"/console/setup/{page}")
            assert answer.status_code in {303, 401} and answer.text == ""
        for step in ("you", "address", "channel", "desk", "trip", "language"):
            answer = await stranger.post(f"/console/setup/{step}", data={"act": "save", "name": "x"})
            assert (answer.status_code, answer.headers["location"]) == (303, "/console/setup")
        assert (await stranger.get("/console/setup")).status_code == 200
    assert place.setup.draft.admin == ""


async def test_a_code_opens_one_browser_and_guesses_are_slowed(place: SetupHarness) -> None:
    first = place.codes[-1]
    assert re.fullmatch(r"[A-Z2-9]{4}-[A-Z2-9]{4}", first)
    async with place.inside() as mine:
        assert place.codes[-1] != first, "the next one is printed"
        assert (await mine.get("/console/setup/you")).status_code == 200
    async with place.browser("198.51.100.7") as other:
        assert (await other.post("/console/setup/code", data={"code": first})).status_code == 403
        seen = [(await other.post("/console/setup/code", data={"code": "AAAA-AAAA"})).status_code for _ in range(12)]
    assert seen[-1] == 429 and "retry" not in seen
    for number in range(20):
        async with place.browser(f"203.0.113.{number}") as one:
            await one.post("/console/setup/code", data={"code": "AAAA-AAAA"})
    assert len(place.codes) >= 3, "a code that is tried too often is replaced"


async def test_other_sites_can_send_no_form(place: SetupHarness) -> None:
    async with place.inside() as mine:
        page = (await mine.get("/console/setup/you")).text
        token = re.search(r'name="csrf" value="(\w+)"', page)
        assert token is not None
        form = {"csrf": token[1], "name": "eve", "password": "a long password", "language": "en"}
        for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
            assert (await mine.post("/console/setup/you", data=form, headers=headers)).status_code == 403
        assert (await mine.post("/console/setup/you", data=form | {"csrf": "0" * 40})).status_code == 403
        assert place.setup.draft.admin == ""
        cookie = mine.cookies.jar
        assert all(one.has_nonstandard_attr("HttpOnly") for one in cookie)
        policy = (await mine.get("/console/setup/you")).headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy


async def test_what_is_entered_is_shown_as_text(place: SetupHarness) -> None:
    async with place.inside() as mine:
        answer = await place.post(mine, "you", name=SCRIPT, password="short")
        assert answer.status_code == 200 and SCRIPT not in answer.text and "&lt;script&gt;" in answer.text
        for url in ("https://<script>", "https://a b", "https://-x-", "javascript:alert(1)", "https://"):
            answer = await place.post(mine, "address", url=url)
            assert "<script>" not in answer.text, url
            assert "This is no address" in answer.text, url
        answer = await place.post(mine, "channel", act="save", app_id=SCRIPT, app_secret="s3cret-value")
        assert SCRIPT not in answer.text and "s3cret-value" not in answer.text
        answer = await place.post(mine, "address", url="https://bridge.example.com/path")
        assert "without a path" in answer.text


async def test_a_stranger_on_the_public_side_learns_nothing_of_a_fault(place: SetupHarness) -> None:
    async with place.browser() as stranger:
        for path in ("/hooks/shop", "/hooks/other", "/chat/x", "/desk/support/"):
            answer = await stranger.get(path)
            assert (answer.status_code, answer.text) == (404, "not set up yet")


async def test_bodies_and_bugs_are_met_as_everywhere(place: SetupHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that does not come ends, on pages and callbacks alike; a bug says nothing of what it choked on."""
    place.app._bodies.allowed = Allowed(idle=0.05, total=0.1)
    for path in ("/console/setup/code", "/hooks/shop", "/chat/site/v1/sessions"):
        sent: list[Any] = []

        async def receive() -> Any:
            await asyncio.sleep(60)

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        form = [(b"content-type", b"application/x-www-form-urlencoded")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "headers": form,
            "query_string": b"",
            "client": ("192.0.2.1", 1),
        }
        await asyncio.wait_for(place.app(scope, receive, send), 5)
        assert sent[0]["status"] == 408, path

    def fail(*_: Any) -> Any:
        raise KeyError("what was entered")

    monkeypatch.setattr(place.setup.door, "enter", fail)
    async with place.browser() as stranger:
        with capture_logs() as logs:
            answer = await stranger.post("/console/setup/code", data={"code": "canary"})
    assert answer.status_code == 500 and "entered" not in answer.text and "canary" not in str(logs)


async def test_a_proxy_on_this_machine_names_who_guesses(place: SetupHarness) -> None:
    """Else all the world would be one guesser, and lock the right one out."""
    async with place.browser("127.0.0.1") as proxy:
        for _ in range(12):
            far = await proxy.post(
                "/console/setup/code", data={"code": "AAAA-AAAA"}, headers={"x-forwarded-for": "198.51.100.7"}
            )
        assert far.status_code == 429
        near = {"x-forwarded-for": "192.0.2.9"}
        assert (
            await proxy.post("/console/setup/code", data={"code": place.codes[-1]}, headers=near)
        ).status_code == 303


async def test_it_speaks_the_browsers_language_until_one_is_chosen(place: SetupHarness) -> None:
    async with place.browser(language="zh-CN,zh;q=0.9") as visitor:
        assert 'lang="zh-CN"' in (await visitor.get("/console/setup")).text
    async with place.inside() as mine:
        page = (await mine.get("/console/setup/address")).text
        assert 'lang="en"' in page
        token = re.search(r'name="csrf" value="(\w+)"', page)
        assert token is not None
        await mine.post("/console/setup/language", data={"csrf": token[1], "language": "zh", "step": "address"})
        assert "公网地址" in (await mine.get("/console/setup/address")).text


async def test_a_third_partys_desk_appears_by_itself(place: SetupHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge import first_config, kinds
    from bridge.wizard import forms

    point = EntryPoint("post", "tests.contract.example:Post", "bridge.connectors")
    shipped = kinds.known_kinds()
    for module in (first_config, forms, kinds):
        monkeypatch.setattr(module, "known_kinds", lambda: {**shipped, "post": point})
    async with place.inside() as mine:
        page = (await mine.get("/console/setup/desk")).text
        assert '<button name="kind" value="post">post</button>' in page
        assert (await place.post(mine, "desk", act="kind", kind="post")).status_code == 303
        page = (await mine.get("/console/setup/desk")).text
        required = [name for name, field in _config().model_fields.items() if field.is_required() and name != "kind"]
        assert required and all(f'name="{name}"' in page or f'data-value="{name}"' in page for name in required)


def _config() -> Any:
    from tests.contract.example import Post

    return Post.Config


def test_beyond_this_machine_it_wants_tls() -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        refuse_insecure(host, 8080, allowed=False)
    for host in ("0.0.0.0", "192.0.2.1", "::", "bridge.example.com"):  # they are refused
        with pytest.raises(ConfigError, match="BRIDGE_CONSOLE__ALLOW_INSECURE"):
            refuse_insecure(host, 8080, allowed=False)
        refuse_insecure(host, 8080, allowed=True)


async def test_what_set_up_would_change_is_shown_and_then_done(place: SetupHarness) -> None:
    async with place.inside() as mine, ZendeskSimulator() as vendor:
        await place.post(mine, "address", url="https://bridge.example.com")
        await place.post(mine, "desk", act="kind", kind="zendesk")
        given = {key: str(value) for key, value in vendor.settings().items() if key != "kind"}
        answer = await place.post(mine, "desk", act="save", **given)
        assert answer.status_code == 303, re.findall(r'class="bad small"[^>]*>([^<]+)', answer.text)
        before = (await mine.get("/console/setup/desk/check")).text
        assert "This will be done there:" in before and 'value="apply"' in before
        place.setup.draft.language = "zh"
        shown = (await mine.get("/console/setup/desk/check")).text
        assert "创建触发器" in shown and "Create the trigger" not in shown
        place.setup.draft.language = "en"
        assert (await place.post(mine, "desk", act="apply")).status_code == 303
        assert (await mine.get("/console/setup/desk")).text.count('<li class="good">✓') >= 2
        after = (await mine.get("/console/setup/desk/check")).text
        assert 'value="apply"' not in after


async def test_what_set_up_finds_out_is_entered_by_itself(place: SetupHarness) -> None:
    """The number and the secret of an inbox that was made just now; an agent's token is told why it is not enough."""
    async with place.inside() as mine, ChatwootSimulator() as vendor:
        vendor.books.inboxes.clear()
        await place.post(mine, "address", url="https://bridge.example.com")
        await place.post(mine, "desk", act="kind", kind="chatwoot")
        given = {"api_base": vendor.base, "account_id": "1", "token": TOKEN}
        await place.post(mine, "desk", act="save", **given)
        found = (await mine.get("/console/setup/desk/check")).text
        assert 'value="apply"' not in found and "administrator&#39;s" in found
        await place.post(mine, "desk", act="save", **given | {"token": ADMIN})
        assert (await place.post(mine, "desk", act="apply")).status_code == 303
        (inbox,) = vendor.books.inboxes.values()
        desk = place.setup.draft.desk
        assert desk is not None
        assert (desk.values["inbox_id"], desk.values["hook_secret"]) == (inbox.id, inbox.secret)
        page = (await mine.get("/console/setup/desk")).text
        assert "entered here: inbox_id, hook_secret" in page and inbox.secret not in page
        assert "It works." in (await mine.get("/console/setup/desk/check")).text


async def test_steps_by_hand_hold_their_values(place: SetupHarness) -> None:
    """Nothing that is to be pasted has to be put together first."""
    async with place.inside() as mine, RtSimulator() as vendor, FreshdeskSimulator() as other:
        await place.post(mine, "address", url="https://bridge.example.com")
        for kind, simulator in (("rt", vendor), ("freshdesk", other)):
            await place.post(mine, "desk", act="kind", kind=kind)
            given = {
                key: str(value) for key, value in simulator.settings().items() if key not in {"kind", "hook_secret"}
            }
            await place.post(mine, "desk", act="save", **given)
            found = (await mine.get("/console/setup/desk/check")).text
            desk = place.setup.draft.desk
            assert desk is not None
            assert desk.values["hook_secret"] in found and "hook_secret&gt;" not in found
            assert "https://bridge.example.com/hooks/support" in found


async def test_a_stream_behind_the_set_up_stays_open(place: SetupHarness) -> None:
    """The web desk's: it was told at once that its listener had left."""
    told: list[str] = []
    gone = asyncio.Event()

    async def stream(_scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.request"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        told.append((await receive())["type"])

    async def receive() -> Any:
        if told or started.is_set():
            await gone.wait()
            return {"type": "http.disconnect"}
        started.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Any) -> None: ...

    started = asyncio.Event()
    scope = {"type": "http", "method": "GET", "path": "/desk/x/v1/stream", "headers": [], "query_string": b""}
    hearing = asyncio.create_task(place.setup.calls.hear(stream, scope, receive, send))
    await asyncio.sleep(0.01)
    assert told == []
    gone.set()
    await hearing
    assert told == ["http.disconnect"]


async def test_whoever_asks_while_the_process_changes_over_is_taken_to_the_console(place: SetupHarness) -> None:
    async with place.browser() as visitor:
        assert (await visitor.get("/console/")).headers["location"] == "/console/setup"
        place.setup.finished.set()
        answer = await visitor.get("/console/")
        assert answer.status_code == 200 and answer.headers["refresh"] == "1; url=/console/"


async def test_another_kind_is_looked_at_without_a_loss(place: SetupHarness) -> None:
    async with place.inside() as mine:
        await place.post(mine, "desk", act="kind", kind="rt")
        await place.post(mine, "desk", act="save", api_base="https://rt.example.com/REST/2.0", token="1-2-3", queue="Q")
        before = place.setup.draft.desk
        await place.post(mine, "desk", act="kind", kind="freshdesk")
        assert "rt.example.com" not in (await mine.get("/console/setup/desk")).text
        await place.post(mine, "desk", act="kind", kind="rt")
        assert place.setup.draft.desk == before and "rt.example.com" in (await mine.get("/console/setup/desk")).text
        assert place.setup.drafts.load().desk == before


STEPS: tuple[tuple[str, dict[str, str]], ...] = (
    ("you", {"name": "ada", "password": "a long password", "language": "zh"}),
    ("address", {"url": "https://bridge.example.com"}),
    ("address", {"act": "next"}),
    ("channel", {"act": "save", "app_id": "wx0123456789abcdef", "app_secret": "0" * 32}),
    ("channel", {"act": "new", "key": "token"}),
    ("channel", {"act": "next"}),
    ("desk", {"act": "kind", "kind": "webchat"}),
    ("desk", {"act": "agent", "agent": "Agent A", "agent_password": "a long password"}),
    ("desk", {"act": "next"}),
)


async def test_whatever_was_answered_is_there_after_the_process_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each step: what the next process reads is what the page said was kept."""
    monkeypatch.chdir(tmp_path)
    for step, form in STEPS:
        place = SetupHarness(tmp_path)
        async with place.inside() as mine:
            answer = await place.post(mine, step, **form)
            assert answer.status_code == 303, (step, form, answer.text[-600:])
        await place.setup.preview.close()
        again = SetupHarness(tmp_path).setup
        assert again.draft == place.setup.draft, (step, form)
        assert again.drafts.unfinished(), "it goes on with the set-up, also when its file is written"
    assert again.missing() == [] and again.config.exists()
    place = SetupHarness(tmp_path)
    async with place.inside() as mine:
        answer = await mine.get("/console/setup")
        assert answer.headers["location"] == "/console/setup/trip"
    await place.setup.preview.close()


async def test_a_desk_that_refuses_says_so_and_plans_nothing(place: SetupHarness) -> None:
    async with place.inside() as mine, ZendeskSimulator() as vendor:
        await place.post(mine, "address", url="https://bridge.example.com")
        await place.post(mine, "desk", act="kind", kind="zendesk")
        given = {key: str(value) for key, value in vendor.settings().items() if key != "kind"}
        secrets = [key for key, value in given.items() if key in {"client_secret", "api_token", "token"} and value]
        answer = await place.post(mine, "desk", act="save", **{**given, **dict.fromkeys(secrets, "wrong-secret-1234")})
        assert answer.status_code == 303
        found = (await mine.get("/console/setup/desk/check")).text
        assert "It does not work yet:" in found and 'value="apply"' not in found
        assert "wrong-secret" not in found

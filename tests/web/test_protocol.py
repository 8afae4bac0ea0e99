"""Which way requests are read, and what pages say around their content."""

import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from bridge.app import Bridge
from bridge.contract import StoreDown
from bridge.registry import declare_accounts
from bridge.settings import ConfigError, Settings, load_settings
from bridge.web.bodies import Allowed, Bodies
from bridge.web.dispatch import Front
from bridge.web.fastpath import Connection
from bridge.web.protocol import choose_protocol, make_room


def test_our_own_connection_is_taken_and_said() -> None:
    with capture_logs() as logs:
        assert choose_protocol() is Connection
    assert [entry["event"] for entry in logs] == ["callbacks are answered on the connection itself"]


@pytest.mark.parametrize("error", [ImportError("moved"), AttributeError("renamed")])
def test_the_ordinary_way_is_taken_where_the_private_class_is_gone(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def gone(_name: str) -> Any:
        raise error

    monkeypatch.setattr("bridge.web.protocol.import_module", gone)
    with capture_logs() as logs:
        assert choose_protocol() == "h11"
    assert logs[0]["log_level"] == "warning" and logs[0]["why"] == str(error)


def test_there_is_room_for_connections() -> None:
    assert 64 <= make_room() <= 8192


def bridge_at(url: str, folder: Path) -> Bridge:
    given: Any = {"public_url": url, "database_url": f"sqlite:///{folder}/bridge.db", "secret_key": "0123456789abcdef"}
    settings = Settings(bridge={**given, "media_dir": str(folder)})
    return Bridge(settings, declare_accounts(settings, folder / "config.toml"))


def client_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bridge.example.com")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_browsers_are_told_to_stay_on_tls_where_there_is_some(tmp_path: Path, scheme: str) -> None:
    async with client_of(bridge_at(f"{scheme}://bridge.example.com", tmp_path).app()) as client:
        answer = await client.get("/healthz")
    assert answer.status_code == 200
    year = "max-age=31536000" if scheme == "https" else None
    assert answer.headers.get("strict-transport-security") == year


@pytest.mark.parametrize("path", ["/healthz/", "/readyz/", "/api/consents/", "//evil.example/..", "/media/x/"])
async def test_no_host_of_a_caller_decides_a_redirect(tmp_path: Path, path: str) -> None:
    async with client_of(bridge_at("https://bridge.example.com", tmp_path).app()) as client:
        answer = await client.get(f"https://bridge.example.com{path}", headers={"host": "evil.example"})
    assert answer.status_code == 404 and "location" not in answer.headers


def front(page: Any, **more: Any) -> Front:
    hooks: Any = None
    found = Front(hooks, Starlette(routes=[Route("/page", page, methods=["GET", "POST"])]))
    found._pages._bodies = Bodies(Allowed(idle=0.05, total=0.1, **more))
    return found


async def test_a_page_that_fails_says_nothing_of_what_it_choked_on() -> None:
    async def page(_request: Request) -> Response:
        raise KeyError("the customer's words")

    with capture_logs() as logs:
        async with client_of(front(page)) as client:
            answer = await client.get("/page?token=canary")
    assert answer.status_code == 500 and "words" not in answer.text and "canary" not in str(logs)


def full() -> Exception:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return OperationalError("select", {}, error)


@pytest.mark.parametrize("error", [StoreDown("x"), full()])
async def test_a_page_whose_store_is_in_trouble_is_a_503(tmp_path: Path, error: Exception) -> None:
    async def page(_request: Request) -> Response:
        raise error

    bridge = bridge_at("https://bridge.example.com", tmp_path)
    async with client_of(bridge.app(Route("/page", page))) as client:
        answer = await client.get("/page")
    assert answer.status_code == 503 and answer.headers["retry-after"] == "5"


async def test_a_page_whose_body_does_not_come_says_too_slow() -> None:
    async def page(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    app, sent = front(page), []

    async def receive() -> Any:
        import asyncio

        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/page",
        "headers": [],
        "query_string": b"",
        "client": ("192.0.2.1", 1),
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == 408 and len(sent) == 2 and not app._pages._bodies._open


async def test_too_much_at_once_is_a_503() -> None:
    async def page(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async with client_of(front(page, memory=1000)) as client:
        assert (await client.post("/page", content=b"x" * 900)).status_code == 200
        assert (await client.post("/page", content=b"x" * 2000)).status_code == 503


def test_a_proxy_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.toml"
    head = '[bridge]\npublic_url = "https://b.example"\nsecret_key = "0123456789abcdef"\n'
    config.write_text(head + 'trusted_proxies = ["10.0.0.0/8", "proxy"]\n')
    with pytest.raises(ConfigError, match=r"trusted_proxies.*'proxy' is no address or network"):
        load_settings(config)
    config.write_text(head)
    monkeypatch.setenv("BRIDGE_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    assert load_settings(config).bridge.trusted_proxies == ("10.0.0.0/8", "::1")

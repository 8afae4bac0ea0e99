"""The page of the demonstration while its bridge does not answer yet."""

from collections.abc import Awaitable, Callable
from http.client import RemoteDisconnected
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.demo.forward import Forward
from bridge.demo.page import Page


def refusing(error: Exception) -> Callable[[], Awaitable[list[str]]]:
    async def sign_in() -> list[str]:
        raise error

    return sign_in


@pytest.mark.parametrize("error", [TimeoutError("timed out"), ConnectionRefusedError(), RemoteDisconnected("gone")])
async def test_a_bridge_that_is_slow_to_start_is_asked_again(error: Exception) -> None:
    page: Any = object.__new__(Page)
    page._scene = SimpleNamespace(serving=SimpleNamespace(alive=True), starting=lambda: "正在启动")
    answer = await page._let_in(refusing(error), "/desk/desk/")
    assert answer.status_code == 503 and answer.headers["refresh"] == "2"
    assert '<html lang="zh-CN">' in answer.body.decode() and "正在启动" in answer.body.decode()


async def test_a_path_that_nobody_serves_yet_says_so() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/desk/",
        "raw_path": b"/desk/",
        "query_string": b"",
        "headers": [],
    }
    await Forward(1, lambda _scope: "", lambda: "It is starting")(scope, receive, send)
    assert sent[0]["status"] == 503 and (b"refresh", b"2") in sent[0]["headers"]
    assert b"It is starting" in sent[1]["body"]

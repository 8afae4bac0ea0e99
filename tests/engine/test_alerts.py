"""Alerts end to end: told once and grouped, well again, to receivers that check the vendors' signatures themselves."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiosmtpd.controller import Controller

from bridge.alerts.causes import Outside
from bridge.alerts.receivers import declare_alerts
from bridge.cli.dead_letters import drop
from bridge.contract import AuthFailed, Raw, Rejected, Retryable, Step
from bridge.settings import ConfigError
from mappings import callbacks
from mappings.callbacks import Seen
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeConfig

SECRET = "SEC0123456789"
WHSEC = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


class Robots:
    """Our own idea of the vendors' robots: they check signatures as their documentation says, by themselves."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {"wecom": [], "dingtalk": [], "feishu": [], "webhook": []}
        self.refused: list[str] = []
        self.down = False
        self.now: datetime | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        answer = self._answer(urlsplit(head.split()[1]), headers, body)
        status = "503 Down" if self.down else "200 OK"
        payload = json.dumps(answer).encode()
        writer.write(
            f"HTTP/1.1 {status}\r\ncontent-length: {len(payload)}\r\nconnection: close\r\n\r\n".encode() + payload
        )
        await writer.drain()
        writer.close()

    def _answer(self, url: Any, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        kind, found, query = url.path.strip("/").split("/")[0], json.loads(body), parse_qs(url.query)
        if self.down:
            return {}
        if kind == "dingtalk":
            stamp = query["timestamp"][0]
            wanted = base64.b64encode(hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), "sha256").digest())
            if query["sign"][0] != wanted.decode() or query["access_token"] != ["t"]:
                self.refused.append(kind)
                return {"errcode": 310000, "errmsg": "sign not match"}
            self.texts[kind].append(found["text"]["content"])
            return {"errcode": 0, "errmsg": "ok"}
        if kind == "feishu":
            mac = hmac.new(f"{found['timestamp']}\n{SECRET}".encode(), digestmod=hashlib.sha256).digest()
            if found["sign"] != base64.b64encode(mac).decode():
                self.refused.append(kind)
                return {"code": 19021, "msg": "sign match fail"}
            self.texts[kind].append(found["content"]["text"])
            return {"code": 0, "msg": "success"}
        if kind == "webhook":
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            key = base64.b64decode(WHSEC.removeprefix("whsec_"))
            wanted = "v1," + base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode()
            if headers["webhook-signature"] != wanted:
                self.refused.append(kind)
            self.texts[kind].append("\n".join([found["data"]["title"], *found["data"]["lines"]]))
            return {}
        self.texts[kind].append(found["text"]["content"])
        return {"errcode": 0}


def receivers(base: str) -> dict[str, Any]:
    return {
        "group": {"kind": "wecom", "url": f"{base}/wecom?key=secret-of-the-robot"},
        "ding": {"kind": "dingtalk", "url": f"{base}/dingtalk?access_token=t", "secret": SECRET},
        "fei": {"kind": "feishu", "url": f"{base}/feishu/secret-hook", "secret": SECRET},
        "hook": {"kind": "webhook", "url": f"{base}/webhook", "secret": WHSEC},
    }


def refuse(account: str, step: Step, phase: str) -> None:
    if account == "desk":
        raise AuthFailed("the token was refused", code="401")


@pytest.fixture
def robots() -> Robots:
    return Robots()


async def tick(scene: Scene, **parts: float) -> None:
    assert scene.bridge is not None
    scene.clock.advance(**(parts or {"seconds": 30}))
    await scene.bridge.alerts.tick()


TROUBLE = "Bridge: somebody has to look\n· desk is paused: 401: the token was refused. `bridge doctor --account desk`"
WELL = "Bridge: well again\n· desk sends again"


async def test_told_once_everywhere_and_well_again(database_url: str, tmp_path: Path, robots: Robots) -> None:
    async with robots.serving() as base:
        scene = Scene(database_url, tmp_path, alerts=receivers(base))
        async with scene.running() as bridge:
            await tick(scene)
            assert not any(robots.texts.values())
            scene.vendors.trouble = refuse
            await scene.says("anna", "my secret words")
            await scene.quiet()
            for _ in range(3):
                await tick(scene)
            assert robots.texts == {kind: [TROUBLE] for kind in robots.texts} and robots.refused == []
            scene.vendors.trouble = None
            await bridge.engine.timetable.check_paused()  # type: ignore[union-attr]
            await scene.quiet()
            for _ in range(3):
                await tick(scene)
            assert robots.texts == {kind: [TROUBLE, WELL] for kind in robots.texts}
            assert "secret words" not in str(robots.texts)


async def test_a_desk_that_takes_nothing_for_long_is_told(database_url: str, tmp_path: Path, robots: Robots) -> None:
    """An outage pauses nothing: what waits goes by itself, but somebody should know."""
    waits = (
        "Bridge: somebody has to look\n· messages for desk wait since 2026-01-05 09:00 UTC (503). "
        "`bridge doctor --account desk`"
    )

    def fail(account: str, step: Step, phase: str) -> None:
        if account == "desk":
            raise Retryable("down", code="503")

    async with robots.serving() as base:
        scene = Scene(database_url, tmp_path, alerts={"hook": receivers(base)["hook"]})
        async with scene.running():
            scene.vendors.trouble = fail
            await scene.says("anna", "hello")
            await scene.quiet()
            for minute in range(8):
                await scene.pass_time(minutes=1)
                await scene.quiet()
                await tick(scene, seconds=1)
                assert robots.texts["webhook"] == ([waits] if minute >= 4 else [])
            scene.vendors.trouble = None
            await scene.pass_time(minutes=5)
            await scene.quiet()
            await tick(scene)
            assert robots.texts["webhook"] == [waits, "Bridge: well again\n· desk takes messages again"]


async def test_a_receiver_that_is_down_is_tried_again_and_its_address_stays_a_secret(
    database_url: str, tmp_path: Path, robots: Robots, capsys: pytest.CaptureFixture[str]
) -> None:
    async with robots.serving() as base:
        scene = Scene(database_url, tmp_path, alerts=receivers(base))
        async with scene.running():
            scene.vendors.trouble = refuse
            await scene.says("anna", "hello")
            await scene.quiet()
            robots.down = True
            await tick(scene)
            await tick(scene)
            robots.down = False
            await tick(scene, minutes=20)
            assert [len(texts) for texts in robots.texts.values()] == [1, 1, 1, 1]
    said = capsys.readouterr().out
    assert "alert not delivered" in said
    assert "secret-of-the-robot" not in said and "secret-hook" not in said and SECRET not in said


async def test_poison_in_what_a_vendor_said_stops_no_alert(database_url: str, tmp_path: Path, robots: Robots) -> None:
    """Half a character, NUL, words without end: every receiver is told all the same, and mail too."""
    from bridge.alerts.words import alert_of
    from bridge.testing.conformance.forgeries import POISON

    async with robots.serving() as base:
        scene = Scene(database_url, tmp_path, alerts=receivers(base))
        async with scene.running() as bridge:
            for number, odd in enumerate(POISON):
                causes = {"paused.desk": {"account": "desk", "why": f"said {odd}"}}
                alert = alert_of(f"a{number}", causes, well=False, language="en", at=scene.clock())
                assert len(alert.text) < 800
                alert.text.encode()
                for receiver in bridge.alerts._receivers.values():
                    await receiver.send(alert)
    assert {len(texts) for texts in robots.texts.values()} == {len(POISON)} and robots.refused == []


async def test_a_trouble_that_nobody_heard_of_needs_no_well_again(
    database_url: str, tmp_path: Path, robots: Robots
) -> None:
    async with robots.serving() as base:
        scene = Scene(database_url, tmp_path, alerts=receivers(base))
        async with scene.running() as bridge:
            scene.vendors.trouble = refuse
            await scene.says("anna", "hello")
            await scene.quiet()
            robots.down = True
            await tick(scene)
            scene.vendors.trouble, robots.down = None, False
            await bridge.engine.timetable.check_paused()  # type: ignore[union-attr]
            await scene.quiet()
            await tick(scene, minutes=20)
            assert not any(robots.texts.values())


async def test_what_is_about_to_end_is_told_and_well_again(database_url: str, tmp_path: Path, robots: Robots) -> None:
    """Credentials with an end, a certificate, callbacks that stopped: once each, in one message, until they are well."""
    async with robots.serving() as base:
        scene = Scene(database_url, tmp_path, alerts={"ops": receivers(base)["fei"]})
        async with scene.running() as bridge:
            watch, today = bridge.alerts, scene.clock().date()
            watch._accounts = {
                "shop": FakeConfig(kind="fake", secret_until=today + timedelta(days=10)),
                "desk": FakeConfig(kind="fake", secret_until=today + timedelta(days=40)),
            }
            watch._outside, watch._looked_at = Outside(scene.clock() + timedelta(days=3)), scene.clock()
            seen = [Seen("shop", "", 25, {}, scene.clock(), scene.clock() - timedelta(hours=25))]
            await bridge.store.write(callbacks.note_callbacks, seen)
            for _ in range(3):
                await tick(scene)
            ends, silent = f"{today + timedelta(days=3)}", f"{seen[0].at:%Y-%m-%d %H:%M}"
            assert robots.texts["feishu"] == [
                (
                    "Bridge: somebody has to look\n"
                    f"· the certificate of the public address ends on {ends}\n"
                    f"· the credentials of shop end on {today + timedelta(days=10)}\n"
                    f"· no callback of shop since {silent} UTC, which is unusual. Look at the vendor's push settings"
                )
            ]
            watch._accounts = {"shop": FakeConfig(kind="fake", secret_until=today + timedelta(days=300))}
            watch._outside = Outside(scene.clock() + timedelta(days=90))
            now = scene.clock()
            await bridge.store.write(callbacks.note_callbacks, [Seen("shop", "", 1, {}, now, now)])
            await tick(scene)
            assert robots.texts["feishu"][1:] == [
                (
                    "Bridge: well again\n· the certificate was renewed\n· the credentials of shop were renewed\n"
                    "· callbacks of shop come again"
                )
            ]


async def test_what_was_given_up_or_cannot_be_read_is_told_and_well_again(
    database_url: str, tmp_path: Path, robots: Robots
) -> None:
    async with robots.serving() as base:
        scene = Scene(database_url, tmp_path, alerts={"ops": receivers(base)["ding"]}, bridge={"language": "zh"})
        async with scene.running() as bridge:

            def refuse_words(account: str, step: Step, phase: str) -> None:
                if account == "desk" and phase == "before":
                    raise Rejected("no", code="422")

            scene.vendors.trouble = refuse_words
            await scene.says("anna", "my secret words")
            await scene.push(Raw("broken", b"secret words that cannot be read"))
            await scene.quiet()
            await tick(scene)
            await tick(scene)
            (text,) = robots.texts["dingtalk"]
            assert "bridge dead list" in text and "secret words" not in text
            assert "shop 有 1 条消息无法读取" in text and "desk 的 1 条消息已放弃" in text
            scene.vendors.trouble = None
            await bridge.store.write(drop, None)
            await tick(scene)
            assert robots.texts["dingtalk"][1:] == [
                "客服桥：已恢复\n· desk 已没有放弃的消息\n· shop 已没有被搁置的消息"
            ]


async def test_late_answers_are_one_alert_for_those_who_are_named(
    database_url: str, tmp_path: Path, robots: Robots
) -> None:
    async with robots.serving() as base:
        scene = Scene(
            database_url,
            tmp_path,
            alerts=receivers(base),
            targets={"standard": {"first": "3m", "alert": ["ding"]}},
            routes=[{"channel": "shop", "desk": "desk", "targets": "standard"}],
            bridge={"language": "zh"},
        )
        async with scene.running():
            since = scene.clock() + timedelta(minutes=3)
            for name in ("anna", "bert", "carl"):
                await scene.says(name, "hello")
            await scene.quiet()
            await tick(scene)
            assert not any(robots.texts.values())
            await scene.pass_time(minutes=4)
            await tick(scene)
            await tick(scene)
            text = f"客服桥：需要处理\n· desk 有 3 位客户等待答复已超时，最早的期限为 {since:%Y-%m-%d %H:%M}（UTC）"
            text += "：https://bridge.example.com/console/routes#targets"
            assert robots.texts == {"wecom": [], "dingtalk": [text], "feishu": [], "webhook": []}


async def test_a_mailbox_gets_them_too(database_url: str, tmp_path: Path) -> None:
    seen: list[Any] = []

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the server's name for it
            seen.append(envelope)
            return "250 OK"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        to = ["admin@example.com"]
        mail = {"kind": "email", "url": f"smtp://127.0.0.1:{port}", "to": to, "sender": "bridge@example.com"}
        scene = Scene(database_url, tmp_path, alerts={"ops": mail})
        async with scene.running():
            scene.vendors.trouble = refuse
            await scene.says("anna", "hello")
            await scene.quiet()
            await tick(scene)
            await tick(scene)
    finally:
        controller.stop()
    (envelope,) = seen
    assert envelope.rcpt_tos == to
    text = envelope.content.decode()
    assert "Subject: Bridge: somebody has to look" in text and "desk is paused" in text


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        (
            {"ops": {"kind": "pager"}},
            "alerts.ops.kind: 'pager' is unknown; known: dingtalk, email, feishu, webhook, wecom",
        ),
        ({"ops": {}}, "alerts.ops.kind: is missing"),
        ({"ops": {"kind": "wecom"}}, "alerts.ops.url: is missing"),
        ({"ops": {"kind": "wecom", "url": "http://robots.example.com/x"}}, "alerts.ops.url: "),
        ({"ops": {"kind": "webhook", "url": "https://a.example", "secret": "?"}}, "must be `whsec_` and base64"),
        (
            {"ops": {"kind": "email", "url": "smtp://mail.example", "to": [], "sender": "a@b.c"}},
            "for this machine only",
        ),
        ({}, "targets.standard.alert: there is no alert 'ops'; alerts: none"),
    ],
)
def test_faults_are_named(tmp_path: Path, alerts: dict[str, Any], said: str) -> None:
    targets = {"standard": {"first": "3m", "alert": ["ops"]}}
    settings = Scene("sqlite://", tmp_path, alerts=alerts, targets=targets).settings()
    with pytest.raises(ConfigError) as caught:
        declare_alerts(settings, Path("config.toml"))
    assert said in "\n".join(caught.value.faults)

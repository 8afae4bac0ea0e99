"""WeCom's customer service and Request Tracker, with the bridge as a process that is killed."""

import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from bridge.testing.e2e.process import Process, until
from connectors.rt.simulator import Simulator as Desk
from connectors.wecom.simulator import Simulator as Phone
from tests.databases import sqlite_database
from tests.e2e.conftest import PlatformHarness

CUSTOMER = "wmAJ2GCAAAme1XQRC-NI-q0_ZM9ukoAw"
SHOP = Path(__file__).parents[2] / "bridge" / "demo_faq.toml"
SQLITE = pytest.mark.parametrize(
    "database_url", ["sqlite"], indirect=True
)  # nothing there asks the database anything new


@pytest.fixture
async def service(database_url: str, tmp_path: Path) -> AsyncIterator[PlatformHarness]:
    async with Phone() as phone, Desk() as desk:
        accounts = {"shop": phone.settings(), "desk": desk.settings()}
        bridge = Process(tmp_path, database_url, accounts, [{"channel": "shop", "desk": "desk"}])
        phone.hook_url, desk.hook_url = bridge.hook("shop"), bridge.hook("desk")
        yield PlatformHarness(phone, desk, bridge)  # type: ignore[arg-type]  # the same verbs as the mini program's
        await bridge.close()


async def test_killed_between_any_two_lines_nothing_is_lost(service: PlatformHarness) -> None:
    """When a page is kept, when it is routed, and when a step is on its way."""
    lines: list[str] = []
    async with service.bridge.supervised(failpoint="kept:2", then=("routed:2", "begun:2")) as ends:
        for count in range(1, 4):
            while len(ends) < count:
                lines.append(f"line {len(lines)}")
                await service.phone.says(CUSTOMER, lines[-1])
                with suppress(TimeoutError):
                    await until(lambda: len(ends) >= count, 1.0)  # noqa: B023 - it is waited for at once
        await until(lambda: len(service.said()) >= len(lines))
        assert set(ends) == {-signal.SIGKILL}
        assert service.said() == lines


async def test_an_answer_arrives_once_whenever_the_process_dies(service: PlatformHarness) -> None:
    """Also where its outcome was unknown, twice: the platform takes our id once, so that the repeat is known."""
    await service.bridge.start()
    await service.phone.says(CUSTOMER, "hello")
    await until(lambda: service.said() == ["hello"])
    assert await service.bridge.terminate() == 0
    await service.desk.agent_says(service.ticket, "first")
    async with service.bridge.supervised(failpoint="begun", then=("answered",)) as ends:
        await until(lambda: len(ends) == 2)
        await service.desk.agent_says(service.ticket, "second")
        await until(lambda: len(service.phone.received(CUSTOMER)) >= 2)
        assert service.phone.received(CUSTOMER) == ["first", "second"]
        assert service.notes() == []


@SQLITE
async def test_words_spoken_while_the_bridge_is_away_come_later(service: PlatformHarness) -> None:
    await service.bridge.start()
    await service.phone.says(CUSTOMER, "hello")
    await until(lambda: service.said() == ["hello"])
    assert await service.bridge.terminate() == 0
    hook, service.phone.hook_url = service.phone.hook_url, ""
    await service.phone.says(CUSTOMER, "is anybody there?")
    service.phone.hook_url = hook
    await service.bridge.start()
    await until(lambda: service.said() == ["hello", "is anybody there?"])


@SQLITE
async def test_a_colleague_in_the_platforms_own_client_is_seen(service: PlatformHarness) -> None:
    """While somebody has the customer there, answers wait, and the ticket says who; then they go out. One that fails
    later is told.
    """
    phone: Phone = service.phone  # type: ignore[assignment]  # as the fixture made it
    await service.bridge.start()
    await phone.says(CUSTOMER, "hello")
    await until(lambda: service.said() == ["hello"])
    await phone.takes(CUSTOMER, "zhangsan")
    await until(lambda: any("zhangsan" in note for note in service.notes()))
    await phone.servicer_says(CUSTOMER, "zhangsan", "I am here")
    await until(lambda: any("I am here" in note for note in service.notes()))
    await service.desk.agent_says(service.ticket, "from the desk")
    await until(lambda: any("Not delivered yet" in note for note in service.notes()))
    assert phone.received(CUSTOMER) == []
    await phone.ends(CUSTOMER)
    await phone.says(CUSTOMER, "and now?")
    await until(lambda: phone.received(CUSTOMER) == ["from the desk"])
    await phone.fails(CUSTOMER, phone.chat(CUSTOMER)[-1].msgid, 10)
    await until(lambda: any("refuses messages" in note for note in service.notes()))


async def test_a_bot_is_silent_while_a_person_has_the_session(tmp_path: Path) -> None:
    """95018 (langbot-app/LangBot#1547): nothing is sent into a colleague's talk, and people take over."""
    url = sqlite_database(tmp_path)
    async with Phone() as phone, Desk() as desk:
        accounts = {"shop": phone.settings(), "desk": desk.settings(), "helper": {"kind": "faq", "file": str(SHOP)}}
        route = {"channel": "shop", "desk": "desk", "bot": {"name": "helper", "quiet": "0s"}}
        bridge = Process(tmp_path, url, accounts, [route])
        phone.hook_url, desk.hook_url = bridge.hook("shop"), bridge.hook("desk")
        service = PlatformHarness(phone, desk, bridge)  # type: ignore[arg-type]  # the same verbs as the mini program's
        try:
            await bridge.start()
            await phone.says(CUSTOMER, "什么时候发货")
            await until(lambda: any("24 小时" in text for text in phone.received(CUSTOMER)))
            await phone.takes(CUSTOMER, "zhangsan")
            await until(lambda: any("zhangsan" in note for note in service.notes()))
            await phone.says(CUSTOMER, "包邮吗")
            await until(lambda: any("takes no answer now" in note for note in service.notes()))
            await phone.ends(CUSTOMER)
            await phone.says(CUSTOMER, "还在吗")
            await until(lambda: service.said() == ["什么时候发货", "包邮吗", "还在吗"])
            await desk.agent_says(service.ticket, "在的")
            await until(lambda: phone.received(CUSTOMER)[1:] == ["在的"])
        finally:
            await bridge.close()

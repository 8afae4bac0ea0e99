"""A WeChat customer, this bridge, real mail servers, a real Request Tracker - and back, with everything breaking."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest

from connectors.wechat.simulator import Simulator as WeChatSimulator
from tests.real.mail_bridge import bridge_process
from tests.real.mail_servers import tracker_by_mail

pytestmark = pytest.mark.real
CUSTOMER = "oAAAAcustomer-a_0123456789ab"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAFElEQVR42mP8z8BQz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC"
)


async def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Waits for something that may look at a server, in a thread."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.2)


@pytest.mark.timeout(400)
async def test_wechat_to_a_tracker_by_mail_and_back_with_everything_breaking(tmp_path):
    with tracker_by_mail() as (tracker, servers):
        wechat = WeChatSimulator()
        async with wechat:
            accounts = {
                "shop": wechat.settings(),
                "tracker": servers.settings(
                    desk_address="support@desk.test", trusted_senders=["desk.test"], await_ticket="15s"
                ),
            }
            with bridge_process(tmp_path, accounts, [{"channel": "shop", "desk": "tracker"}]) as bridge:
                wechat.hook_url = bridge.hook
                await asyncio.to_thread(bridge.start)
                await until(lambda: bridge.has_position("tracker"))

                # a question with a picture becomes one ticket
                await wechat.says(CUSTOMER, "你好，订单没到")
                await wechat.sends_image(CUSTOMER, PNG, mime="image/png")
                await until(lambda: len(_said(tracker)) >= 2)
                assert len(tracker.tickets()) == 1

                # an agent answers with a file; the bridge is killed while it comes
                note = {
                    "FileName": "a.txt",
                    "FileType": "text/plain",
                    "FileContent": base64.b64encode("附件".encode()).decode(),
                }
                answer = {"Content": "您好，请看附件", "ContentType": "text/plain", "Attachments": [note]}
                await asyncio.to_thread(tracker.call, "POST", "/ticket/1/correspond", answer)
                await asyncio.to_thread(bridge.kill)
                await asyncio.to_thread(bridge.start)
                await until(lambda: any("您好，请看附件" in text for text in wechat.received(CUSTOMER)))
                await until(lambda: any("a.txt" in text for text in wechat.received(CUSTOMER)))

                # the mail servers go away, the customer writes on, the bridge is killed meanwhile
                await asyncio.to_thread(servers.stop)
                await wechat.says(CUSTOMER, "还在吗")
                await asyncio.to_thread(bridge.kill)
                await asyncio.to_thread(bridge.start)
                await asyncio.to_thread(servers.start)
                await until(lambda: any("还在吗" in text for text in _texts(tracker)), seconds=120)

                # and the answer after all that
                later = {"Content": "在的", "ContentType": "text/plain", "Status": "resolved"}
                await asyncio.to_thread(tracker.call, "POST", "/ticket/1/correspond", later)
                await until(lambda: any("在的" in text for text in wechat.received(CUSTOMER)), seconds=120)
                await wechat.says(CUSTOMER, "谢谢")
                await until(lambda: any("谢谢" in text for text in _texts(tracker)))
                await until(lambda: tracker.tickets()[0]["Status"] == "open")

                # one ticket, nothing lost, nothing doubled, nothing that RT says by itself
                assert len(tracker.tickets()) == 1
                told = "\n".join(_texts(tracker))
                for words in ("你好，订单没到", "还在吗", "谢谢"):
                    assert told.count(words) == 1, told
                heard = "\n".join(wechat.received(CUSTOMER))
                for words in ("您好，请看附件", "在的"):
                    assert heard.count(words) == 1, heard
                for words in ("automatically generated", "has been resolved"):
                    assert words not in heard
                assert "image/png" in _kinds(tracker)


def _said(tracker: Any) -> list[str]:
    """What the customer said in ticket 1, by type of transaction."""
    if not tracker.tickets():
        return []
    return [kind for kind in tracker.history("1") if kind in {"Create", "Correspond"}] + (
        ["picture"] if "image/png" in _kinds(tracker) else []
    )


def _attachments(tracker: Any) -> list[dict[str, Any]]:
    path = "/ticket/1/attachments?fields=ContentType,Content,Creator&per_page=100"
    found: list[dict[str, Any]] = tracker.call("GET", path)["items"]
    return found


def _kinds(tracker: Any) -> list[str]:
    return [row["ContentType"] for row in _attachments(tracker)]


def _texts(tracker: Any) -> list[str]:
    """What customers wrote: plain texts that no agent made."""
    rows = [row for row in _attachments(tracker) if row["ContentType"] == "text/plain"]
    return [str(row["Content"] or "") for row in rows if "bridge" in row["Creator"]["id"]]

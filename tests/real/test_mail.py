"""The e-mail connector against software that nobody here wrote: Postfix, Dovecot, Request Tracker."""

import asyncio
import base64
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

import pytest

from bridge.contract import (
    Account,
    Audience,
    Author,
    AuthorKind,
    Contact,
    DeliveryState,
    File,
    Image,
    Message,
    MessageReceived,
    Raw,
    Receipt,
    ReceiptReceived,
    RenderContext,
    Retryable,
    Target,
    Text,
    Throttled,
)
from bridge.testing.rig import lend_account
from connectors.email import Email
from tests.real.mail_servers import MailServers, answer, mail_servers, tracker_by_mail

pytestmark = pytest.mark.real
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


class Bridge:
    """What the engine does for one account, without its database: keeps raws by key, repeats what may be repeated."""

    def __init__(self, settings: dict[str, Any], account: Account) -> None:
        self.box = Email(Email.Config.model_validate(settings), account)
        self.account = account
        self.raws: dict[str, Raw] = {}
        self.cursor: str | None = None
        self.started = asyncio.Event()

    async def keep(self, raws, cursor=None) -> None:
        for raw in raws:
            self.raws.setdefault(raw.key, raw)
        self.cursor = cursor
        self.started.set()

    @asynccontextmanager
    async def listening(self):
        self.started.clear()
        task = asyncio.create_task(self.box.listen(self.keep, self.cursor))
        if self.cursor is None:
            async with asyncio.timeout(60):
                await self.started.wait()
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def events(self) -> list[Any]:
        return [event for raw in self.raws.values() for event in self.box.normalise(raw)]

    def heard(self) -> list[MessageReceived]:
        """What would be passed on."""
        found = [event for event in self.events() if isinstance(event, MessageReceived)]
        return [event for event in found if event.message.audience is Audience.CUSTOMER]

    async def until(self, condition, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.05)

    async def send(self, key: str, *parts: Any, conversation: str | None = None, link: str = "link") -> Receipt:
        made = tuple(Text(body=part) if isinstance(part, str) else part for part in parts)
        said = Message(id=key, conversation="o1", author=Author(kind=AuthorKind.CUSTOMER), parts=made)
        contact = Contact(id="o1", name="客户甲")
        (step,) = self.box.render([said], RenderContext(contact=contact))
        target = Target(key=key, link=link, conversation=conversation, contact=contact)
        while True:
            try:
                prepared = await self.box.prepare(step, target)
                return await self.box.deliver(step, target.model_copy(update={"prepared": prepared}))
            except Throttled:
                await asyncio.sleep(0.2)

    async def picture(self) -> Image:
        kept = await self.account.media.keep(PNG, name="图片.png", mime="image/png")
        return Image(media=kept.model_copy(update={"mime": "image/png"}))

    async def bytes_of(self, part: Any) -> bytes:
        return b"".join([chunk async for chunk in self.box.fetch(part.media, 2**20)])


def texts(events: list[MessageReceived]) -> list[str]:
    return ["\n".join(part.body for part in event.message.parts if isinstance(part, Text)) for event in events]


@pytest.fixture(scope="module")
def servers():
    with mail_servers() as found:
        yield found


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def bridge(servers: MailServers, **settings: Any):
    async with lend_account("mailbox") as account:
        yield Bridge(servers.settings(**settings), account)


DESK = {"desk_address": "support@desk.test", "trusted_senders": ["desk.test"], "await_ticket": "0s"}


@pytest.mark.parametrize("mode", ["plus", "catch_all"])
async def test_an_agent_answers_by_mail(servers, mode):
    before = len(servers.mails("helpdesk@desk.test"))
    async with bridge(servers, **DESK, address_mode=mode) as ours:
        assert (await ours.box.check()).ok
        async with ours.listening():
            receipt = await ours.send(f"{mode}-1", "你好，订单没到", await ours.picture())
            mail = await servers.mail("helpdesk@desk.test", before + 1)
            assert mail["Message-ID"] == receipt.ids[0]
            assert next(mail.iter_attachments()).get_content() == PNG
            servers.send(
                "agent@desk.test",
                answer(mail, "您好，明天发货。", sender="agent@desk.test", files=(("发票.png", PNG),)),
            )
            await ours.until(ours.heard)
        (event,) = ours.heard()
        assert texts([event]) == ["您好，明天发货。"]
        assert event.message.conversation == receipt.conversation
        assert event.message.parts[1].media.name == "发票.png"
        assert await ours.bytes_of(event.message.parts[1]) == PNG


async def test_a_real_bounce_names_the_very_mail(servers):
    async with bridge(servers, **DESK | {"desk_address": "nobody@customer.test"}) as ours, ours.listening():
        receipt = await ours.send("bounce-1", "x")
        await ours.until(ours.events)
        (event,) = ours.events()
        assert isinstance(event, ReceiptReceived)
        assert (event.message, event.state) == (receipt.ids[0], DeliveryState.FAILED)
        assert "does not exist" in event.reason


async def test_a_customer_writes_by_mail_and_is_answered_in_the_thread(servers):
    async with bridge(servers, from_name="客服") as ours, ours.listening():
        first = EmailMessage()
        first["From"], first["To"], first["Subject"] = "Customer <customer@customer.test>", "bridge@bridge.test", "订单"
        first["Message-ID"] = "<first@customer.test>"
        first.set_content("我的订单呢？")
        servers.send("customer@customer.test", first)
        await ours.until(ours.heard)
        (event,) = ours.heard()
        assert event.contact.email == "customer@customer.test"
        await ours.send("answer-1", "马上查", conversation=event.message.conversation)
        mail = await servers.mail("customer@customer.test", 1)
        assert mail["In-Reply-To"] == "<first@customer.test>"
        assert mail["Subject"] == "Re: 订单"
        servers.send("customer@customer.test", answer(mail, "谢谢", sender="customer@customer.test"))
        await ours.until(lambda: len(ours.heard()) == 2)
        assert texts(ours.heard()) == ["我的订单呢？", "谢谢"]
        assert len({event.message.conversation for event in ours.heard()}) == 1


async def test_a_tracker_fed_by_mail_keeps_one_ticket():
    with tracker_by_mail() as (tracker, servers):
        async with bridge(servers, **DESK | {"await_ticket": "30s"}) as ours, ours.listening():
            opened = await ours.send("rt-1", "你好，订单没到", await ours.picture())
            await ours.send("rt-2", "第二条消息", conversation=opened.conversation)  # waits for the ticket's number
            async with asyncio.timeout(60):
                while "Correspond" not in tracker.history("1"):
                    await asyncio.sleep(0.2)
            assert not ours.heard()  # RT's acknowledgement is not an answer
            attached = tracker.call("GET", "/ticket/1/attachments?fields=Filename,ContentType")["items"]
            assert "图片.png" in [row["Filename"] for row in attached]
            tracker.call("POST", "/ticket/1/comment", {"Content": "internal", "ContentType": "text/plain"})
            note = {
                "FileName": "a.txt",
                "FileType": "text/plain",
                "FileContent": base64.b64encode("附件".encode()).decode(),
            }
            body = {"Content": "<p>您好</p><p>请看附件</p>", "ContentType": "text/html", "Attachments": [note]}
            tracker.call("POST", "/ticket/1/correspond", body)
            await ours.until(ours.heard)
            (event,) = ours.heard()
            assert texts([event]) == ["您好\n\n请看附件"]
            assert isinstance(event.message.parts[1], File)
            assert await ours.bytes_of(event.message.parts[1]) == "附件".encode()
            tracker.call(
                "POST", "/ticket/1/correspond", {"Content": "再见", "ContentType": "text/plain", "Status": "resolved"}
            )
            await ours.until(lambda: len(ours.heard()) == 2)
            assert texts(ours.heard())[1] == "再见"
            await ours.send("rt-3", "还有一个问题", conversation=opened.conversation)
            async with asyncio.timeout(60):
                while tracker.tickets()[0]["Status"] != "open":
                    await asyncio.sleep(0.2)
            assert len(tracker.tickets()) == 1
            assert texts(ours.heard()) == ["您好\n\n请看附件", "再见"]  # "resolved" mail and comment never came


async def test_servers_restart_and_a_killed_connector_lose_and_double_nothing():
    with mail_servers() as servers:
        async with bridge(servers, **DESK) as ours:
            async with ours.listening():
                opened = await ours.send("kill-0", "0")
            mail = await servers.mail("helpdesk@desk.test", 1)
            for number in range(3):
                servers.send(
                    "agent@desk.test", answer(mail, f"while nobody listens {number}", sender="agent@desk.test")
                )
            await servers.mail("bridge@bridge.test", 3)
            servers.stop()
            with pytest.raises(Retryable) as caught:
                await ours.send("kill-1", "1", conversation=opened.conversation)
            assert caught.value.certain
            with pytest.raises(Retryable):
                await ours.box.poll(ours.cursor)
            servers.start()
            async with ours.listening() as task:
                await ours.until(lambda: len(ours.heard()) == 3)
                servers.stop()  # under a waiting listener
                await asyncio.wait({task}, timeout=60)  # Dovecot ends idle sessions within 30 s
                assert isinstance(task.exception(), Retryable)
            servers.start()
            ours.box = Email(ours.box.config, ours.account)  # nothing lives in the object
            async with ours.listening():
                await ours.send("kill-1", "1", conversation=opened.conversation)
                await ours.send("kill-1", "1", conversation=opened.conversation)  # killed before it could settle
                last = await servers.mail("helpdesk@desk.test", 2)
                assert len({mail["Message-ID"] for mail in servers.mails("helpdesk@desk.test")}) == 2
                assert len(servers.mails("helpdesk@desk.test")) == 2
                servers.send("agent@desk.test", answer(last, "after all", sender="agent@desk.test"))
                await ours.until(lambda: len(ours.heard()) == 4)
            assert sorted(texts(ours.heard())) == ["after all", *(f"while nobody listens {n}" for n in range(3))]

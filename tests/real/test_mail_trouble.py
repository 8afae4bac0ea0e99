"""The suite's trouble in front of real Postfix and Dovecot: what they do themselves when a connection dies."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bridge.contract import (
    Author,
    AuthorKind,
    Contact,
    Message,
    RenderContext,
    Retryable,
    Target,
    Text,
)
from bridge.testing.rig import lend_account
from bridge.testing.stream_proxy import Cut, StreamProxy
from tests.real.mail_servers import MailServers, answer, mail_servers
from tests.real.test_mail import DESK, Bridge, texts

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]
LONG = "\n".join(
    f"line {number}: where is order 17, please?" for number in range(1500)
)  # more than what comes before it
BEFORE = 8000  # bytes: past signing in, in the middle of the mail


@pytest.fixture(scope="module")
def servers():
    with mail_servers() as found:
        yield found


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def troubled(servers: MailServers):
    """The connector behind two proxies, one for each server."""
    async with (
        StreamProxy("127.0.0.1", servers.submission_port) as smtp,
        StreamProxy("127.0.0.1", servers.imap_port) as imap,
        lend_account("mailbox", timeout=3.0) as account,
    ):
        keys: dict[str, Any] = servers.settings(**DESK)
        keys["smtp_url"] = f"smtp+starttls://127.0.0.1:{smtp.port}"
        keys["imap_url"] = f"imap+starttls://127.0.0.1:{imap.port}"
        yield Bridge(keys, account), smtp, imap


@pytest.mark.parametrize(
    ("cut", "after", "certain"),
    [
        (Cut.RESET, 0, True),
        (Cut.SILENT, 200, True),  # before anybody signed in
        (Cut.SENDING, BEFORE, False),
        (Cut.ANSWER, BEFORE, False),  # Postfix has the mail, and nobody heard it say so
    ],
    ids=str,
)
async def test_a_mail_whose_connection_dies_arrives_under_one_id(servers, cut, after, certain):
    before = len(servers.mails("helpdesk@desk.test"))
    async with troubled(servers) as (ours, smtp, _):
        said = Message(
            id=f"m-{cut}", conversation="o1", author=Author(kind=AuthorKind.CUSTOMER), parts=(Text(body=LONG),)
        )
        contact = Contact(id="o1", name="Customer A")
        (step,) = ours.box.render([said], RenderContext(contact=contact))
        target = Target(key=f"key-{cut}", link=f"link-{cut}", contact=contact)
        target = target.model_copy(update={"prepared": await ours.box.prepare(step, target)})
        smtp.arm(cut, after=after)
        with pytest.raises(Retryable) as failed:
            await ours.box.deliver(step, target)
        assert failed.value.certain is certain
        assert smtp.used == 1, "the fault was not met"
        assert await ours.box.lookup(step, target) is None
        receipt = await ours.box.deliver(step, target)
        assert await ours.box.lookup(step, target) is not None
        mail = await servers.mail("helpdesk@desk.test", before + 1)
        assert mail["Message-ID"] == receipt.ids[0]
        found = servers.mails("helpdesk@desk.test")[before:]
        assert {one["Message-ID"] for one in found} == {receipt.ids[0]}
        assert len(found) == (2 if cut is Cut.ANSWER else 1), "at least once, with one id: RFC 1047"


@asynccontextmanager
async def listening_again_and_again(ours: Bridge):
    """As the engine does it."""

    async def listen() -> None:
        while True:
            try:
                await ours.box.listen(ours.keep, ours.cursor)
            except Retryable:
                await asyncio.sleep(0.1)

    task = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(60):
            await ours.started.wait()
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_nothing_is_lost_or_doubled_while_the_mailbox_comes_and_goes(servers):
    before = len(servers.mails("helpdesk@desk.test"))
    cuts = ((Cut.RESET, 0), (Cut.SENDING, 300), (Cut.SENDING, 900), (Cut.ANSWER, 900))
    async with troubled(servers) as (ours, _, imap):
        await ours.send("imap-1", "hello")
        mail = await servers.mail("helpdesk@desk.test", before + 1)
        async with listening_again_and_again(ours):
            said = ["first"]
            servers.send("agent@desk.test", answer(mail, "first", sender="agent@desk.test"))
            await ours.until(lambda: texts(ours.heard()) == said)
            for number, (cut, after) in enumerate(cuts, 1):
                imap.arm(cut, after=after)
                await imap.cut()  # in the middle of IDLE; the next connection meets the fault
                said.append(f"answer {number}")
                servers.send("agent@desk.test", answer(mail, said[-1], sender="agent@desk.test"))
                await ours.until(lambda: texts(ours.heard()) == said)
                assert imap.used == number, "the fault was not met"

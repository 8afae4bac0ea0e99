"""A program as a desk: what goes, what comes, and how a third party's library reads and writes it."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import standardwebhooks

from bridge.contract import (
    AuthorKind,
    CallbackResult,
    Cause,
    Change,
    File,
    Message,
    MessageChanged,
    MessageReceived,
    Rejected,
    Request,
    Retryable,
    Role,
    Status,
    StatusChanged,
    Text,
    Unauthentic,
    sign_webhook,
    webhook_key,
)
from bridge.testing.clock import VirtualClock
from bridge.testing.conformance.builders import said, target_for
from bridge.testing.rig import lend_account
from connectors.webhook import Webhook
from connectors.webhook.simulator import Simulator
from connectors.webhook.simulator.vendor import SECRET

PDF = b"%PDF-1.7\n" + b"x" * 2000


class House:
    """A program, and the connector that talks to it."""

    def __init__(self, program: Simulator, desk: Webhook, clock: VirtualClock) -> None:
        self.program, self.desk, self.clock = program, desk, clock

    async def hear(self, body: Any, *, identifier: str = "msg_1") -> CallbackResult:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = sign_webhook(webhook_key(SECRET), identifier, self.clock(), content)
        return await self.desk.verify(Request("POST", "/hooks/ours", (), headers, content, "", self.clock()))

    async def read(self, body: dict[str, Any]) -> Any:
        (raw,) = (await self.hear(body)).raws
        (event,) = self.desk.normalise(raw)
        return event

    async def tell(self, message: Message, conversation: str | None = None, key: str = "key-1") -> Any:
        context, target = target_for(Role.DESK, conversation, key=key)
        (step,) = self.desk.render([message], context)
        return await self.desk.deliver(step, target)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    clock = VirtualClock()
    async with Simulator(clock=clock) as program:
        config = Webhook.Config.model_validate(program.settings() | {"upload": 2500})
        async with lend_account("ours", home=config.api_base, clock=clock) as account:
            yield House(program, Webhook(config, account), clock)


@pytest.mark.anyio
async def test_a_repeat_is_the_same_request_to_the_letter(house: House) -> None:
    words = said(Role.DESK, Text(body="once"), conversation="c1")
    first = await house.tell(words)
    assert await house.tell(words) == first
    assert [entry.text for entry in house.program.books.tickets["link-1"].entries] == ["once"]
    assert first.conversation == "link-1"
    assert first.url.startswith("https://crm.example.com/tickets/")


@pytest.mark.anyio
async def test_files_go_in_the_request_or_as_links(house: House) -> None:
    media = house.desk.account.media
    small = await media.keep(PDF, name="a.pdf", mime="application/pdf")
    large = await media.keep(PDF * 2, name="b.pdf", mime="application/pdf")
    await house.tell(said(Role.DESK, File(media=small), File(media=large), conversation="c1"))
    (entry,) = house.program.books.tickets["link-1"].entries
    assert entry.files == [PDF]
    assert entry.links == [media.link(small), media.link(large)]


@pytest.mark.anyio
async def test_files_come_in_the_request_or_behind_a_link(house: House) -> None:
    body = {"type": "answer", "ticket": "17", "id": "a-1"}
    data = base64.b64encode(PDF).decode()
    event = await house.read(body | {"files": [{"name": "a.pdf", "mime": "application/pdf", "data": data}]})
    assert await house.desk.account.media.read(event.message.parts[0].media) == PDF
    url = house.program.put_file("b.pdf", PDF)
    event = await house.read(body | {"files": [{"name": "b.pdf", "url": url}]})
    assert b"".join([chunk async for chunk in house.desk.fetch(event.message.parts[0].media, 10_000)]) == PDF
    media = event.message.parts[0].media.model_copy(update={"id": "https://10.0.0.1/secret"})
    with pytest.raises(Rejected):  # nobody makes the bridge read what only this machine can reach
        _ = [chunk async for chunk in house.desk.fetch(media, 10_000)]


@pytest.mark.anyio
async def test_what_a_program_says_is_read(house: House) -> None:
    event = await house.read(
        {"type": "answer", "ticket": "17", "id": "a-1", "text": "Hello", "author": {"name": "Mei"}}
    )
    assert isinstance(event, MessageReceived)
    assert (event.message.author.kind, event.message.author.name) == (AuthorKind.AGENT, "Mei")
    event = await house.read({"type": "answer", "ticket": "17", "id": "a-2", "text": "ours", "origin": "018f"})
    assert event.message.origin == "018f"
    event = await house.read({"type": "status", "ticket": "17", "status": "solved"})
    assert event == StatusChanged(conversation="17", status=Status.SOLVED)
    event = await house.read({"type": "deleted", "ticket": "17", "id": "a-1"})
    assert event == MessageChanged(conversation="17", message="a-1", change=Change.DELETED)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"no json", "JSON"),
        ([], "object"),
        ({}, "type"),
        ({"type": "shout", "ticket": "1", "id": "1"}, "type"),
        ({"type": "answer", "id": "1", "text": "x"}, "ticket"),
        ({"type": "answer", "ticket": "1", "id": "1"}, "text"),
        ({"type": "answer", "ticket": 7, "id": "1", "text": "x"}, "ticket"),
        ({"type": "status", "ticket": "1", "status": "gone"}, "status"),
        ({"type": "answer", "ticket": "1", "files": [{"name": "a"}]}, "url"),
        ({"type": "answer", "ticket": "1", "files": [{"data": "%%%"}]}, "base64"),
        ({"type": "answer", "ticket": "1", "files": [{"url": "file:///etc/passwd"}]}, "url"),
    ],
)
async def test_what_cannot_be_used_is_told_why(house: House, body: Any, word: str) -> None:
    result = await house.hear(body)
    assert result.raws == ()
    assert result.reply.status == 422
    assert word in json.loads(result.reply.body)["error"]


@pytest.mark.anyio
async def test_who_opens_the_address_is_only_a_visitor(house: House) -> None:
    with pytest.raises(Unauthentic) as caught:
        await house.desk.verify(Request("GET", "/hooks/ours", (), {}, b"", "", house.clock()))
    assert caught.value.cause is Cause.VISIT


@pytest.mark.anyio
async def test_a_library_of_somebody_elses_signs_what_is_read(house: House) -> None:
    theirs = standardwebhooks.Webhook(SECRET)
    body = '{"type": "answer", "ticket": "17", "text": "您好"}'
    now = house.clock()
    headers = {
        "webhook-id": "msg_7",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": f"v1,AAAA {theirs.sign('msg_7', now, body)}",
    }
    request = Request("POST", "/hooks/ours", (), headers, body.encode(), "", now)
    (raw,) = (await house.desk.verify(request)).raws
    assert raw.key == "message:17:msg_7"


@pytest.mark.anyio
async def test_a_program_that_is_busy_lets_the_account_rest(house: House) -> None:
    from bridge.testing.faults import Trouble

    house.program.faults.add(Trouble.STATUS, status=429, headers={"retry-after": "17"})
    with pytest.raises(Retryable) as caught:
        await house.tell(said(Role.DESK, Text(body="x"), conversation="c1"))
    assert caught.value.scope == "account"


def test_an_address_on_plain_http_is_refused_with_its_key() -> None:
    for url in ("http://crm.example.com/x", "ftp://crm.example.com", "https://user:pw@crm.example.com/x"):
        with pytest.raises(ValueError, match=r"url .*(must|plain)"):
            Webhook.Config.model_validate({"kind": "webhook", "url": url, "secret": SECRET})
    config = Webhook.Config.model_validate({"kind": "webhook", "url": "https://crm.example.com/x", "secret": SECRET})
    assert config.api_base == "https://crm.example.com"
    assert timedelta(seconds=30) == config.deadline  # type: ignore[attr-defined]

"""What a real Request Tracker 5.0.3 answered, replayed: the connector is covered where RT is not installed.

To record again: start RT on port 18080 with the script of the real desks (`rt.sh start --dir DIR`), delete the folder
`cassettes`, then run this file with RT_FACTS set to the line of JSON that it printed. Tokens are scrubbed before
anything is written.
"""

import json
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import vcr

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Contact,
    Http,
    Image,
    Message,
    MessageReceived,
    RenderContext,
    Status,
    StatusChanged,
    Target,
    Text,
)
from bridge.testing.rig import lend_account
from connectors.rt import RequestTracker

FACTS: dict[str, Any] = json.loads(os.environ.get("RT_FACTS", "{}"))
BASE = "http://127.0.0.1:18080/REST/2.0"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
CONTACT = Contact(id="oCassette_A", name="Customer A")

recorder = vcr.VCR(
    cassette_library_dir=str(Path(__file__).parent / "cassettes"),
    record_mode="all" if FACTS else "none",
    match_on=["method", "path", "query"],  # boundaries of multipart bodies are random
    filter_headers=[("authorization", "token scrubbed")],
    decode_compressed_response=True,
)


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Iterator[None]:
    with recorder.use_cassette(f"{request.node.originalname}.yaml"):
        yield


@pytest.fixture
async def desk(cassette: None) -> AsyncIterator[RequestTracker]:
    async with lend_account("desk", home=BASE) as account:
        config = RequestTracker.Config(kind="rt", api_base=BASE, token=FACTS.get("token", "scrubbed"), queue="Support")
        yield RequestTracker(config, account)


def said(text: str, *parts: Any, audience: Audience = Audience.CUSTOMER) -> Message:
    author = Author(kind=AuthorKind.CUSTOMER)
    return Message(id="m", conversation="c", author=author, parts=(Text(body=text), *parts), audience=audience)


async def deliver(desk: RequestTracker, message: Message, key: str, ticket: str | None = None, **context: Any) -> Any:
    (step,) = desk.render([message], RenderContext(contact=CONTACT, conversation=ticket, **context))
    target = Target(
        key=key, link="1", contact=CONTACT, conversation=ticket, tried_at=datetime(2026, 11, 24, tzinfo=UTC)
    )
    target = target.model_copy(update={"prepared": await desk.prepare(step, target)})
    return step, target, await desk.deliver(step, target)


async def as_agent(method: str, path: str, **options: Any) -> None:
    """What an agent did while the cassette was recorded; replayed like the rest."""
    http = Http(timeout=30)
    try:
        headers = {"authorization": f"token {FACTS.get('agent_token', 'scrubbed')}"}
        answer = await http.request(method, BASE + path, headers=headers, **options)
        assert answer.ok
    finally:
        await http.close()


async def test_create_with_a_file(desk: RequestTracker) -> None:
    media = await desk.account.media.keep(PICTURE, name="图片.png", mime="image/png")
    _, _, receipt = await deliver(desk, said("你好\n\n  {{x}} <script>", Image(media=media)), "create-1")
    assert receipt.conversation.isdigit()
    assert receipt.ids
    assert receipt.peer.endswith("@bridge.invalid")
    page = await desk.poll(None, receipt.conversation)
    assert [raw for raw in page.raws if raw.key == f"transaction:{receipt.ids[0]}"] == []
    step, _, _ = await deliver(desk, said("again"), "create-2", receipt.conversation)
    assert step.verb == "correspond"


async def test_find_tells_what_took_effect(desk: RequestTracker) -> None:
    _, _, created = await deliver(desk, said("to be found"), "find-1")
    step, target, receipt = await deliver(desk, said("second"), "find-2", created.conversation)
    found = await desk.lookup(step, target)
    assert found is not None
    assert found.ids == receipt.ids
    assert await desk.lookup(step, target.model_copy(update={"key": "find-3"})) is None


async def test_collect_finds_answer_comment_and_status(desk: RequestTracker) -> None:
    _, _, created = await deliver(desk, said("question"), "collect-1")
    cursor = (await desk.poll(None)).cursor
    ticket = created.conversation
    fields = json.dumps({"Content": "<p>answer</p>\n<p>&nbsp;</p>", "ContentType": "text/html"})
    files = [("Attachments", ("附件.pdf", b"%PDF-1.4", "application/pdf"))]
    await as_agent("POST", f"/ticket/{ticket}/correspond", data={"JSON": fields}, files=files)
    await as_agent("POST", f"/ticket/{ticket}/comment", json={"Content": "internal", "ContentType": "text/plain"})
    await as_agent("PUT", f"/ticket/{ticket}", json={"Status": "resolved"})
    page = await desk.poll(cursor)
    events = [event for raw in page.raws for event in desk.normalise(raw)]
    messages = [
        event.message for event in events if isinstance(event, MessageReceived) and event.message.conversation == ticket
    ]
    assert [(message.audience, message.parts[0].body) for message in messages] == [
        (Audience.CUSTOMER, "<p>answer</p>"),
        (Audience.AGENTS, "internal"),
    ]
    file = messages[0].parts[1].media
    assert file.name == "附件.pdf"
    assert b"".join([chunk async for chunk in desk.fetch(file, 1000)]) == b"%PDF-1.4"
    assert StatusChanged(conversation=ticket, status=Status.SOLVED) in events
    nudged = await desk.poll(None, ticket)
    assert {raw.key for raw in page.raws if f'"ticket": "{ticket}"'.encode() in raw.payload} <= {
        raw.key for raw in nudged.raws
    }


async def test_a_solved_ticket_is_reopened(desk: RequestTracker) -> None:
    _, _, created = await deliver(desk, said("one"), "status-1")
    await as_agent("PUT", f"/ticket/{created.conversation}", json={"Status": "resolved"})
    await deliver(desk, said("two"), "status-2", created.conversation, status=Status.SOLVED)
    answer = await desk._api.get(f"/ticket/{created.conversation}")
    assert answer["Status"] == "open"


async def test_through_the_mail_gateway_the_customer_is_the_author(desk: RequestTracker) -> None:
    config = desk.config.model_copy(update={"mail_gateway": BASE.removesuffix("/REST/2.0")})
    desk = RequestTracker(config, desk.account)
    media = await desk.account.media.keep(PICTURE, name="图片.png", mime="image/png")
    step, target, made = await deliver(desk, said("你好", Image(media=media)), "mail-1")
    assert made.conversation.isdigit()
    assert await desk.lookup(step, target) == made
    step, target, receipt = await deliver(desk, said("again"), "mail-2", made.conversation)
    assert len(receipt.ids) == 1
    assert await desk.lookup(step, target) == receipt
    answer = await desk._api.get(f"/transaction/{receipt.ids[0]}")
    assert answer["Creator"]["id"] == made.peer


async def test_check(desk: RequestTracker) -> None:
    await deliver(desk, said("rights show on a ticket"), "check-1")
    health = await desk.check()
    assert health.ok
    assert health.facts["version"].startswith("5.0.3")
    assert health.facts["queue"] == "Support"
    assert "hook_secret is empty" in health.facts["callbacks"].en

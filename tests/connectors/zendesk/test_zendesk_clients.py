"""The simulator against a client that nobody here wrote: zenpy, with its own idea of Zendesk."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from zendesk_rig import context, say, send, target

from bridge.contract import Labels
from connectors.zendesk import Zendesk
from connectors.zendesk.simulator import Simulator
from connectors.zendesk.simulator.gate import API_TOKEN, EMAIL

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
async def zenpy(vendor: Simulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ZENPY_FORCE_SCHEME", "http")
    monkeypatch.setenv("ZENPY_FORCE_NETLOC", f"127.0.0.1:{vendor.port}")
    from zenpy import Zenpy

    return Zenpy(subdomain="acme", email=EMAIL, token=API_TOKEN)


async def run(call: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(call)


async def test_users(zenpy: Any, vendor: Simulator) -> None:
    from zenpy.lib.api_objects import User

    made = await run(lambda: zenpy.users.create(User(name="Customer A", external_id="x:1")))
    assert made.id in vendor.state.users
    same = await run(lambda: zenpy.users.create_or_update(User(name="Renamed", external_id="X:1")))
    assert (same.id, same.name, same.external_id) == (made.id, "Renamed", "X:1"), "matched without case, rewritten"
    assert (await run(zenpy.users.me)).role == "admin"
    found = await run(lambda: list(zenpy.users.search(external_id="x:1")))
    assert [user.id for user in found] == [made.id]
    assert await run(lambda: zenpy.users(id=made.id).name) == "Renamed"


async def test_tickets_comments_and_audits(zenpy: Any, vendor: Simulator) -> None:
    from zenpy.lib.api_objects import Comment, Ticket

    audit = await run(lambda: zenpy.tickets.create(Ticket(subject="s", comment=Comment(body="first"), tags=["a"])))
    ticket = audit.ticket
    assert ticket.status == "new"
    assert audit.audit.events[0]["type"] == "Comment"
    assert vendor.state.tickets[ticket.id].requester == vendor.state.bridge.id, "left out: the API's user asks"
    ticket.comment = Comment(html_body="<p>second</p>", public=False)
    ticket.status = "solved"
    await run(lambda: zenpy.tickets.update(ticket))
    comments = await run(lambda: list(zenpy.tickets.comments(ticket=ticket.id)))
    assert [(comment.plain_body, comment.public) for comment in comments] == [("first", True), ("second", False)]
    audits = await run(lambda: list(zenpy.tickets.audits(ticket.id)))
    assert len(audits) == 2
    assert (await run(lambda: zenpy.tickets(id=ticket.id))).status == "solved"
    await run(lambda: zenpy.tickets.add_tags(ticket.id, ["b"]))
    assert vendor.state.tickets[ticket.id].tags == ["a", "b"]
    await run(lambda: zenpy.tickets.delete(zenpy.tickets(id=ticket.id)))
    assert vendor.state.tickets[ticket.id].deleted


async def test_refusals_are_understood(zenpy: Any, vendor: Simulator) -> None:
    from zenpy.lib.api_objects import Comment
    from zenpy.lib.exception import APIException, RecordNotFoundException

    with pytest.raises(RecordNotFoundException):
        await run(lambda: zenpy.tickets(id=999))
    ticket = vendor.open_ticket()
    await vendor.closes(ticket)
    found = await run(lambda: zenpy.tickets(id=int(ticket)))
    found.comment = Comment(body="too late")
    with pytest.raises(APIException) as caught:
        await run(lambda: zenpy.tickets.update(found))
    assert "closed prevents ticket update" in str(caught.value.response.text)


async def test_uploads(zenpy: Any, vendor: Simulator, tmp_path: Path) -> None:
    from zenpy.lib.api_objects import Comment

    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0photo")
    upload = await run(lambda: zenpy.attachments.upload(str(path), target_name="photo.jpg"))
    assert upload.attachment.malware_scan_result == "not_scanned"
    ticket = await run(lambda: zenpy.tickets(id=int(vendor.open_ticket())))
    ticket.comment = Comment(body="with a file", uploads=[upload.token])
    await run(lambda: zenpy.tickets.update(ticket))
    (file,) = vendor.ticket(str(ticket.id))[-1].attachments
    assert (file.name, file.data) == ("photo.jpg", b"\xff\xd8\xff\xe0photo")


async def test_search_and_incremental(zenpy: Any, vendor: Simulator, clock: Any) -> None:
    ticket = vendor.open_ticket(tags=("wanted",))
    vendor.open_ticket(tags=("other",))
    found = await run(lambda: list(zenpy.search(type="ticket", tags=["wanted"])))
    assert [str(one.id) for one in found] == [ticket]
    start = clock() - timedelta(hours=1)
    assert await run(lambda: list(zenpy.tickets.incremental(start_time=start))) == [], "the last minute is left out"
    clock.advance(minutes=2)
    assert len(await run(lambda: list(zenpy.tickets.incremental(start_time=start)))) == 2
    events = await run(lambda: list(zenpy.tickets.events(start_time=start)))
    assert len(events) == 2
    assert datetime.fromtimestamp(events[0].timestamp, UTC) <= clock()


async def test_what_the_connector_writes_is_what_the_client_reads(
    zenpy: Any, vendor: Simulator, zendesk: Zendesk
) -> None:
    (receipt,) = await say(zendesk, "hello", fields={"tags": ["wechat"]})
    ticket = await run(lambda: zenpy.tickets(id=int(receipt.conversation)))
    assert (ticket.subject, sorted(ticket.tags)) == ("Customer A: hello", ["bridge", "wechat"])
    requester = await run(lambda: ticket.requester)
    assert (requester.name, str(requester.id)) == ("Customer A", receipt.peer)
    (comment,) = await run(lambda: list(zenpy.tickets.comments(ticket=ticket.id)))
    assert (str(comment.id), comment.plain_body, comment.metadata.custom) == (
        receipt.ids[0],
        "hello",
        {"bridge": {"d": "key-1"}},
    )


async def test_a_rating_of_ours_is_the_tickets_own(zenpy: Any, vendor: Simulator, zendesk: Zendesk) -> None:
    """Where the credentials may act for the requester; else the tag alone says it."""
    (first,) = await say(zendesk, "hello")
    await vendor.agent_solves(first.conversation)
    for impersonates, score, kept in ((False, 2, None), (True, 2, "bad"), (True, 5, "good")):
        vendor.gate.impersonates = impersonates
        step = zendesk.labels(
            Labels(tags=(f"csat-{score}",), prefix="csat-", rating=score), context(first.conversation)
        )
        assert step is not None
        await send(zendesk, step, target(first.conversation, key=f"key-{score}-{impersonates}"))
        zenpy.purge_cache("ticket")
        ticket = await run(lambda: zenpy.tickets(id=int(first.conversation)))
        rating = ticket.satisfaction_rating
        assert (rating and rating["score"] if isinstance(rating, dict) else rating and rating.score) == kept
        assert f"csat-{score}" in ticket.tags and ticket.status == "solved"

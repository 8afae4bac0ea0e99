"""The simulated Freshdesk, used by a client that nobody here wrote: python-freshdesk 1.3.9."""

import asyncio
import base64
import json
import urllib.error
import urllib.request
from functools import partial

import pytest
from freshdesk.v2.api import API
from freshdesk.v2.errors import (
    FreshdeskAccessDenied,
    FreshdeskBadRequest,
    FreshdeskError,
    FreshdeskNotFound,
    FreshdeskRateLimited,
    FreshdeskServerError,
    FreshdeskUnauthorized,
)

from bridge.testing.faults import Trouble
from connectors.freshdesk.simulator import KEY


def client_of(desk, key=KEY):
    api = API("acme.freshdesk.com", key)
    api._api_prefix = f"{desk.base}/api/v2/"  # it insists on https otherwise
    return api


@pytest.fixture
def api(desk, monkeypatch):
    client = client_of(desk)
    opened = []

    def open_and_note(*args):
        opened.append(open(*args))  # noqa: SIM115 # closed with the fixture
        return opened[-1]

    monkeypatch.setattr("freshdesk.v2.api.open", open_and_note, raising=False)  # it never closes what it uploads
    yield client
    client._session.close()
    for file in opened:
        file.close()


async def run(call, *args, **values):
    """The client blocks; the simulator lives in this loop."""
    return await asyncio.to_thread(partial(call, *args, **values))


async def open_one(api, **more):
    values = {"description": "<div>hello</div>", "unique_external_id": "x1", "name": "Customer A", "source": 7}
    return await run(api.tickets.create_ticket, "Order 17", **{**values, **more})


async def test_a_ticket_lives(api, desk, clock):
    ticket = await open_one(api, tags=["bridge"], custom_fields={"cf_openid": "o"}, priority=3)
    assert (ticket.status, ticket.priority, ticket.source) == ("open", "high", "chat")
    clock.advance(minutes=1)
    ticket = await run(api.tickets.update_ticket, ticket.id, status=4, tags=["other"])
    assert ticket.status == "resolved"
    assert ticket.tags == ["other"]
    seen = await run(api.tickets.get_ticket, ticket.id, "conversations", "requester")
    assert seen.requester["name"] == "Customer A"
    assert seen.updated_at > seen.created_at
    await run(api.tickets.delete_ticket, ticket.id)
    with pytest.raises(FreshdeskError, match="405"):
        await run(api.tickets.update_ticket, ticket.id, status=2)
    assert [one.id for one in await run(api.tickets.list_deleted_tickets)] == [ticket.id]


async def test_notes_and_replies(api, desk):
    ticket = await open_one(api)
    private = await run(api.comments.create_note, ticket.id, "<p>between us</p>")
    public = await run(
        api.comments.create_note, ticket.id, "more", private=False, incoming=True, user_id=ticket.requester_id
    )
    reply = await run(api.comments.create_reply, ticket.id, "<p>hi</p>")
    listed = await run(api.comments.list_comments, ticket.id)
    assert [one.id for one in listed] == [private.id, public.id, reply.id]
    assert [one.private for one in listed] == [True, False, False]
    assert [one.source for one in listed] == ["note", "note", "reply"]
    assert [one.incoming for one in listed] == [False, True, False]
    assert [seen.kind for seen in desk.ticket(str(ticket.id))] == ["description", "private note", "note", "reply"]


async def test_files_come_as_a_form(api, desk, tmp_path):
    path = tmp_path / "发票.pdf"
    path.write_bytes(b"%PDF-1.7")
    ticket = await open_one(api, attachments=(str(path),), custom_fields={"cf_openid": "o"}, tags=["a", "b"])
    row = desk.state.tickets[ticket.id]
    assert [(file.name, file.data) for file in row.files] == [("发票.pdf", b"%PDF-1.7")]
    assert (row.tags, row.custom) == (["a", "b"], {"cf_openid": "o"})


async def test_more_than_twenty_megabytes_are_refused(api, desk, tmp_path):
    path = tmp_path / "big.bin"
    path.write_bytes(b"\0" * (20 * 2**20 + 1))
    with pytest.raises(FreshdeskBadRequest, match="attachments"):
        await open_one(api, attachments=(str(path),))


async def test_contacts(api, desk):
    contact = await run(api.contacts.create_contact, name="Customer A", email="customer.a@acme.example")
    with pytest.raises(FreshdeskError, match=r"409.*duplicate_value"):
        await run(api.contacts.create_contact, name="Customer A", email="Customer.A@acme.example")
    desk.site.duplicate_status = 400
    with pytest.raises(FreshdeskBadRequest, match="duplicate_value"):
        await run(api.contacts.create_contact, name="Customer A", email="customer.a@acme.example")
    await run(api.contacts.update_contact, contact.id, job_title="Buyer")
    assert (await run(api.contacts.get_contact, contact.id)).job_title == "Buyer"
    assert [one.id for one in await run(api.contacts.list_contacts, email="customer.a@acme.example")] == [contact.id]
    await run(api.contacts.soft_delete_contact, contact.id)
    with pytest.raises(FreshdeskError, match="405"):
        await run(api.contacts.update_contact, contact.id, job_title="Seller")
    await run(api.contacts.restore_contact, contact.id)
    await run(api.contacts.permanently_delete_contact, contact.id)
    with pytest.raises(FreshdeskNotFound):
        await run(api.contacts.get_contact, contact.id)


async def test_people_and_settings(api, desk):
    me = await run(api.agents.currently_authenticated_agent)
    assert me.id == desk.bridge.id
    assert [group.name for group in await run(api.groups.list_groups)] == ["Support", "WeChat"]


async def test_lists_hide_what_is_older_than_30_days(api, desk, clock):
    ticket = await open_one(api)
    clock.advance(days=31)
    assert await run(api.tickets.list_tickets, filter_name=None) == []
    since = "2026-01-01T00:00:00Z"
    assert [one.id for one in await run(api.tickets.list_tickets, filter_name=None, updated_since=since)] == [ticket.id]


async def test_the_search_index_lags(api, desk, clock):
    ticket = await open_one(api, tags=["bridge"])
    assert await run(api.tickets.filter_tickets, "tag:bridge AND status:2") == []
    clock.advance(minutes=5)
    assert [one.id for one in await run(api.tickets.filter_tickets, "tag:'bridge' AND status:2")] == [ticket.id]


async def test_refusals_have_their_classes(api, desk):
    with pytest.raises(FreshdeskUnauthorized):
        await run(client_of(desk, "wrong").agents.currently_authenticated_agent)
    with pytest.raises(FreshdeskNotFound):
        await run(api.tickets.get_ticket, 999)
    desk.faults.add(Trouble.STATUS, status=503)
    with pytest.raises(FreshdeskServerError):
        await run(api.tickets.get_ticket, 1)
    desk.bridge.rights = False
    with pytest.raises(FreshdeskAccessDenied):
        await run(api.tickets.get_ticket, 1)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("foo", "x", "invalid_field"),
        ("status", "2", "datatype_mismatch"),
        ("unique_external_id", 5, "datatype_mismatch"),
        ("priority", True, "datatype_mismatch"),
        ("status", 9, "invalid_value"),
        ("tags", "bridge", "datatype_mismatch"),
        ("tags", ["x" * 33], "invalid_value"),
        ("custom_fields", {"cf_unknown": "x"}, "invalid_field"),
        ("group_id", 5, "invalid_value"),
        ("unique_external_id", "", "missing_field"),
        ("description", "", "missing_field"),
    ],
)
async def test_what_is_wrong_is_refused(api, desk, field, value, code):
    with pytest.raises(FreshdeskBadRequest, match=code):
        await open_one(api, **{field: value})
    assert desk.state.tickets == {}


async def test_required_fields_are_demanded(api, desk):
    desk.site.required = ["cf_openid"]
    with pytest.raises(FreshdeskBadRequest, match="missing_field"):
        await open_one(api)


async def test_a_minute_has_so_many_calls(api, desk, clock):
    desk.site.plan = "growth"
    for _ in range(20):
        await run(api.tickets.list_tickets, filter_name=None)
    with pytest.raises(FreshdeskRateLimited, match="60 seconds"):
        await run(api.tickets.list_tickets, filter_name=None)
    await run(api.agents.currently_authenticated_agent)
    clock.advance(minutes=1)
    await run(api.tickets.list_tickets, filter_name=None)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tickets?per_page=101", 400),
        ("tickets?page=301", 400),
        ("tickets?colour=red", 400),
        ("tickets?order_by=colour", 400),
        ("tickets?updated_since=yesterday", 400),
        ("tickets?unique_external_id=nobody", 400),
        ("tickets/1", 404),
        ("search/tickets?query=tag:x", 400),
        ("nowhere", 404),
        ("automations/4/rules", 200),
        ("ticket_fields", 200),
    ],
)
async def test_queries(desk, path, status):
    assert (await ask(desk, path))[0] == status


async def test_headers_tell_the_limit_and_the_next_page(desk):
    desk.site.plan = "growth"
    for _ in range(3):
        desk.open_ticket()
    status, headers, body = await ask(desk, "tickets?per_page=2")
    assert (status, len(body)) == (200, 2)
    assert headers["link"] == f'<{desk.base}/api/v2/tickets?per_page=2&page=2>; rel="next"'
    assert headers["x-ratelimit-total"] == "200.0"
    assert headers["x-ratelimit-remaining"] == "199"
    assert "link" not in (await ask(desk, "tickets?per_page=2&page=2"))[1]


async def test_a_switch_makes_unknown_filters_empty(desk):
    desk.site.unknown_filter_is_empty = True
    assert (await ask(desk, "tickets?unique_external_id=nobody"))[2] == []


@pytest.mark.parametrize(
    ("headers", "status"), [({"accept": "text/html"}, 406), ({"content-type": "application/xml"}, 415)]
)
async def test_only_json_is_spoken(desk, headers, status):
    ticket = desk.open_ticket()
    assert (await ask(desk, f"tickets/{ticket}/notes", b"<a/>", **headers))[0] == status


async def test_hidden_markup_does_not_survive(desk):
    ticket = desk.open_ticket()
    await desk.agent_notes(ticket, '<p data-x="1">a</p><!-- b --><script>c</script>')
    assert desk.state.tickets[int(ticket)].conversations[0].body == "<p>a</p>"


async def test_an_attachments_address_expires_and_refuses_credentials(desk, clock):
    ticket = desk.open_ticket()
    await desk.agent_replies(ticket, "see", [("a.png", "image/png", b"\x89PNG")])
    _, _, body = await ask(desk, f"tickets/{ticket}/conversations")
    address = body[0]["attachments"][0]["attachment_url"]
    assert (await fetch(address))[2] == b"\x89PNG"
    assert (await fetch(address, authorization="Basic eDpY"))[0] == 400
    clock.advance(minutes=6)
    assert (await fetch(address))[0] == 403


@pytest.mark.parametrize("switch", ["lose", "twice"])
async def test_callbacks_get_lost_and_doubled(desk, switch):
    desk.hook_url = "http://127.0.0.1:9/hooks/desk2"
    setattr(desk.site.rules, switch, 1)
    await desk.agent_replies(desk.open_ticket(), "hi")
    assert len(desk.site.rules.answers) == (0 if switch == "lose" else 2)


async def test_placeholders_are_not_escaped(desk):
    desk.hook_url = "http://127.0.0.1:9/hooks/desk2"
    (action,) = next(iter(desk.site.rules.rules.values()))["actions"]
    action["body"] = '{"ticket_id":"{{ticket.id}}","text":"{{ticket.latest_public_comment}}"}'
    ticket = desk.open_ticket()
    await desk.agent_replies(ticket, 'he said "no"')
    (call,) = desk.site.rules.pending
    assert call.body.decode() == f'{{"ticket_id":"{ticket}","text":"Somebody : he said "no""}}'


async def test_a_customer_who_writes_is_no_agent_for_the_rules(desk, api):
    desk.hook_url = "http://127.0.0.1:9/hooks/desk2"
    ticket = await open_one(api, tags=["bridge"])
    note = {"private": False, "incoming": True, "user_id": ticket.requester_id}
    await run(api.comments.create_note, ticket.id, "more", **note)
    await desk.settle()
    assert desk.site.rules.answers == []
    desk.site.notes_count_as_agents = True
    await run(api.comments.create_note, ticket.id, "more", **note)
    await desk.settle()
    assert desk.site.rules.answers == [0]


async def test_replies_to_nobodys_mailbox_may_be_refused(desk, api):
    desk.site.reply_needs_email = True
    ticket = await open_one(api)
    with pytest.raises(FreshdeskBadRequest):
        await run(api.comments.create_reply, ticket.id, "hi")


async def ask(desk, path, body=None, **headers):
    """Status, headers and JSON of a call with the bridge's key."""
    pair = base64.b64encode(f"{KEY}:X".encode()).decode()
    status, found, data = await fetch(
        f"{desk.base}/api/v2/{path}", body, **{"authorization": f"Basic {pair}", **headers}
    )
    return status, found, json.loads(data) if found.get("content-type") == "application/json" else data


async def fetch(url, body=None, **headers):
    def call():
        request = urllib.request.Request(url, body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()

    return await asyncio.to_thread(call)

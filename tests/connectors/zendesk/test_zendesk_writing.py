"""Tickets, comments and notes; what is looked up after a lost answer."""

import re
from typing import Any

import pytest
from zendesk_rig import CUSTOMER, OPENID, context, customer, kept, make_zendesk, note, say, send, target

from bridge.contract import (
    Audience,
    AuthFailed,
    Contact,
    File,
    Gone,
    Image,
    Labels,
    Rejected,
    Retryable,
    Scope,
    Status,
    Step,
    Target,
    Text,
    Throttled,
)
from bridge.testing.clock import VirtualClock
from bridge.testing.faults import Trouble
from connectors.zendesk import Zendesk
from connectors.zendesk.people import external_id
from connectors.zendesk.simulator import Simulator

WRITES = r"PUT /api/v2/tickets/\d+$"


async def test_a_new_ticket_is_the_customers(zendesk: Zendesk, vendor: Simulator) -> None:
    (receipt,) = await say(zendesk, "hello")
    ticket = vendor.state.tickets[int(receipt.conversation)]
    user = vendor.state.users[ticket.requester]
    assert (user.name, user.role, str(user.id)) == ("Customer A", "end-user", receipt.peer)
    assert (ticket.submitter, ticket.comments[0].author) == (user.id, user.id)
    assert ticket.comments[0].public is True
    assert ticket.tags == ["bridge"]
    assert ticket.subject == "Customer A: hello"
    assert ticket.external_id == "bridge:support:7:key-1"
    assert receipt.ids == (str(ticket.comments[0].id),)
    assert receipt.url == f"https://acme.zendesk.com/agent/tickets/{ticket.id}"


async def test_ids_above_2_to_the_53_stay_exact(zendesk: Zendesk, vendor: Simulator) -> None:
    (receipt,) = await say(zendesk, "hello")
    assert int(receipt.ids[0]) > 2**53
    assert int(receipt.ids[0]) == vendor.ticket(receipt.conversation)[0].id


async def test_the_route_decides_group_brand_tags_priority_and_fields(zendesk: Zendesk, vendor: Simulator) -> None:
    fields = {
        "group": "wechat",
        "brand": 13,
        "tags": ["VIP Customer", "wechat"],
        "priority": "high",
        "custom_fields": {"Channel": "mini program", "901": "x"},
    }
    (receipt,) = await say(zendesk, "hello", fields=fields)
    ticket = vendor.state.tickets[int(receipt.conversation)]
    assert (ticket.group, ticket.brand, ticket.priority) == (15, 13, "high")
    assert ticket.tags == ["bridge", "vip_customer", "wechat"]
    assert ticket.custom_fields == {900: "mini program"}


async def test_names_that_zendesk_does_not_know_cost_no_message(zendesk: Zendesk, vendor: Simulator) -> None:
    (receipt,) = await say(zendesk, "hello", fields={"group": "Nobody", "brand": 999})
    assert vendor.state.tickets[int(receipt.conversation)].group is None
    facts = (await zendesk.check()).facts
    assert "no group is called 'Nobody'" in facts["routes"]
    assert "brand" in facts["routes"]


# Trap 12: a comment with an author does not reopen


@pytest.mark.parametrize("status", ["pending", "hold", "solved"])
async def test_trap_12_a_customers_message_reopens(zendesk: Zendesk, vendor: Simulator, status: str) -> None:
    (first,) = await say(zendesk, "hello")
    await vendor.agent_solves(first.conversation, status)
    await say(zendesk, "again", ticket=first.conversation, key="key-2", status=Status.SOLVED)
    assert vendor.state.tickets[int(first.conversation)].status == "open"
    assert vendor.texts(first.conversation) == ["hello", "again"]


async def test_trap_12_even_when_nobody_told_of_the_solving(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    await vendor.agent_solves(first.conversation)
    await say(zendesk, "again", ticket=first.conversation, key="key-2", status=Status.OPEN)
    assert vendor.state.tickets[int(first.conversation)].status == "open"


async def looked(zendesk: Zendesk, ticket: str) -> tuple[Step, Target]:
    """A customer's next message, whose ticket was seen open."""
    (step,) = zendesk.render([customer("again", id="m2")], context(ticket))
    where = target(ticket, key="key-2")
    return step, where.model_copy(update={"prepared": await zendesk.prepare(step, where)})


@pytest.mark.parametrize("status", ["pending", "hold", "solved"])
async def test_trap_12_put_to_sleep_between_looking_and_writing(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock, status: str
) -> None:
    (first,) = await say(zendesk, "hello")
    step, where = await looked(zendesk, first.conversation)
    clock.advance(1)
    await vendor.agent_solves(first.conversation, status)
    receipt = await zendesk.deliver(step, where)
    assert receipt.conversation == first.conversation
    assert vendor.texts(first.conversation) == ["hello", "again"]
    assert vendor.state.tickets[int(first.conversation)].status == "open"


@pytest.mark.parametrize("solved_after", [False, True])
async def test_trap_12_solved_before_a_write_whose_answer_was_lost(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock, solved_after: bool
) -> None:
    """Who solves a ticket after the words were there has seen them."""
    (first,) = await say(zendesk, "hello")
    step, where = await looked(zendesk, first.conversation)
    clock.advance(1)
    if not solved_after:
        await vendor.agent_solves(first.conversation)
    vendor.faults.add(Trouble.RESET_AFTER, "PUT /api/v2/tickets/")
    with pytest.raises(Retryable) as caught:
        await zendesk.deliver(step, where)
    assert not caught.value.certain
    clock.advance(1)
    if solved_after:
        await vendor.agent_solves(first.conversation)
    assert await zendesk.lookup(step, where.model_copy(update={"attempt": 2})) is not None
    assert vendor.texts(first.conversation) == ["hello", "again"]
    assert vendor.state.tickets[int(first.conversation)].status == ("solved" if solved_after else "open")


async def test_an_author_alone_leaves_a_ticket_solved_at_the_vendor(zendesk: Zendesk, vendor: Simulator) -> None:
    """What makes the rule above necessary."""
    ticket = vendor.open_ticket()
    await vendor.agent_solves(ticket)
    found = vendor.state.tickets[int(ticket)]
    vendor.tickets.update(found, {"comment": {"body": "x", "author_id": found.requester}}, vendor.state.bridge)
    assert found.status == "solved"


async def test_a_note_does_not_reopen(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    await vendor.agent_solves(first.conversation)
    await say(zendesk, note("not delivered"), ticket=first.conversation, key="key-2", status=Status.SOLVED)
    seen = vendor.ticket(first.conversation)
    assert (seen[-1].public, seen[-1].author) == (False, vendor.state.bridge.id)
    assert vendor.state.tickets[int(first.conversation)].status == "solved"


# Trap 15: comments public by surprise


async def test_trap_15_public_is_always_said(zendesk: Zendesk, vendor: Simulator) -> None:
    """On a ticket that began with a private comment everything that follows is private unless it says otherwise."""
    ticket = vendor.open_ticket()
    found = vendor.state.tickets[int(ticket)]
    found.comments[0].public = False
    await say(zendesk, "from the customer", note("for agents"), ticket=ticket)
    assert [comment.public for comment in found.comments] == [False, True, False]


# Trap 8: closed tickets; trap 18: merged ones


async def test_trap_8_a_closed_ticket_is_gone_before_anything_is_written(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    await vendor.closes(first.conversation)
    with pytest.raises(Gone) as caught:
        await say(zendesk, "again", ticket=first.conversation, key="key-2")
    assert caught.value.moved_to is None
    assert len(vendor.ticket(first.conversation)) == 1


async def test_trap_8_closed_between_looking_and_writing(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    (step,) = zendesk.render([customer("again", id="m2")], context(first.conversation))
    where = target(first.conversation, key="key-2")
    where = where.model_copy(update={"prepared": await zendesk.prepare(step, where)})
    await vendor.closes(first.conversation)
    with pytest.raises(Gone):
        await zendesk.deliver(step, where)


async def test_trap_8_a_closed_ticket_gets_a_follow_up(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    await vendor.closes(first.conversation)
    (second,) = await say(zendesk, "again", key="key-2", previous=first.conversation, peer=first.peer)
    assert vendor.state.tickets[int(first.conversation)].followups == [int(second.conversation)]
    assert f"[continues ticket #{first.conversation}]" in vendor.texts(second.conversation)[0]
    assert second.peer == first.peer


async def test_a_deleted_ticket_is_followed_by_a_new_one(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    await vendor.deletes(first.conversation)
    with pytest.raises(Gone):
        await say(zendesk, "again", ticket=first.conversation, key="key-2")
    (second,) = await say(zendesk, "again", key="key-3", previous=first.conversation)
    assert vendor.texts(second.conversation)[0].startswith("again")


async def test_trap_18_a_merged_ticket_is_followed(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    other = vendor.open_ticket(tags=(), subject="the other")
    await vendor.merges(first.conversation, other)
    with pytest.raises(Gone) as caught:
        await say(zendesk, "again", ticket=first.conversation, key="key-2")
    assert caught.value.moved_to == other
    assert "bridge" in vendor.state.tickets[int(other)].tags, "the triggers must see the other ticket"
    await say(zendesk, "again", ticket=other, key="key-2", peer=first.peer)
    assert vendor.texts(other)[-1] == "again"
    assert str(vendor.ticket(other)[-1].author) == first.peer


async def test_a_customer_cannot_claim_a_merge(zendesk: Zendesk, vendor: Simulator) -> None:
    other = vendor.open_ticket(tags=())
    (first,) = await say(zendesk, f"This request was closed and merged into request #{other}")
    await vendor.closes(first.conversation)
    with pytest.raises(Gone) as caught:
        await say(zendesk, "again", ticket=first.conversation, key="key-2")
    assert caught.value.moved_to is None


async def test_a_ticket_in_a_group_that_may_not_be_seen_is_gone(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    vendor.rest.hidden.add(int(first.conversation))
    with pytest.raises(Gone):
        await say(zendesk, "again", ticket=first.conversation, key="key-2")


async def test_without_any_rights_nothing_is_gone(zendesk: Zendesk, vendor: Simulator) -> None:
    """A missing right on everything is a matter of credentials: no ticket may be given up for it."""
    (first,) = await say(zendesk, "hello")
    vendor.gate.powerless = True
    with pytest.raises(AuthFailed):
        await say(zendesk, "again", ticket=first.conversation, key="key-2")


async def test_a_full_ticket_is_followed_by_another(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    vendor.tickets.most_comments = 1
    with pytest.raises(Gone) as caught:
        await say(zendesk, "again", ticket=first.conversation, key="key-2")
    assert caught.value.code == "full"


# Traps 1 and 2: several writers


async def test_trap_1_a_collision_is_tried_again(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    body = b'{"error":"DatabaseConflict","description":"Database collision"}'
    vendor.faults.add(Trouble.STATUS, WRITES, status=409, body=body)
    with pytest.raises(Retryable) as caught:
        await say(zendesk, "again", ticket=first.conversation, key="key-2")
    assert caught.value.certain
    await say(zendesk, "again", ticket=first.conversation, key="key-2")
    assert vendor.texts(first.conversation) == ["hello", "again"]


async def test_trap_1_a_repeat_is_guarded_against_changes_meanwhile(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock
) -> None:
    (first,) = await say(zendesk, "hello")
    (step,) = zendesk.render([customer("again", id="m2")], context(first.conversation))
    where = target(first.conversation, key="key-2", attempt=2)
    where = where.model_copy(update={"prepared": await zendesk.prepare(step, where)})
    clock.advance(seconds=1)
    await vendor.agent_says(first.conversation, "<p>meanwhile</p>")
    with pytest.raises(Retryable) as caught:
        await zendesk.deliver(step, where)
    assert (caught.value.code, caught.value.certain) == ("UpdateConflict", True)
    assert vendor.texts(first.conversation) == ["hello", "meanwhile"]


async def test_trap_2_tags_of_others_survive(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello", fields={"tags": ["wechat"]})
    vendor.state.tickets[int(first.conversation)].tags.append("by_an_agent")
    await say(zendesk, "again", ticket=first.conversation, key="key-2", fields={"tags": ["wechat"]})
    assert "by_an_agent" in vendor.state.tickets[int(first.conversation)].tags


# The reply allowance on the ticket


async def show(zendesk: Zendesk, ticket: str, labels: Labels, key: str) -> None:
    step = zendesk.labels(labels, context(ticket))
    assert step is not None and step.audience is Audience.AGENTS
    await send(zendesk, step, target(ticket, key=key))


async def test_trap_2_labels_change_single_tags(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    """Only tags with the prefix come and go, and fields; no comment, no reopening, no renewed call of a trigger."""
    fields = {"custom_fields": {"Channel": "mini program"}, "tags": ["wechat"]}
    (first,) = await say(zendesk, "hello", fields=fields)
    await vendor.agent_solves(first.conversation)
    ticket = vendor.state.tickets[int(first.conversation)]
    vendor.state.fields[901] = {"id": 901, "type": "integer", "title": "Replies left"}
    clock.advance(minutes=2)
    await show(zendesk, first.conversation, Labels(tags=("replies-left-5",), fields={"Replies left": "5"}), "key-2")
    ticket.tags.append("by_an_agent")
    labels = Labels(tags=("replies-left-4", "replies-until-2026-01-07-0900"), fields={"replies left": ""})
    await show(zendesk, first.conversation, labels, "key-3")
    assert set(ticket.tags) == {
        "bridge", "wechat", "by_an_agent", "replies-left-4", "replies-until-2026-01-07-0900",
    }  # fmt: skip
    assert ticket.custom_fields == {900: "mini program", 901: None}
    assert (ticket.status, len(ticket.comments)) == ("solved", 1)


async def test_labels_that_are_there_cost_no_update(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    await show(zendesk, first.conversation, Labels(tags=("replies-left-5",)), "key-2")
    before = vendor.state.tickets[int(first.conversation)].updated
    vendor.faults.add(Trouble.STATUS, "(PUT|DELETE|POST) ", status=500, times=9)
    await show(zendesk, first.conversation, Labels(tags=("replies-left-5",)), "key-3")
    assert vendor.state.tickets[int(first.conversation)].updated == before


async def test_labels_on_a_closed_ticket_are_gone(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    await vendor.closes(first.conversation)
    with pytest.raises(Gone):
        await show(zendesk, first.conversation, Labels(tags=("replies-left-5",)), "key-2")


# Trap 3: duplicates after a lost answer


async def test_trap_3_a_repeated_creation_has_the_same_body_and_key(zendesk: Zendesk, vendor: Simulator) -> None:
    vendor.faults.add(Trouble.RESET_AFTER, "POST /api/v2/tickets")
    with pytest.raises(Retryable) as caught:
        await say(zendesk, "hello")
    assert not caught.value.certain
    (receipt,) = await say(zendesk, "hello")
    assert len(vendor.state.tickets) == 1, "the vendor knew the key"
    assert receipt.ids == (str(vendor.ticket(receipt.conversation)[0].id),)


async def test_trap_3_after_the_key_is_forgotten_the_ticket_is_looked_up(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock
) -> None:
    vendor.faults.add(Trouble.STATUS_AFTER, "POST /api/v2/tickets", status=500)
    began = clock()
    with pytest.raises(Retryable):
        await say(zendesk, "hello")
    clock.advance(hours=5)
    (step,) = zendesk.render([customer("hello", id="m0")], context())
    found = await zendesk.lookup(step, target(tried_at=began))
    assert found is not None
    assert found.conversation == str(next(iter(vendor.state.tickets)))
    assert found.ids == (str(vendor.ticket(found.conversation)[0].id),)


async def test_trap_3_a_key_used_with_another_body_is_looked_up(zendesk: Zendesk, vendor: Simulator) -> None:
    """Between two attempts the group got its name: the body differs, the ticket is there already."""
    vendor.faults.add(Trouble.RESET_AFTER, "POST /api/v2/tickets")
    with pytest.raises(Retryable):
        await say(zendesk, "hello", fields={"group": 14})
    (receipt,) = await say(zendesk, "hello", fields={"group": 15})
    assert len(vendor.state.tickets) == 1
    assert receipt.conversation == str(next(iter(vendor.state.tickets)))


async def test_trap_3_a_key_that_was_used_for_a_ticket_now_deleted(zendesk: Zendesk, vendor: Simulator) -> None:
    vendor.faults.add(Trouble.RESET_AFTER, "POST /api/v2/tickets")
    with pytest.raises(Retryable):
        await say(zendesk, "hello", fields={"group": 14})
    await vendor.deletes(str(next(iter(vendor.state.tickets))))
    (receipt,) = await say(zendesk, "hello", fields={"group": 15})
    assert vendor.texts(receipt.conversation) == ["hello"]


async def test_external_ids_are_not_unique_the_key_is(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    fields = {"comment": {"body": "copy"}, "external_id": "bridge:support:7:key-1"}
    vendor.tickets.create(fields, vendor.state.agent)
    (step,) = zendesk.render([customer("hello", id="m0")], context())
    found = await zendesk.lookup(step, target())
    assert found is not None and found.conversation == first.conversation
    assert await zendesk.lookup(step, target(key="key-9")) is None


@pytest.mark.parametrize("trouble", [Trouble.STATUS_AFTER, Trouble.RESET_AFTER, Trouble.GARBAGE, Trouble.TRUNCATED])
async def test_trap_3_a_comment_that_took_effect_is_found(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock, trouble: Trouble
) -> None:
    (first,) = await say(zendesk, "hello")
    clock.advance(minutes=1)
    began = clock()
    vendor.faults.add(trouble, WRITES)
    with pytest.raises(Retryable) as caught:
        await say(zendesk, "again", ticket=first.conversation, key="key-2")
    assert not caught.value.certain
    clock.advance(minutes=1)
    (step,) = zendesk.render([customer("again", id="m2")], context(first.conversation))
    found = await zendesk.lookup(step, target(first.conversation, key="key-2", tried_at=began))
    assert found is not None
    assert found.ids == (str(vendor.ticket(first.conversation)[-1].id),)


@pytest.mark.parametrize("status", [403, 404])
async def test_where_audits_are_withheld_comments_show_the_key(
    zendesk: Zendesk, vendor: Simulator, status: int
) -> None:
    (first,) = await say(zendesk, "hello")
    (receipt,) = await say(zendesk, "again", ticket=first.conversation, key="key-2")
    vendor.faults.add(Trouble.STATUS, "GET .*/audits", status=status, times=9)
    (step,) = zendesk.render([customer("again", id="m2")], context(first.conversation))
    found = await zendesk.lookup(step, target(first.conversation, key="key-2"))
    assert found is not None and found.ids == receipt.ids
    assert await zendesk.lookup(step, target(first.conversation, key="key-9")) is None


async def test_a_look_up_reads_beyond_one_page(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    (first,) = await say(zendesk, "hello")
    began = clock()
    (receipt,) = await say(zendesk, "again", ticket=first.conversation, key="key-2")
    vendor.gate.per_ticket = 1000
    for number in range(130):
        await vendor.agent_says(first.conversation, f"<p>{number}</p>")
    (step,) = zendesk.render([customer("again", id="m2")], context(first.conversation))
    found = await zendesk.lookup(step, target(first.conversation, key="key-2", tried_at=began))
    assert found is not None and found.ids == receipt.ids


async def test_a_look_up_on_a_merged_ticket_still_finds(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    (receipt,) = await say(zendesk, "again", ticket=first.conversation, key="key-2")
    await vendor.merges(first.conversation, vendor.open_ticket(tags=()))
    (step,) = zendesk.render([customer("again", id="m2")], context(first.conversation))
    found = await zendesk.lookup(step, target(first.conversation, key="key-2"))
    assert found is not None and found.ids == receipt.ids


async def test_a_look_up_on_a_deleted_ticket_says_that_it_is_gone(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    await vendor.deletes(first.conversation)
    (step,) = zendesk.render([customer("again", id="m2")], context(first.conversation))
    with pytest.raises(Gone):
        await zendesk.lookup(step, target(first.conversation, key="key-2"))


# Traps 6, 7, 17: people


async def test_trap_6_openids_that_differ_in_case_only_are_two_people(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    other = Contact(id=OPENID.swapcase(), name="Customer B")
    (second,) = await say(zendesk, "hello", key="key-2", contact=other)
    assert first.peer != second.peer
    assert external_id("support", OPENID) == external_id("support", OPENID).lower()


async def test_trap_6_an_upsert_that_collides_is_read_back(zendesk: Zendesk, vendor: Simulator) -> None:
    known = vendor.state.add_user("Customer A", external_id=external_id("support", OPENID))
    vendor.faults.add(
        Trouble.STATUS, "POST /api/v2/users/create_or_update", status=422, body=b'{"error":"RecordInvalid"}'
    )
    (receipt,) = await say(zendesk, "hello")
    assert receipt.peer == str(known.id)


async def test_trap_7_an_address_that_a_customer_claims_joins_nobody(zendesk: Zendesk, vendor: Simulator) -> None:
    contact = Contact(id="visitor-1", name="Customer C", email="agent@acme.example")
    (receipt,) = await say(zendesk, "hello", contact=contact)
    user = vendor.state.users[int(receipt.peer)]
    assert (user.id != vendor.state.agent.id, user.email, user.role) == (True, None, "end-user")
    assert "agent@acme.example" in (user.details or "")


async def test_trap_17_no_address_is_invented(zendesk: Zendesk, vendor: Simulator) -> None:
    (receipt,) = await say(zendesk, "hello", contact=Contact(id=OPENID))
    user = vendor.state.users[int(receipt.peer)]
    assert user.email is None
    assert re.fullmatch(r"Customer [0-9a-f]{6}", user.name)


async def test_an_agents_correction_of_a_name_stays(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    vendor.state.users[int(first.peer)].name = "Corrected"
    await say(zendesk, "again", ticket=first.conversation, key="key-2", peer=first.peer)
    await say(zendesk, "new ticket", key="key-3")
    assert vendor.state.users[int(first.peer)].name == "Corrected"


async def test_a_name_that_changed_at_the_channel_is_sent(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    renamed = Contact(id=OPENID, name="Customer AA", locale="zh_CN")
    await say(zendesk, "again", ticket=first.conversation, key="key-2", peer=first.peer, contact=renamed)
    user = vendor.state.users[int(first.peer)]
    assert (user.name, user.details) == ("Customer AA", "language: zh_CN")


async def test_a_profile_that_is_refused_costs_no_message(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    vendor.faults.add(Trouble.STATUS, r"PUT /api/v2/users/\d+", status=422, body=b'{"error":"RecordInvalid"}')
    renamed = Contact(id=OPENID, name="Customer AA")
    await say(zendesk, "again", ticket=first.conversation, key="key-2", peer=first.peer, contact=renamed)
    assert vendor.texts(first.conversation)[-1] == "again"


async def test_merged_users_are_followed(zendesk: Zendesk, vendor: Simulator) -> None:
    """The external id does not survive a merge of users: the winner gets it."""
    (first,) = await say(zendesk, "hello")
    winner = vendor.state.add_user("Winner", email="winner@acme.example")
    vendor.merges_users(int(first.peer), winner.id)
    (second,) = await say(zendesk, "again", ticket=first.conversation, key="key-2", peer=first.peer)
    assert second.peer == str(winner.id)
    assert vendor.ticket(first.conversation)[-1].author == winner.id
    assert winner.external_id == external_id("support", OPENID)
    (third,) = await say(zendesk, "new ticket", key="key-3", peer=first.peer)
    assert third.peer == str(winner.id)


async def test_a_deleted_user_is_made_again(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    (first,) = await say(zendesk, "hello")
    vendor.state.users[int(first.peer)].active = False
    clock.advance(hours=1)
    (second,) = await say(zendesk, "again", key="key-2", peer=first.peer)
    assert second.peer != first.peer
    assert vendor.state.users[int(second.peer)].name == "Customer A"


async def test_a_user_that_vanished_a_moment_ago_is_looked_up_anew(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    (step,) = zendesk.render([customer("again", id="m2")], context())
    where = target(key="key-2", peer=first.peer)
    prepared = await zendesk.prepare(step, where)
    vendor.state.users[int(first.peer)].active = False
    with pytest.raises(Retryable) as caught:
        await zendesk.deliver(step, where.model_copy(update={"prepared": prepared}))
    assert caught.value.certain
    second = await send(zendesk, step, where)
    assert second.peer != first.peer


# Files


async def test_files_of_a_new_ticket_follow_in_a_comment(zendesk: Zendesk, vendor: Simulator) -> None:
    photo = await kept(zendesk, b"\x89PNG\r\n\x1a\n" + b"x" * 100)
    first, second = await say(zendesk, customer("look", Image(media=photo)))
    assert first.conversation == second.conversation
    opened, files = vendor.ticket(first.conversation)
    assert (opened.attachments, [file.name for file in files.attachments]) == ([], ["photo.png"])
    assert files.attachments[0].data == await zendesk.account.media.read(photo)
    assert (files.author, files.public) == (int(first.peer), True)


async def test_several_files_in_one_comment(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    parts = [File(media=await kept(zendesk, bytes([n]) * 10, f"{n}.pdf", "application/pdf")) for n in range(3)]
    await say(zendesk, customer("three", *parts), ticket=first.conversation, key="key-2")
    assert [file.name for file in vendor.ticket(first.conversation)[-1].attachments] == ["0.pdf", "1.pdf", "2.pdf"]


@pytest.mark.parametrize("how", ["too large", "not wanted"])
async def test_a_file_that_the_account_refuses_becomes_a_link(zendesk: Zendesk, vendor: Simulator, how: str) -> None:
    (first,) = await say(zendesk, "hello")
    vendor.files.largest, vendor.files.refused = (5, set()) if how == "too large" else (1000, {"pdf"})
    media = await kept(zendesk, b"%PDF-1.7 x", "invoice.pdf", "application/pdf")
    await say(zendesk, customer(File(media=media)), ticket=first.conversation, key="key-2")
    text = vendor.texts(first.conversation)[-1]
    assert "invoice.pdf, not accepted by the helpdesk" in text
    assert media.url in text


async def test_upload_tokens_that_ended_are_replaced(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    """Tokens live for 60 minutes; each attempt brings its own."""
    (first,) = await say(zendesk, "hello")
    media = await kept(zendesk, b"%PDF-1.7 x", "invoice.pdf", "application/pdf")
    (step,) = zendesk.render([customer(File(media=media), id="m2")], context(first.conversation))
    vendor.faults.add(Trouble.STATUS, WRITES, status=503, headers={"retry-after": "5"})
    with pytest.raises(Throttled):
        await send(zendesk, step, target(first.conversation, key="key-2"))
    clock.advance(minutes=90)
    await send(zendesk, step, target(first.conversation, key="key-2", attempt=2))
    assert [file.name for file in vendor.ticket(first.conversation)[-1].attachments] == ["invoice.pdf"]


# Limits


async def test_the_limit_of_one_ticket_holds_only_its_lane(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    vendor.gate.per_ticket = 1
    await say(zendesk, "one", ticket=first.conversation, key="key-2")
    with pytest.raises(Throttled) as caught:
        await say(zendesk, "two", ticket=first.conversation, key="key-3")
    assert (caught.value.scope, caught.value.retry_after) == (Scope.CONVERSATION, 468)


async def test_the_limit_of_the_account_holds_everything(zendesk: Zendesk, vendor: Simulator) -> None:
    vendor.gate.per_minute = 1
    with pytest.raises(Throttled) as caught:
        await say(zendesk, "hello")
    assert (caught.value.scope, caught.value.retry_after) == (Scope.ACCOUNT, 60)


async def test_a_limit_without_a_time_waits_ten_seconds(zendesk: Zendesk, vendor: Simulator) -> None:
    vendor.faults.add(Trouble.STATUS, "POST /api/v2/tickets", status=429)
    with pytest.raises(Throttled) as caught:
        await say(zendesk, "hello")
    assert caught.value.retry_after == 10


async def test_a_burst_is_one_comment_in_order(zendesk: Zendesk, vendor: Simulator) -> None:
    (receipt,) = await say(zendesk, "one", "two", "three")
    assert vendor.texts(receipt.conversation) == ["one\n\ntwo\n\nthree"]


async def test_a_note_without_a_ticket_makes_none(zendesk: Zendesk, vendor: Simulator) -> None:
    with pytest.raises(Rejected):
        await say(zendesk, note("for agents"))
    assert vendor.state.tickets == {}


async def test_two_pages_of_html_are_two_comments(zendesk: Zendesk, vendor: Simulator) -> None:
    text = "".join(f"{number:06d} " for number in range(12_000))
    receipts = await say(zendesk, text)
    assert len(receipts) == 2
    seen = " ".join(vendor.texts(receipts[0].conversation))
    assert re.findall(r"\d{6}", seen) == re.findall(r"\d{6}", text)


# What customers type


TYPED: tuple[str, ...] = (
    "{{ticket.id}} and {{ ticket.requester.email }} {% if x %}",
    "<script>alert(1)</script> <b>bold?</b> &amp; &lt;",
    "  two spaces before,  two  inside, and\n\n\nthree breaks",
    "**no** _markdown_ # at all\n- x\n> y",
    "你好 👍🏽 \"quoted\" 'too' \\n %s",
)


@pytest.mark.parametrize("text", TYPED)
async def test_trap_4_text_arrives_as_it_was_typed(zendesk: Zendesk, vendor: Simulator, text: str) -> None:
    from html import unescape

    (receipt,) = await say(zendesk, text)
    html = vendor.ticket(receipt.conversation)[0].html
    inner = re.sub(r"</?(div|p)\b[^>]*>", "", html)
    assert unescape(inner.replace("<br>", "\n")).replace("\u00a0", " ") == text
    assert "<script" not in html


async def test_the_api_drops_nothing_of_what_is_sent(zendesk: Zendesk, vendor: Simulator) -> None:
    await say(zendesk, "hello", fields={"group": 14, "priority": 2, "tags": ["x"]})
    assert zendesk._api.warned == ""


async def test_renewed_html_texts_of_customers_become_plain(zendesk: Zendesk, vendor: Simulator) -> None:
    from bridge.contract import Format

    html: Any = Text(body="<p>Dear <b>all</b></p><script>x</script>", format=Format.HTML)
    (receipt,) = await say(zendesk, customer(html))
    assert vendor.texts(receipt.conversation) == ["Dear all"]


def test_a_private_note_is_never_part_of_a_public_step(clock: VirtualClock) -> None:
    zendesk = make_zendesk(clock)
    steps = zendesk.render([customer("a"), note("b"), customer("c", id="m3")], context("71"))
    assert [(step.verb, step.audience) for step in steps] == [
        ("say", Audience.CUSTOMER),
        ("note", Audience.AGENTS),
        ("say", Audience.CUSTOMER),
    ]


def test_the_customer_is_named_in_the_subject_once(clock: VirtualClock) -> None:
    zendesk = make_zendesk(clock)
    (step,) = zendesk.render([customer("\n\n  first words\nmore")], context(contact=CUSTOMER))
    assert step.body["subject"] == "Customer A: first words"
    (step,) = zendesk.render([customer("{{ticket.id}}", subject="")], context(contact=Contact(id="x")))
    assert "{{" not in step.body["subject"]

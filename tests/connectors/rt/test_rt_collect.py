"""Reading from a simulated RT: everything, once, in order, at a price that does not grow."""

import json
from collections.abc import AsyncIterator

import pytest
from rt_rig import Rig, rigged

from bridge.contract import (
    Audience,
    AuthorKind,
    File,
    Malformed,
    MessageReceived,
    Retryable,
    Status,
    StatusChanged,
)
from bridge.testing.faults import Fault, Trouble


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as rig:
        yield rig


def count(rig: Rig, where: str) -> Fault:
    """Counts requests from now on, without harm."""
    return rig.vendor.faults.add(Trouble.DELAY, where, times=10**6)


async def test_answers_comments_and_changes_in_order(rig: Rig) -> None:
    made = await rig.says("question")
    _, cursor = await rig.poll(None)
    await rig.vendor.agent_says(made.conversation, "<p>yes</p>\n<p>&nbsp;</p>\n", html=True)
    await rig.vendor.agent_comments(made.conversation, "internal")
    await rig.says("thanks", ticket=made.conversation)
    await rig.vendor.resolve(made.conversation)
    raws, _ = await rig.poll(cursor)
    opened, said, remark, solved = _sorted(rig, raws)
    assert said.message.parts[0].body == "<p>yes</p>"
    assert said.message.author.kind is AuthorKind.AGENT
    assert (said.message.author.id, said.message.author.name) == ("agent", "Agent")
    assert remark.message.audience is Audience.AGENTS
    assert opened == StatusChanged(conversation=made.conversation, status=Status.OPEN)
    assert solved == StatusChanged(conversation=made.conversation, status=Status.SOLVED)


def _sorted(rig: Rig, raws: list) -> list:
    """Status first where RT opened the ticket by itself: it does so after the answer."""
    events = rig.events(raws)
    return [events[1], events[0], *events[2:]]


async def test_one_that_becomes_visible_late_is_found_once(rig: Rig) -> None:
    """Two agents write at the same time; the lower number is committed after the higher one was read."""
    made = await rig.says("question")
    _, cursor = await rig.poll(None)
    late = await rig.vendor.agent_says(made.conversation, "the slow one")
    hidden = rig.vendor.state.transactions.pop(int(late))
    await rig.vendor.agent_says(made.conversation, "the quick one")
    first, cursor = await rig.poll(cursor)
    rig.vendor.state.transactions[int(late)] = hidden
    second, cursor = await rig.poll(cursor)
    assert rig.texts(first) == ["the quick one"]
    assert rig.texts(second) == ["the slow one"]
    await rig.vendor.agent_says(made.conversation, "another")
    third, cursor = await rig.poll(cursor)
    fourth, _ = await rig.poll(cursor)
    assert rig.texts(fourth) == []
    assert "another" in rig.texts(third)


async def test_what_could_not_be_stored_is_offered_again(rig: Rig) -> None:
    """The store was down: the same cursor comes back, also for what was found below it."""
    made = await rig.says("question")
    late = await rig.vendor.agent_says(made.conversation, "the slow one")
    hidden = rig.vendor.state.transactions.pop(int(late))
    _, cursor = await rig.poll(None)
    await rig.vendor.agent_says(made.conversation, "kept")
    _, cursor = await rig.poll(cursor)
    rig.vendor.state.transactions[int(late)] = hidden
    for _ in range(3):
        page = await rig.connector.poll(cursor)
        assert rig.texts(page.raws) == ["the slow one"]
        assert page.cursor != cursor
    last = await rig.connector.poll(page.cursor)
    assert (last.raws, last.cursor) == ([], page.cursor), "stored once, offered no more"


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_a_short_page_is_not_the_end(rig: Rig, size: int) -> None:
    """RT cuts pages before it looks at rights: what we may not see leaves them short, or empty."""
    made = await rig.says("question")
    _, cursor = await rig.poll(None)
    for number in range(8):
        await rig.vendor.agent_says(made.conversation, f"answer {number}")
    rig.vendor.rest.lists.page_size = size
    raws, _ = await rig.poll(cursor)
    assert rig.texts(raws) == [f"answer {number}" for number in range(8)]


async def test_comments_we_may_not_see_do_not_hide_what_follows(rig: Rig) -> None:
    made = await rig.says("question")
    rig.vendor.rest.users.deaf.add("bridge")
    _, cursor = await rig.poll(None)
    for number in range(230):
        await rig.vendor.agent_comments(made.conversation, f"remark {number}")
    await rig.vendor.agent_says(made.conversation, "the answer")
    raws, cursor = await rig.poll(cursor)
    assert rig.texts(raws) == ["the answer"]


async def test_the_first_collection_skips_history_that_we_may_not_see(rig: Rig) -> None:
    made = await rig.says("question")
    await rig.vendor.agent_says(made.conversation, "long ago")
    rig.vendor.rest.users.deaf.add("bridge")
    for number in range(130):
        await rig.vendor.agent_comments(made.conversation, f"remark {number}")
    _, cursor = await rig.poll(None)
    raws, _ = await rig.poll(cursor)
    assert cursor != "0"
    assert "long ago" not in "".join(rig.texts(raws)[1:])


async def test_one_transaction_that_rt_cannot_give_out_holds_up_nobody_for_long(rig: Rig) -> None:
    made = await rig.says("question")
    _, cursor = await rig.poll(None)
    bad = await rig.vendor.agent_says(made.conversation, "broken")
    await rig.vendor.agent_says(made.conversation, "whole")
    rig.vendor.faults.add(Trouble.STATUS, f"GET .*/transaction/{bad}/", status=500, times=99)
    for _ in range(4):
        with pytest.raises(Retryable):
            await rig.connector.poll(cursor)
    raws, _ = await rig.poll(cursor)
    found = {raw.key: raw for raw in raws}
    with pytest.raises(Malformed, match=bad):
        rig.connector.normalise(found.pop(f"transaction:{bad}"))
    assert rig.texts(list(found.values())) == ["whole"]


async def test_an_outage_puts_nothing_aside(rig: Rig) -> None:
    """No answer at all is not the fault of one transaction."""
    made = await rig.says("question")
    _, cursor = await rig.poll(None)
    await rig.vendor.agent_says(made.conversation, "answer")
    rig.vendor.faults.add(Trouble.RESET_BEFORE, "GET .*/attachments", times=9)
    for _ in range(9):
        with pytest.raises(Retryable):
            await rig.connector.poll(cursor)
    raws, _ = await rig.poll(cursor)
    assert rig.texts(raws) == ["answer"]


async def test_a_body_too_long_for_a_message_is_a_file(rig: Rig) -> None:
    made = await rig.says("question")
    _, cursor = await rig.poll(None)
    await rig.vendor.agent_says(made.conversation, "x" * (2**20 + 1))
    raws, _ = await rig.poll(cursor)
    (event,) = [one for one in rig.events(raws) if isinstance(one, MessageReceived)]
    (part,) = event.message.parts
    assert isinstance(part, File)
    assert b"".join([chunk async for chunk in rig.connector.fetch(part.media, 2**21)]) == b"x" * (2**20 + 1)


async def test_what_was_said_before_a_merge_belongs_to_the_ticket_it_was_said_on(rig: Rig) -> None:
    stays, goes = await rig.says("stays"), await rig.says("goes")
    _, cursor = await rig.poll(None)
    await rig.vendor.agent_says(goes.conversation, "before")
    await rig.vendor.merge(goes.conversation, stays.conversation)
    await rig.vendor.agent_says(stays.conversation, "after")
    raws, _ = await rig.poll(cursor)
    told = [
        (one.message.conversation, one.message.parts[0].body)
        if isinstance(one, MessageReceived)
        else (one.conversation, one.moved_to)
        for one in rig.events(raws)
        if isinstance(one, MessageReceived) or one.moved_to
    ]
    assert told == [
        (goes.conversation, "before"),
        (goes.conversation, stays.conversation),
        (stays.conversation, "after"),
    ]


async def test_an_answer_in_another_queue_is_found(rig: Rig) -> None:
    made = await rig.says("question")
    rig.vendor.rest.users.seers.add("bridge")
    _, cursor = await rig.poll(None)
    await rig.vendor.move(made.conversation)
    await rig.vendor.agent_says(made.conversation, "from another team")
    foreign = rig.vendor.open_ticket()
    await rig.vendor.move(foreign)
    await rig.vendor.agent_says(foreign, "nobody's business")
    raws, _ = await rig.poll(cursor)
    assert rig.texts(raws) == ["from another team"]


async def test_an_rt_that_cannot_search_for_strays_is_polled_all_the_same(rig: Rig) -> None:
    made = await rig.says("question")
    _, cursor = await rig.poll(None)
    await rig.vendor.agent_says(made.conversation, "answer")
    rig.vendor.faults.add(Trouble.STATUS, "GET .*/tickets", status=400, times=9)
    raws, _ = await rig.poll(cursor)
    assert rig.texts(raws) == ["answer"]


async def test_who_is_not_staff_is_no_agent(rig: Rig) -> None:
    made = await rig.says("question")
    _, cursor = await rig.poll(None)
    rig.vendor.state.names["cc@customer.test"] = "Somebody in Cc"
    await rig.vendor.agent_says(made.conversation, "I am in Cc", who="cc@customer.test")
    await rig.vendor.agent_says(made.conversation, "nobody knows me", who="vanished")
    raws, _ = await rig.poll(cursor)
    kinds = [one.message.author.kind for one in rig.events(raws) if isinstance(one, MessageReceived)]
    assert kinds == [AuthorKind.CUSTOMER, AuthorKind.AGENT]


async def test_a_nudge_costs_little_on_a_long_ticket(rig: Rig) -> None:
    made = await rig.says("question")
    _, cursor = await rig.poll(None)
    for number in range(25):
        await rig.vendor.agent_says(made.conversation, f"answer {number}")
    _, cursor = await rig.poll(cursor)
    await rig.connector.poll(cursor)
    await rig.vendor.agent_says(made.conversation, "the newest")
    requests = count(rig, ".")
    page = await rig.connector.poll(None, made.conversation)
    assert rig.texts(page.raws) == ["the newest"], "what is stored is not offered again"
    assert requests.hits <= 4, "one search, one list of attachments, one body, and one person at most"
    before = requests.hits
    await rig.connector.poll(None, made.conversation)
    assert requests.hits == before + 1, "what was just read is not read again"


async def test_an_idle_poll_costs_three_requests_at_most(rig: Rig) -> None:
    made = await rig.says("question")
    await rig.vendor.agent_says(made.conversation, "answer")
    _, cursor = await rig.poll(None)
    _, cursor = await rig.poll(cursor)
    requests = count(rig, ".")
    page = await rig.connector.poll(cursor)
    assert not page.raws
    assert not page.more
    assert requests.hits <= 3


@pytest.mark.parametrize("ticket", ["", "abc", "1 OR Type = 'Create'", "²", "99999"])
async def test_a_nudge_for_what_is_no_ticket_finds_nothing(rig: Rig, ticket: str) -> None:
    await rig.says("question")
    page = await rig.connector.poll(None, ticket) if ticket else None
    assert page is None or not page.raws


async def test_lists_that_do_not_name_the_ticket(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The documented way: the transaction itself says where it stands."""
    from connectors.rt.simulator import lists

    whole = lists.transaction_row
    monkeypatch.setattr(
        lists,
        "transaction_row",
        lambda one: {name: value for name, value in whole(one).items() if not name.startswith("ObjectI")},
    )
    made = await rig.says("question")
    _, cursor = await rig.poll(None)
    await rig.vendor.agent_says(made.conversation, "answer")
    raws, _ = await rig.poll(cursor)
    assert rig.texts(raws) == ["answer"]
    assert json.loads(raws[0].payload)["ticket"] == made.conversation


async def test_our_own_writes_are_known_by_both_marks(rig: Rig) -> None:
    """Read although marked, as by a former release: normalise still tells whose they are."""
    from connectors.rt import reading

    made = await rig.says("question")
    _, cursor = await rig.poll(None)
    through_mail = rig.another(mail_gateway=rig.vendor.origin)
    step, target = rig.step("by mail", ticket=made.conversation), rig.target(made.conversation)
    await through_mail.deliver(step, target)
    original, reading.marked = reading.marked, lambda _: ""
    try:
        raws, _ = await rig.poll(cursor)
    finally:
        reading.marked = original
    (event,) = [one for one in rig.events(raws) if isinstance(one, MessageReceived)]
    assert event.message.origin == target.key
    assert event.message.author.kind is AuthorKind.BRIDGE

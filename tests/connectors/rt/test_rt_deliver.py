"""Writing to a simulated RT: once, on the right ticket, by the right person, whatever happens on the way."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from rt_rig import CUSTOMER, Rig, rigged

from bridge.contract import AuthFailed, Gone, Image, Media, Rejected, Retryable, Status
from bridge.testing.faults import Trouble
from connectors.rt.simulator.state import Said
from connectors.rt.text import address

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


@pytest.fixture(params=["rest", "gateway"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with rigged(mail_gateway=request.param == "gateway") as rig:
        yield rig


@pytest.fixture
async def rest() -> AsyncIterator[Rig]:
    async with rigged() as rig:
        yield rig


@pytest.fixture
async def gateway() -> AsyncIterator[Rig]:
    async with rigged(mail_gateway=True) as rig:
        yield rig


async def test_the_words_arrive_as_typed_with_their_files(rig: Rig) -> None:
    text = "\n  {{x}} <script>\n\n> quoted\n[desk.test #1] 你好 👍🏽\n."
    media = await rig.account.media.keep(PNG, name="图片 1;'a.png", mime="image/png")
    made = await rig.says(text, Image(media=media))
    await rig.says(text, Image(media=media), ticket=made.conversation)
    for seen in rig.vendor.ticket(made.conversation):
        assert seen.text == text + "\n[image: 图片 1;'a.png]"
        assert seen.files == (("图片 1;'a.png", PNG),)


async def test_who_the_author_is(rig: Rig) -> None:
    made = await rig.says("one")
    await rig.says("two", ticket=made.conversation)
    await rig.send(rig.step("a note", ticket=made.conversation, note=True), rig.target(made.conversation))
    person = address(CUSTOMER.id, "bridge.invalid") if rig.connector.config.mail_gateway else "bridge"
    assert [seen.who for seen in rig.vendor.ticket(made.conversation)] == [person, person, "bridge"]


@pytest.mark.parametrize("trouble", [500, 401, 403, 404, 429, 503])
async def test_trouble_after_a_ticket_was_made_does_not_deny_it(rig: Rig, trouble: int) -> None:
    step, target = rig.step("only once"), rig.target()
    rig.vendor.faults.add(Trouble.STATUS, "GET .*/history", status=trouble)
    with pytest.raises(Retryable) as caught:
        await rig.send(step, target)
    assert not caught.value.certain, "the engine would make the ticket again"
    found = await rig.connector.lookup(step, target)
    assert found is not None
    assert rig.on_desk() == ["only once"]


@pytest.mark.parametrize("trouble", [500, 401, 403])
async def test_trouble_after_a_mail_was_taken_does_not_deny_it(gateway: Rig, trouble: int) -> None:
    made = await gateway.says("one")
    step, target = gateway.step("two", ticket=made.conversation), gateway.target(made.conversation)
    prepared = target.model_copy(update={"prepared": await gateway.connector.prepare(step, target)})
    gateway.vendor.faults.add(Trouble.STATUS, "GET .*/history", status=trouble)
    with pytest.raises(Retryable) as caught:
        await gateway.connector.deliver(step, prepared)
    assert not caught.value.certain
    assert await gateway.connector.lookup(step, target) is not None
    assert gateway.on_desk() == ["one", "two"]


@pytest.mark.parametrize("trouble", [Trouble.RESET_AFTER, Trouble.TRUNCATED, Trouble.GARBAGE])
async def test_a_lost_answer_is_found_by_a_bridge_that_was_restarted(rig: Rig, trouble: Trouble) -> None:
    step, target = rig.step("only once"), rig.target()
    rig.vendor.faults.add(trouble, "POST ")
    with pytest.raises(Retryable) as caught:
        await rig.send(step, target)
    assert not caught.value.certain
    found = await rig.another().lookup(step, target)
    assert found is not None
    assert await rig.another().lookup(step, target) == found, "remembering it does not hide it"
    forget(rig)
    assert await rig.another().lookup(step, target) == found


async def test_the_very_same_words_are_another_steps(rig: Rig) -> None:
    """Two tickets of one customer that begin alike: each is found for its own step only."""
    step = rig.step("hello")
    first, second, third = rig.target(), rig.target(), rig.target()
    one = await rig.send(step, first)
    assert await rig.connector.lookup(step, second) is None
    two = await rig.send(step, second)
    assert await rig.connector.lookup(step, first) == one
    assert await rig.connector.lookup(step, second) == two
    assert await rig.connector.lookup(step, third) is None


async def test_other_words_are_not_ours(rest: Rig) -> None:
    """A ticket that an agent opened for the same customer just now."""
    rest.vendor.open_ticket(requestor=address(CUSTOMER.id, "bridge.invalid"), subject="called by phone")
    assert await rest.connector.lookup(rest.step("hello"), rest.target()) is None


async def test_clocks_differ_by_an_hour(rig: Rig) -> None:
    step = rig.step("hello")
    target = rig.target()
    await rig.send(step, target)
    ahead = target.model_copy(update={"tried_at": rig.clock.advance(hours=1)})
    forget(rig)
    assert await rig.another().lookup(step, ahead) is not None


def forget(rig: Rig) -> None:
    """The process died before it could store what RT answered: only RT knows."""
    rig.account.records.__init__()  # type: ignore[misc] # empties it in place


async def test_a_solved_ticket_opens_although_the_scrip_was_removed(rig: Rig) -> None:
    made = await rig.says("one")
    rig.vendor.state.opens = False
    await rig.vendor.resolve(made.conversation)
    await rig.says("two", ticket=made.conversation)
    assert rig.vendor.status(made.conversation) == "open"


@pytest.mark.parametrize(("status", "requests"), [("open", 2), ("new", 3), ("resolved", 3)])
@pytest.mark.parametrize("meanwhile", ["", "resolved"])
async def test_a_look_after_the_words_where_their_answer_does_not_show_the_status(
    rest: Rig, monkeypatch: pytest.MonkeyPatch, status: str, meanwhile: str, requests: int
) -> None:
    made = await rest.says("one")
    rest.vendor.state.opens = False
    await rest.vendor.resolve(made.conversation, status)
    asked, ask = [], rest.account.http.request

    async def request(*arguments: Any, **named: Any) -> Any:
        asked.append(arguments)
        return await ask(*arguments, **named)

    monkeypatch.setattr(rest.account.http, "request", request)
    step, target = rest.step("two", ticket=made.conversation), rest.target(made.conversation)
    target = target.model_copy(update={"prepared": await rest.connector.prepare(step, target)})
    if meanwhile:
        await rest.vendor.resolve(made.conversation, meanwhile)
    await rest.connector.deliver(step, target)
    assert rest.vendor.status(made.conversation) == ("new" if status == "new" and not meanwhile else "open")
    if not meanwhile:
        assert len(asked) == requests


async def test_a_note_does_not_open_a_solved_ticket(rig: Rig) -> None:
    made = await rig.says("one")
    await rig.vendor.resolve(made.conversation)
    note = rig.step("not delivered", ticket=made.conversation, note=True, status=Status.SOLVED)
    await rig.send(note, rig.target(made.conversation))
    assert rig.vendor.status(made.conversation) == "resolved"


@pytest.mark.parametrize("status", ["rejected", "deleted"])
async def test_a_finished_ticket_takes_nothing_more(rig: Rig, status: str) -> None:
    made = await rig.says("one")
    await rig.vendor.resolve(made.conversation, status)
    with pytest.raises(Gone) as caught:
        await rig.says("two", ticket=made.conversation)
    assert caught.value.moved_to is None


async def test_a_merged_ticket_says_where_it_went(rig: Rig) -> None:
    stays, goes = await rig.says("stays"), await rig.says("goes")
    step, target = rig.step("before", ticket=goes.conversation), rig.target(goes.conversation)
    said = await rig.send(step, target)
    await rig.vendor.merge(goes.conversation, stays.conversation)
    with pytest.raises(Gone) as caught:
        await rig.says("after", ticket=goes.conversation)
    assert caught.value.moved_to == stays.conversation
    found = await rig.connector.lookup(step, target)
    assert found is not None
    assert found.ids == said.ids


async def test_what_was_written_before_a_merge_is_found_by_who_followed_it(rig: Rig) -> None:
    """The link goes on at the other ticket; the step whose answer was lost must not be written there again."""
    stays, goes = await rig.says("stays"), await rig.says("goes")
    step, target = rig.step("before", ticket=goes.conversation), rig.target(goes.conversation)
    said = await rig.send(step, target)
    await rig.vendor.merge(goes.conversation, stays.conversation)
    found = await rig.another().lookup(step, target.model_copy(update={"conversation": stays.conversation}))
    assert found is not None
    assert (found.ids, found.conversation) == (said.ids, stays.conversation)


async def test_a_look_up_is_short(rig: Rig) -> None:
    """It runs while the lane waits, and most of all when RT is slow."""
    step, target = rig.step("one"), rig.target()
    made = await rig.send(step, target)
    requests = rig.vendor.faults.add(Trouble.DELAY, ".", times=10**6)
    assert await rig.another().lookup(step, target) == made
    assert requests.hits == 0, "what this account stored itself needs nobody's word"
    step, target = rig.step("two", ticket=made.conversation), rig.target(made.conversation)
    await rig.send(step, target)
    before = requests.hits
    assert await rig.another().lookup(step, target) is not None
    assert requests.hits == before + 2, "whether it is there, and whether its ticket is open"


async def test_a_new_ticket_that_was_merged_at_once_is_found(rig: Rig) -> None:
    step, target = rig.step("lost answer"), rig.target()
    rig.vendor.faults.add(Trouble.RESET_AFTER, "POST ")
    with pytest.raises(Retryable):
        await rig.send(step, target)
    stays = rig.vendor.open_ticket()
    await rig.vendor.merge("1", stays)
    found = await rig.connector.lookup(step, target)
    assert found is not None
    assert found.conversation == stays


async def test_a_ticket_in_a_queue_we_may_not_see_is_gone_and_the_account_goes_on(rig: Rig) -> None:
    made = await rig.says("one")
    await rig.vendor.move(made.conversation)
    with pytest.raises(Gone):
        await rig.says("two", ticket=made.conversation)


async def test_a_ticket_in_a_queue_we_may_only_read_is_gone(rig: Rig) -> None:
    made = await rig.says("one")
    await rig.vendor.move(made.conversation)
    rig.vendor.rest.users.seers.add("bridge")
    rig.vendor.rest.users.readers.add("bridge")
    with pytest.raises(Gone):
        await rig.says("two", ticket=made.conversation)


async def test_a_missing_right_in_our_own_queue_is_a_matter_of_the_account(rest: Rig) -> None:
    made = await rest.says("one")
    rest.vendor.rest.users.readers.add("bridge")
    with pytest.raises(AuthFailed):
        await rest.says("two", ticket=made.conversation)
    with pytest.raises(AuthFailed):
        await rest.says("a new one")


async def test_a_ticket_that_cannot_be_seen_leaves_it_open_what_is_on_it(rig: Rig) -> None:
    made = await rig.says("one")
    step, target = rig.step("two", ticket=made.conversation), rig.target(made.conversation)
    await rig.send(step, target)
    await rig.vendor.move(made.conversation)
    with pytest.raises(Retryable):
        await rig.connector.lookup(step, target)
    with pytest.raises(Retryable):
        await rig.connector.lookup(step, target.model_copy(update={"conversation": "999"}))


async def test_an_answer_by_mail_that_quotes_our_subject_is_not_ours(rest: Rig) -> None:
    made = await rest.says("one")
    step, target = rest.step("two", ticket=made.conversation), rest.target(made.conversation)
    ticket = rest.vendor.state.tickets[int(made.conversation)]
    rest.vendor.state.say(
        ticket, "Correspond", "agent", Said("x", subject=f"Re: [desk.test #{ticket.id}] ref {target.key}")
    )
    assert await rest.connector.lookup(step, target) is None


async def test_more_than_a_page_was_written_since(rest: Rig) -> None:
    made = await rest.says("one")
    step, target = rest.step("two", ticket=made.conversation), rest.target(made.conversation)
    said = await rest.send(step, target)
    for number in range(130):
        await rest.vendor.agent_comments(made.conversation, f"remark {number}")
    found = await rest.connector.lookup(step, target)
    assert found == said


async def test_a_proxy_that_takes_no_large_file_gets_its_link(rest: Rig) -> None:
    made = await rest.says("one")
    media = await rest.account.media.keep(PNG, name="a.png", mime="image/png")
    rest.vendor.faults.add(Trouble.STATUS, "POST .*/correspond", status=413)
    await rest.says("see", Image(media=media), ticket=made.conversation)
    (_, seen) = rest.vendor.ticket(made.conversation)
    assert seen.files == ()
    assert seen.text == f"see\n[image: a.png]\n\n[file: a.png, too large for the ticket] {media.url}"


async def test_the_words_beside_a_file_that_is_no_longer_kept_are_written(rest: Rig) -> None:
    lost = Media(account="shop", id="1", name="a.png", mime="image/png", sha256="0" * 64)
    await rest.says("see", Image(media=lost))
    (seen,) = rest.on_desk()
    assert seen.startswith("see\n")
    assert "[file: a.png, could not be fetched]" in seen


async def test_what_the_route_wants_is_on_the_ticket(rest: Rig) -> None:
    sent = await _form_of(rest, {"priority": 50, "custom_fields": {"Origin": "vip"}, "tags": ["x"]})
    assert (sent["Priority"], sent["CustomFields"]) == (50, {"Origin": "vip"})


async def _form_of(rig: Rig, fields: dict[str, object]) -> dict[str, object]:
    """The fields of the ticket as they leave."""
    api, taken = rig.connector._api, {}
    write = api.write

    async def look(path: str, given: dict[str, object], files: object) -> object:
        taken.update(given)
        return await write(path, given, files)  # type: ignore[arg-type] # passed on as they came

    api.write = look  # type: ignore[method-assign, assignment] # to look at what leaves
    await rig.says("one", fields=fields)
    return taken


async def test_an_address_without_rest2_is_no_reason_for_the_next_ticket(rest: Rig) -> None:
    rest.vendor.faults.add(Trouble.STATUS, "POST .*/ticket$", status=404)
    with pytest.raises(Retryable) as caught:
        await rest.says("one")
    assert caught.value.certain


@pytest.mark.parametrize(
    ("body", "expect", "certain"),
    [
        (b"not ok - operation unsuccessful\n", Rejected, True),
        (b"temporary failure - operation unsuccessful\n", Retryable, True),
        (b"<html>welcome</html>", Retryable, False),
        (b"", Retryable, False),
    ],
)
async def test_what_the_gateway_says(gateway: Rig, body: bytes, expect: type[Exception], certain: bool) -> None:
    made = await gateway.says("one")
    gateway.vendor.faults.add(Trouble.STATUS, "POST .*mail-gateway", status=200, body=body)
    with pytest.raises(expect) as caught:
        await gateway.says("two", ticket=made.conversation)
    assert caught.value.certain is certain  # type: ignore[attr-defined] # both kinds have it


async def test_the_gateway_took_a_ticket_that_is_not_there_yet(gateway: Rig) -> None:
    """Not "there is none": another attempt would make a second one."""
    gateway.vendor.faults.add(Trouble.STATUS, "POST .*mail-gateway", status=200, body=b"ok\n")
    with pytest.raises(Retryable) as caught:
        await gateway.says("one")
    assert not caught.value.certain

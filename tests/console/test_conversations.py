"""Conversations: the list and its search, one conversation with its stations, and what may be done there."""

import re

import pytest

from bridge.contract import Rejected, Step
from mappings import links
from tests.console.console_harness import ConsoleScene, Person

EVIL = "<script>alert('x')</script>"


def rows_of(page: str) -> list[str]:
    return re.findall(r'<tr data-id="(\d+)"', page)


async def test_a_list_that_is_empty_says_what_to_do(scene: ConsoleScene) -> None:
    page = (await (await scene.person()).get("/conversations")).text
    assert "<h1>Conversations</h1>" in page and "No message yet" in page


async def test_conversations_stand_by_their_last_message(scene: ConsoleScene) -> None:
    for customer in ("anna", "bert", "anna"):
        await scene.says(customer, f"hello from {customer}")
        await scene.quiet()
    someone = await scene.person()
    page = (await someone.get("/conversations")).text
    assert len(rows_of(page)) == 2
    assert page.index("hello from anna") < page.index("hello from bert")
    assert rows_of((await someone.get("/conversations?channel=shop&state=open")).text) == rows_of(page)
    assert rows_of((await someone.get("/conversations?state=closed")).text) == []
    assert rows_of((await someone.get("/conversations?trouble=1")).text) == []


async def test_a_conversation_is_found_by_whatever_somebody_has_in_hand(scene: ConsoleScene) -> None:
    said = await scene.says("anna", 'where is my 发票? 100% "sure"')
    await scene.says("bert", "nothing of the kind")
    await scene.quiet()
    someone = await scene.person("operator")
    (wanted,) = rows_of((await someone.get("/conversations", params={"q": "anna"})).text)
    tickets = {ticket.customer: ticket.id for ticket in scene.vendors.tickets.values()}
    for query in ("ann", tickets["anna"], said.key.rpartition(":")[2], "发票", "100%", '"sure"', "WHERE is my"):
        found = rows_of((await someone.get("/conversations", params={"q": query})).text)
        assert wanted in found and len(found) == 1, query
    for query in ("100_", "no such words", "%", "' OR 1=1 --", "\\"):
        assert wanted not in rows_of((await someone.get("/conversations", params={"q": query})).text), query


async def test_viewers_find_ids_but_no_words_and_read_neither(scene: ConsoleScene) -> None:
    await scene.says("anna", "my secret words")
    await scene.quiet()
    ticket = scene.only_ticket
    viewer = await scene.person("viewer")
    assert rows_of((await viewer.get("/conversations", params={"q": "secret words"})).text) == []
    (found,) = rows_of((await viewer.get("/conversations", params={"q": ticket})).text)
    for path in ("/conversations", f"/conversations/{found}"):
        page = (await viewer.get(path)).text
        assert "secret" not in page and "•••• (15)" in page, path
        assert "/hold" not in page and "csrf" in page
    reader = await scene.person("operator")
    assert "my secret words" in (await reader.get(f"/conversations/{found}")).text


async def test_both_sides_stand_on_one_timeline_with_their_stations(scene: ConsoleScene) -> None:
    await scene.says("anna", f"hello {EVIL}")
    await scene.quiet()
    scene.vendors.agent_says(scene.only_ticket, f"good morning {EVIL}")
    scene.look()
    await scene.collected()
    await scene.quiet()
    someone = await scene.person()
    page = (await someone.get("/conversations/1")).text
    assert "<script>alert" not in page and page.count("&lt;script&gt;alert") == 2
    assert page.index("hello ") < page.index("good morning ")
    for word in ("received", "in its lane", "made ready", "attempt 1", "accepted"):
        assert word in page, word
    assert "<script>alert" not in (await someone.get("/conversations", params={"q": EVIL})).text


async def one_that_failed(scene: ConsoleScene) -> None:
    def trouble(account: str, step: Step, phase: str) -> None:
        if account == "shop" and phase == "before":
            raise Rejected(f"the vendor says {EVIL}", code="E7")

    await scene.says("anna", "hello")
    await scene.quiet()
    scene.vendors.trouble = trouble
    scene.vendors.agent_says(scene.only_ticket, "the answer")
    scene.look()
    await scene.collected()
    await scene.quiet()
    scene.vendors.trouble = None


async def shown(person: Person, path: str = "/conversations/1") -> str:
    return (await person.get(path)).text


async def test_an_operator_tries_again_what_failed_and_a_viewer_may_not(scene: ConsoleScene) -> None:
    await one_that_failed(scene)
    viewer, operator = await scene.person("viewer"), await scene.person("operator")
    page = await shown(operator)
    assert "E7" in page and "<script>alert" not in page and "✗ failed" in page
    assert "the vendor says" not in await shown(viewer)
    refused = await viewer.send("/conversations/1/retry")
    assert refused.status_code == 403 and "operator" in refused.text
    await scene.quiet()
    assert scene.vendors.phones.get("anna", []) == []
    assert (await operator.send("/conversations/1/retry")).status_code == 303
    await scene.quiet()
    assert [one.text for one in scene.vendors.phones["anna"]] == ["the answer"]
    assert ("console: Operator", "retry", "conversation 1") in await scene.audit()
    assert "✗ failed" not in await shown(operator)


async def test_one_step_goes_again_and_only_once(scene: ConsoleScene) -> None:
    await one_that_failed(scene)
    operator = await scene.person("operator")
    (step,) = re.findall(r'name="step" value="(s\d+)"', await shown(operator))
    assert (await operator.send("/conversations/1/step", step=step)).status_code == 303
    await scene.quiet()
    again = await operator.send("/conversations/1/step", step=step)
    assert again.status_code == 409 and "somebody else was faster" in again.text
    assert [one.text for one in scene.vendors.phones["anna"]] == ["the answer"]
    for nonsense in ("", "s", "x1", "s999999999", "r1", "s1; DROP"):
        assert (await operator.send("/conversations/1/step", step=nonsense)).status_code == 409, nonsense


async def test_answers_are_held_back_until_somebody_lets_them_go(scene: ConsoleScene) -> None:
    await scene.says("anna", "hello")
    await scene.quiet()
    operator = await scene.person("operator", "Olga")
    assert (await operator.send("/conversations/1/hold")).status_code == 303
    scene.vendors.agent_says(scene.only_ticket, "first")
    scene.look()
    await scene.collected()
    await scene.quiet()
    await scene.says("anna", "are you there?")
    await scene.quiet()
    scene.vendors.agent_says(scene.only_ticket, "second")
    scene.look()
    await scene.collected()
    await scene.quiet()
    assert scene.vendors.phones.get("anna", []) == []
    page = await shown(operator)
    assert "Olga holds the answers back" in page and "‖ held" in page
    assert "held by Olga" in await shown(operator, "/conversations?trouble=1")
    assert (await operator.send("/conversations/1/release")).status_code == 303
    await scene.quiet()
    assert "\n".join(one.text for one in scene.vendors.phones["anna"]).split() == ["first", "second"]
    assert [what for _, what, _ in await scene.audit()][:2] == ["let go", "hold"]


async def test_a_note_stands_on_the_ticket_signed(scene: ConsoleScene) -> None:
    await scene.says("anna", "hello")
    await scene.quiet()
    operator = await scene.person("operator", "Olga")
    assert (await operator.send("/conversations/1/note", text="please call her")).status_code == 303
    await scene.quiet()
    assert "Olga: please call her" in [one.text for one in scene.vendors.tickets[scene.only_ticket].entries]
    assert scene.vendors.phones.get("anna", []) == []
    assert (await operator.send("/conversations/1/note", text=" ")).status_code == 400
    assert (await operator.send("/conversations/1/note", text="x" * 6000)).status_code == 400


async def test_cancelling_asks_on_a_page_of_its_own(scene: ConsoleScene) -> None:
    await scene.says("anna", "hello")
    await scene.quiet()
    operator = await scene.person("operator")
    await operator.send("/conversations/1/hold")
    scene.vendors.agent_says(scene.only_ticket, "not to be sent")
    scene.look()
    await scene.collected()
    await scene.quiet()
    asked = await operator.send("/conversations/1/cancel")
    assert asked.status_code == 200 and "given up: 1." in asked.text and "not to be sent" in asked.text
    assert (await operator.send("/conversations/1/cancel", sure="1")).status_code == 303
    await operator.send("/conversations/1/release")
    await scene.quiet()
    assert scene.vendors.phones.get("anna", []) == []


@pytest.mark.parametrize("path", ["/conversations/999", "/conversations/x", "/conversations/1%00", "/conversations/-1"])
async def test_what_is_not_there_is_said(scene: ConsoleScene, path: str) -> None:
    answer = await (await scene.person()).get(path)
    assert answer.status_code in {400, 404}
    assert (await (await scene.person()).send("/conversations/999/hold")).status_code == 404
    assert (await (await scene.person()).send("/conversations/1/nonsense")).status_code == 404


async def test_a_customer_of_an_account_that_is_gone_can_still_be_read(scene: ConsoleScene) -> None:
    await scene.says("anna", "hello")
    await scene.quiet()
    link = await scene.up.store.read(links.open_link, "shop", "anna", lock=False)
    assert link is not None
    removed = scene.up.runtime.accounts.pop("shop")
    page = await shown(await scene.person(), f"/conversations/{link.id}")
    assert "hello" in page and "/hold" not in page
    scene.up.runtime.accounts["shop"] = removed

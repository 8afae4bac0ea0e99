"""The main job on every desk and every database: between a phone and a ticket, exactly once and in order."""

import asyncio
import io
import re
import signal

from PIL import Image

from bridge.contract import Http
from bridge.testing.e2e.journey import CUSTOMER, Journey
from bridge.testing.e2e.process import until
from bridge.testing.faults import Trouble
from connectors.wechat.simulator.state import Bubble


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(out, "JPEG")
    return out.getvalue()


async def test_everything_a_customer_sends_is_on_one_ticket_in_order(journey: Journey) -> None:
    """Text, picture, card and a burst."""
    await journey.bridge.start()
    await journey.phone.says(CUSTOMER, "hello")
    await journey.phone.sends_image(CUSTOMER, picture("red"))
    await journey.phone.sends_card(CUSTOMER, title="Order 17", path="pages/order?id=17")
    burst = [f"line {number}" for number in range(5)]
    for line in burst:
        await journey.phone.says(CUSTOMER, line)
    await journey.reach_the_desk(burst[-1])
    assert journey.desk.seen() == ["hello", "Order 17", "page: pages/order?id=17", *burst]
    await journey.there_and_back()
    assert journey.desk.seen() == ["hello", "Order 17", "page: pages/order?id=17", *burst, "the last words"]
    assert journey.desk.files().count(picture("red")) == 1, "the picture is readable as it was sent, once"
    assert len(journey.desk.tickets()) == 1
    assert journey.desk.notes() == []


TYPED = (
    "{{ticket.id}} {% raw %} ${x} %s",
    "<script>alert(1)</script> <b>bold</b> &amp; &lt;",
    "  two spaces before,  and two inside\n\n\nafter two blank lines\n    four before",
    "**stars** _lines_ `ticks` # 1. [label](http://a.test) \\n",
    "你好 😀 \"quoted\" 'single'",
)


async def test_it_stands_there_as_it_was_typed(journey: Journey) -> None:
    await journey.begin(TYPED[0])
    for text in TYPED[1:]:
        await journey.phone.says(CUSTOMER, text)
        await until(lambda text=text: any(text.splitlines()[-1].strip() in line for line in journey.desk.seen()))
    entries = [entry.text for entry in journey.desk.all_entries() if entry.side == "customer"]
    assert [text for text in TYPED if not any(text in entry for entry in entries)] == []


async def test_an_answer_with_files_arrives_once_and_a_note_stays_inside(journey: Journey) -> None:
    await journey.begin("question")
    pdf = b"%PDF-1.4 an invoice"
    files = [("a.jpg", "image/jpeg", picture("blue")), ("invoice.pdf", "application/pdf", pdf)]
    await journey.desk.agent_notes(journey.desk.ticket, "internal remark")
    await journey.desk.agent_says(journey.desk.ticket, "answer", files)
    await journey.reach_the_customer("answer")
    await until(lambda: len(service(journey)) >= 3)
    await journey.there_and_back()
    bubbles = service(journey)
    assert [bubble.kind for bubble in bubbles] == ["text", "image", "text", "text"]
    assert bubbles[0].text == "answer"
    assert bubbles[1].data == picture("blue")
    assert bubbles[3].text == "goodbye"
    (link,) = re.findall(r"http://\S+", bubbles[2].text)
    http = Http(timeout=5)
    assert (await http.request("GET", link)).body == pdf
    await http.close()
    assert journey.desk.seen() == ["question", "the last words"], "the agent's own words did not come back"
    assert journey.desk.notes() == []


def service(journey: Journey) -> list[Bubble]:
    return [bubble for bubble in journey.phone.chat(CUSTOMER) if bubble.who == "service"]


async def test_by_its_webhook_alone(journey: Journey) -> None:
    """The poll is off: nothing but the desk's call can be the reason."""
    journey.bridge._more["engine"] = {"reconcile_every": "1h"}
    await journey.begin("question")
    await journey.desk.agent_says(journey.desk.ticket, "answer")
    await journey.reach_the_customer("answer")
    await journey.there_and_back()
    assert journey.phone.received(CUSTOMER) == ["answer", "goodbye"]


async def test_by_the_poll_alone(journey: Journey) -> None:
    journey.desk.silence()
    await journey.begin("question")
    await journey.desk.agent_says(journey.desk.ticket, "answer")
    await journey.reach_the_customer("answer")
    await journey.there_and_back()
    assert journey.phone.received(CUSTOMER) == ["answer", "goodbye"]
    assert "bridge_callbacks_total" not in await callbacks_of_desk(journey)


async def callbacks_of_desk(journey: Journey) -> str:
    lines = (await journey.bridge.get("/metrics")).splitlines()
    return "\n".join(line for line in lines if line.startswith('bridge_callbacks_total{account="desk"'))


async def test_solved_and_written_again(journey: Journey) -> None:
    await journey.begin("one")
    ticket = journey.desk.ticket
    await journey.desk.solve(ticket)
    assert not journey.desk.is_open(ticket)
    await journey.phone.says(CUSTOMER, "two")
    await journey.reach_the_desk("two")
    await until(lambda: journey.desk.is_open(ticket))
    await journey.there_and_back()
    assert journey.desk.tickets() == [ticket]
    assert journey.desk.seen() == ["one", "two", "the last words"]
    assert journey.phone.received(CUSTOMER) == ["goodbye"]
    assert journey.desk.notes() == []


async def test_closed_and_written_again(journey: Journey) -> None:
    await journey.begin("one")
    ticket = journey.desk.ticket
    await journey.desk.solve(ticket)
    await journey.desk.close(ticket)
    await journey.phone.says(CUSTOMER, "two")
    await journey.reach_the_desk("two")
    assert len(journey.desk.tickets()) == 1 + journey.desk.closed_is_final
    await until(lambda: journey.desk.is_open(journey.desk.ticket))
    if journey.desk.closed_is_final:
        assert f"[continues ticket #{ticket}]" in journey.desk.entries(journey.desk.ticket)[0].text
    await journey.desk.agent_says(journey.desk.ticket, "answer there")
    await journey.reach_the_customer("answer there")
    await journey.there_and_back()
    assert len(journey.desk.tickets()) == 1 + journey.desk.closed_is_final
    assert journey.desk.seen() == ["one", "two", "the last words"]
    assert journey.phone.received(CUSTOMER) == ["answer there", "goodbye"]
    assert journey.desk.notes() == []


async def test_the_desk_is_away_for_a_while(journey: Journey) -> None:
    await journey.begin("before")
    await journey.desk.stop()
    for line in ("during 1", "during 2", "during 3"):
        await journey.phone.says(CUSTOMER, line)
    await until(lambda: "refused" in journey.bridge.text() or "retry" in journey.bridge.text())
    await journey.phone.sends_image(CUSTOMER, picture("green"))
    await journey.desk.start()
    await journey.phone.says(CUSTOMER, "after")
    await journey.reach_the_desk("during 1", "during 2", "during 3", "after")
    await journey.there_and_back()
    assert journey.desk.seen() == ["before", "during 1", "during 2", "during 3", "after", "the last words"]
    assert journey.desk.files() == [picture("green")]
    assert journey.phone.received(CUSTOMER) == ["goodbye"]
    assert len(journey.desk.tickets()) == 1


async def test_killed_when_a_write_had_taken_effect(journey: Journey) -> None:
    """First the one that makes the ticket, then the one that adds to it."""
    words = ["one", "two"]
    for count, word in enumerate(words, 1):
        journey.bridge.kill()
        async with journey.bridge.supervised(failpoint="answered") as ends:
            await journey.phone.says(CUSTOMER, word)
            await until(lambda ends=ends: ends)
            await journey.bridge.until_ready()
            await journey.reach_the_desk(word)
            await journey.phone.says(CUSTOMER, f"after {word}")
            await journey.reach_the_desk(f"after {word}")
            assert ends == [-signal.SIGKILL]
        assert journey.desk.seen() == [line for word in words[:count] for line in (word, f"after {word}")]
    await journey.there_and_back()
    assert journey.desk.seen() == ["one", "after one", "two", "after two", "the last words"]
    assert len(journey.desk.tickets()) == 1
    assert journey.phone.received(CUSTOMER) == ["goodbye"]


async def test_the_answer_to_a_write_is_lost(journey: Journey) -> None:
    opening = journey.desk.faults.add(Trouble.RESET_AFTER, journey.desk.creates)
    await journey.begin("one")
    adding = journey.desk.faults.add(Trouble.RESET_AFTER, journey.desk.says, times=2)
    await journey.phone.sends_image(CUSTOMER, picture("navy"))
    await journey.phone.says(CUSTOMER, "two")
    await journey.reach_the_desk("two")
    await journey.there_and_back()
    assert (opening.hits, adding.hits) == (1, 2)
    assert journey.desk.seen() == ["one", "two", "the last words"]
    assert journey.desk.files() == [picture("navy")]
    assert len(journey.desk.tickets()) == 1


async def test_wrong_credentials_lose_nothing(journey: Journey) -> None:
    journey.desk.refuse_credentials()
    await journey.bridge.start()
    await journey.phone.says(CUSTOMER, "one")
    async with asyncio.timeout(60):
        while not await journey.rests():
            await asyncio.sleep(0.1)
    await journey.phone.says(CUSTOMER, "two")
    assert journey.desk.tickets() == []
    journey.desk.accept_credentials()
    await until(lambda: "two" in journey.desk.seen())
    await journey.there_and_back()
    assert journey.desk.seen() == ["one", "two", "the last words"]
    assert not await journey.rests()


async def test_error_pages_and_limits_are_waited_out(journey: Journey) -> None:
    page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
    journey.desk.faults.add(Trouble.STATUS, journey.desk.creates, times=2, status=502, body=page)
    await journey.begin("one")
    limited = {"retry-after": "1"}
    refused = journey.desk.faults.add(Trouble.STATUS, journey.desk.says, status=429, headers=limited, body=b"slow down")
    for line in ("two", "three"):
        await journey.phone.says(CUSTOMER, line)
    await journey.reach_the_desk("two", "three")
    refused_all = journey.desk.faults.add(Trouble.STATUS, ".", times=3, status=502, body=page)
    await journey.there_and_back()
    assert refused.hits == 1
    assert refused_all.hits == 3
    assert journey.desk.seen() == ["one", "two", "three", "the last words"]
    assert journey.phone.received(CUSTOMER) == ["goodbye"]
    assert len(journey.desk.tickets()) == 1

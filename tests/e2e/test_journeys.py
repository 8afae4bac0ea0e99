"""The main job on every desk and every database: between a phone and a ticket, exactly once and in order."""

import asyncio
import io
import re
import signal

from PIL import Image

from bridge.contract import Http
from bridge.testing.e2e.process import until
from bridge.testing.e2e.way import CUSTOMER, Way
from bridge.testing.faults import Trouble
from connectors.wechat.simulator.state import Bubble


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(out, "JPEG")
    return out.getvalue()


async def test_everything_a_customer_sends_is_on_one_ticket_in_order(way: Way) -> None:
    """Text, picture, card and a burst."""
    await way.bridge.start()
    await way.phone.says(CUSTOMER, "hello")
    await way.phone.sends_image(CUSTOMER, picture("red"))
    await way.phone.sends_card(CUSTOMER, title="Order 17", path="pages/order?id=17")
    burst = [f"line {number}" for number in range(5)]
    for line in burst:
        await way.phone.says(CUSTOMER, line)
    await way.reach_the_desk(burst[-1])
    assert way.desk.seen() == ["hello", "Order 17", "page: pages/order?id=17", *burst]
    await way.there_and_back()
    assert way.desk.seen() == ["hello", "Order 17", "page: pages/order?id=17", *burst, "the last words"]
    assert way.desk.files().count(picture("red")) == 1, "the picture is readable as it was sent, once"
    assert len(way.desk.tickets()) == 1
    assert way.desk.notes() == []


TYPED = (
    "{{ticket.id}} {% raw %} ${x} %s",
    "<script>alert(1)</script> <b>bold</b> &amp; &lt;",
    "  two spaces before,  and two inside\n\n\nafter two blank lines\n    four before",
    "**stars** _lines_ `ticks` # 1. [label](http://a.test) \\n",
    "你好 😀 \"quoted\" 'single'",
)


async def test_it_stands_there_as_it_was_typed(way: Way) -> None:
    await way.begin(TYPED[0])
    for text in TYPED[1:]:
        await way.phone.says(CUSTOMER, text)
        await until(lambda text=text: any(text.splitlines()[-1].strip() in line for line in way.desk.seen()))
    entries = [entry.text for entry in way.desk.all_entries() if entry.side == "customer"]
    assert [text for text in TYPED if not any(text in entry for entry in entries)] == []


async def test_an_answer_with_files_arrives_once_and_a_note_stays_inside(way: Way) -> None:
    await way.begin("question")
    pdf = b"%PDF-1.4 an invoice"
    files = [("a.jpg", "image/jpeg", picture("blue")), ("invoice.pdf", "application/pdf", pdf)]
    await way.desk.agent_notes(way.desk.ticket, "internal remark")
    await way.desk.agent_says(way.desk.ticket, "answer", files)
    await way.reach_the_customer("answer")
    await until(lambda: len(service(way)) >= 3)
    await way.there_and_back()
    bubbles = service(way)
    assert [bubble.kind for bubble in bubbles] == ["text", "image", "text", "text"]
    assert bubbles[0].text == "answer"
    assert bubbles[1].data == picture("blue")
    assert bubbles[3].text == "goodbye"
    (link,) = re.findall(r"http://\S+", bubbles[2].text)
    http = Http(timeout=5)
    assert (await http.request("GET", link)).body == pdf
    await http.close()
    assert way.desk.seen() == ["question", "the last words"], "the agent's own words did not come back"
    assert way.desk.notes() == []


def service(way: Way) -> list[Bubble]:
    return [bubble for bubble in way.phone.chat(CUSTOMER) if bubble.who == "service"]


async def test_by_its_webhook_alone(way: Way) -> None:
    """The poll is off: nothing but the desk's call can be the reason."""
    way.bridge._more["engine"] = {"reconcile_every": "1h"}
    await way.begin("question")
    await way.desk.agent_says(way.desk.ticket, "answer")
    await way.reach_the_customer("answer")
    await way.there_and_back()
    assert way.phone.received(CUSTOMER) == ["answer", "goodbye"]


async def test_by_the_poll_alone(way: Way) -> None:
    way.desk.silence()
    await way.begin("question")
    await way.desk.agent_says(way.desk.ticket, "answer")
    await way.reach_the_customer("answer")
    await way.there_and_back()
    assert way.phone.received(CUSTOMER) == ["answer", "goodbye"]
    assert "bridge_callbacks_total" not in await callbacks_of_desk(way)


async def callbacks_of_desk(way: Way) -> str:
    lines = (await way.bridge.get("/metrics")).splitlines()
    return "\n".join(line for line in lines if line.startswith('bridge_callbacks_total{account="desk"'))


async def test_solved_and_written_again(way: Way) -> None:
    await way.begin("one")
    ticket = way.desk.ticket
    await way.desk.solve(ticket)
    assert not way.desk.is_open(ticket)
    await way.phone.says(CUSTOMER, "two")
    await way.reach_the_desk("two")
    await until(lambda: way.desk.is_open(ticket))
    await way.there_and_back()
    assert way.desk.tickets() == [ticket]
    assert way.desk.seen() == ["one", "two", "the last words"]
    assert way.phone.received(CUSTOMER) == ["goodbye"]
    assert way.desk.notes() == []


async def test_closed_and_written_again(way: Way) -> None:
    await way.begin("one")
    ticket = way.desk.ticket
    await way.desk.solve(ticket)
    await way.desk.close(ticket)
    await way.phone.says(CUSTOMER, "two")
    await way.reach_the_desk("two")
    assert len(way.desk.tickets()) == 1 + way.desk.closed_is_final
    await until(lambda: way.desk.is_open(way.desk.ticket))
    if way.desk.closed_is_final:
        assert f"[continues ticket #{ticket}]" in way.desk.entries(way.desk.ticket)[0].text
    await way.desk.agent_says(way.desk.ticket, "answer there")
    await way.reach_the_customer("answer there")
    await way.there_and_back()
    assert len(way.desk.tickets()) == 1 + way.desk.closed_is_final
    assert way.desk.seen() == ["one", "two", "the last words"]
    assert way.phone.received(CUSTOMER) == ["answer there", "goodbye"]
    assert way.desk.notes() == []


async def test_the_desk_is_away_for_a_while(way: Way) -> None:
    await way.begin("before")
    await way.desk.stop()
    for line in ("during 1", "during 2", "during 3"):
        await way.phone.says(CUSTOMER, line)
    await until(lambda: "refused" in way.bridge.text() or "retry" in way.bridge.text())
    await way.phone.sends_image(CUSTOMER, picture("green"))
    await way.desk.start()
    await way.phone.says(CUSTOMER, "after")
    await way.reach_the_desk("during 1", "during 2", "during 3", "after")
    await way.there_and_back()
    assert way.desk.seen() == ["before", "during 1", "during 2", "during 3", "after", "the last words"]
    assert way.desk.files() == [picture("green")]
    assert way.phone.received(CUSTOMER) == ["goodbye"]
    assert len(way.desk.tickets()) == 1


async def test_killed_when_a_write_had_taken_effect(way: Way) -> None:
    """First the one that makes the ticket, then the one that adds to it."""
    words = ["one", "two"]
    for count, word in enumerate(words, 1):
        way.bridge.kill()
        async with way.bridge.supervised(failpoint="answered") as ends:
            await way.phone.says(CUSTOMER, word)
            await until(lambda ends=ends: ends)
            await way.bridge.until_ready()
            await way.reach_the_desk(word)
            await way.phone.says(CUSTOMER, f"after {word}")
            await way.reach_the_desk(f"after {word}")
            assert ends == [-signal.SIGKILL]
        assert way.desk.seen() == [line for word in words[:count] for line in (word, f"after {word}")]
    await way.there_and_back()
    assert way.desk.seen() == ["one", "after one", "two", "after two", "the last words"]
    assert len(way.desk.tickets()) == 1
    assert way.phone.received(CUSTOMER) == ["goodbye"]


async def test_the_answer_to_a_write_is_lost(way: Way) -> None:
    opening = way.desk.faults.add(Trouble.RESET_AFTER, way.desk.creates)
    await way.begin("one")
    adding = way.desk.faults.add(Trouble.RESET_AFTER, way.desk.says, times=2)
    await way.phone.sends_image(CUSTOMER, picture("navy"))
    await way.phone.says(CUSTOMER, "two")
    await way.reach_the_desk("two")
    await way.there_and_back()
    assert (opening.hits, adding.hits) == (1, 2)
    assert way.desk.seen() == ["one", "two", "the last words"]
    assert way.desk.files() == [picture("navy")]
    assert len(way.desk.tickets()) == 1


async def test_wrong_credentials_lose_nothing(way: Way) -> None:
    way.desk.refuse_credentials()
    await way.bridge.start()
    await way.phone.says(CUSTOMER, "one")
    async with asyncio.timeout(60):
        while not await way.rests():
            await asyncio.sleep(0.1)
    await way.phone.says(CUSTOMER, "two")
    assert way.desk.tickets() == []
    way.desk.accept_credentials()
    await until(lambda: "two" in way.desk.seen())
    await way.there_and_back()
    assert way.desk.seen() == ["one", "two", "the last words"]
    assert not await way.rests()


async def test_error_pages_and_limits_are_waited_out(way: Way) -> None:
    page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
    way.desk.faults.add(Trouble.STATUS, way.desk.creates, times=2, status=502, body=page)
    await way.begin("one")
    limited = {"retry-after": "1"}
    refused = way.desk.faults.add(Trouble.STATUS, way.desk.says, status=429, headers=limited, body=b"slow down")
    for line in ("two", "three"):
        await way.phone.says(CUSTOMER, line)
    await way.reach_the_desk("two", "three")
    refused_all = way.desk.faults.add(Trouble.STATUS, ".", times=3, status=502, body=page)
    await way.there_and_back()
    assert refused.hits == 1
    assert refused_all.hits == 3
    assert way.desk.seen() == ["one", "two", "three", "the last words"]
    assert way.phone.received(CUSTOMER) == ["goodbye"]
    assert len(way.desk.tickets()) == 1

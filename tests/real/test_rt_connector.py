"""The connector alone against a real Request Tracker: what its vendor really does with what we send."""

import asyncio
import base64
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Contact,
    File,
    Gone,
    Http,
    Image,
    Message,
    MessageReceived,
    Part,
    Raw,
    Receipt,
    RenderContext,
    Status,
    StatusChanged,
    Step,
    Support,
    Target,
    Text,
)
from bridge.testing.rig import lend_account
from connectors.rt import RequestTracker
from connectors.rt.text import address
from tests.real.rt_server import RealRt

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
AWKWARD = "\n  你好\n\n> quoted\nFrom me\n-- \n[desk.test #1] {{x}} <script>&amp;\t\u00a0👍🏽\n\n."


@pytest.fixture(scope="module")
def rt() -> Iterator[RealRt]:
    with tempfile.TemporaryDirectory(prefix="bridge-rt-") as place:
        Path(place).chmod(0o755)  # RT's server is another user
        found = RealRt(Path(place) / "data").start()
        yield found
        found.clean()


class Desk:
    """A connector, and a customer nobody knew before."""

    def __init__(self, connector: RequestTracker, rt: RealRt) -> None:
        self.connector, self.rt = connector, rt
        self.contact = Contact(id=f"o{uuid4().hex[:12]}_Ab-", name='顾客甲, "Guest" <G>')
        self.address = address(self.contact.id, "bridge.invalid")

    def steps(self, *parts: Part, ticket: str | None = None, **context: Any) -> list[Step]:
        message = Message(id=uuid4().hex, conversation="c", author=Author(kind=AuthorKind.CUSTOMER), parts=parts)
        return list(
            self.connector.render([message], RenderContext(conversation=ticket, contact=self.contact, **context))
        )

    def target(self, ticket: str | None = None, **more: Any) -> Target:
        return Target(
            key=uuid4().hex,
            link="1",
            conversation=ticket,
            contact=self.contact,
            tried_at=datetime.now(UTC),
            **more,
        )

    async def says(self, *parts: Part | str, ticket: str | None = None, **more: Any) -> tuple[Step, Target, Receipt]:
        said = [Text(body=part) if isinstance(part, str) else part for part in parts]
        (step,) = self.steps(*said, ticket=ticket)
        target = self.target(ticket, **more)
        target = target.model_copy(update={"prepared": await self.connector.prepare(step, target)})
        return step, target, await self.connector.deliver(step, target)

    async def file(self, name: str, mime: str = "image/png", data: bytes = PNG) -> Any:
        return await self.connector.account.media.keep(data, name=name, mime=mime)

    def events(self, raws: Any) -> list[Any]:
        return [event for raw in raws for event in self.connector.normalise(raw)]

    async def since(self, cursor: str | None, *tickets: str) -> list[Raw]:
        """What a poll brings of these tickets; it overlaps, so that it brings others' too."""
        raws: list[Raw] = []
        while True:
            page = await self.connector.poll(cursor)
            raws += page.raws
            cursor = page.cursor
            if not page.more:
                return [raw for raw in raws if json.loads(raw.payload)["ticket"] in tickets]


@pytest.fixture(params=["rest", "gateway"])
async def desk(rt: RealRt, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    more = {"mail_gateway": rt.facts["base_url"]} if request.param == "gateway" else {}
    async with lend_account("desk", home=rt.facts["rest2"], timeout=30) as account:
        yield Desk(RequestTracker(RequestTracker.Config.model_validate(rt.account(**more)), account), rt)


async def as_root(rt: RealRt, method: str, path: str, **options: Any) -> Any:
    http = Http(timeout=30)
    try:
        login = base64.b64encode(f"root:{rt.facts['root_password']}".encode()).decode()
        headers = {"authorization": f"Basic {login}"}
        answer = await http.request(method, rt.facts["rest2"] + path, headers=headers, **options)
        assert answer.ok, answer.text
        return answer.json()
    finally:
        await http.close()


async def test_words_and_files_stand_there_as_they_were_sent(desk: Desk) -> None:
    picture = Image(media=await desk.file("图片 1;'a.png"))
    document = File(media=await desk.file("Größe.txt", "text/plain", "Größe\n".encode()))
    _, _, made = await desk.says(AWKWARD, picture, document)
    await desk.says(AWKWARD, picture, document, ticket=made.conversation)
    first, second = await desk.rt.seen(made.conversation)
    assert (first[0], second[0]) == ("Create", "Correspond")
    assert first[3] == second[3] == {"图片 1;'a.png": len(PNG), "Größe.txt": len("Größe\n".encode())}
    for _, _, text, _ in (first, second):
        assert text.startswith(AWKWARD + "\n[image: 图片 1;'a.png]"), "not a character is lost"


async def test_who_the_author_is(desk: Desk) -> None:
    _, _, made = await desk.says("one")
    await desk.says("two", ticket=made.conversation)
    gateway = desk.connector.capabilities.customer_is_author is Support.FULL
    author = desk.address if gateway else "bridge"
    assert [who for _, who, _, _ in await desk.rt.seen(made.conversation)] == [author, author]
    assert made.peer == desk.address
    person = await as_root(desk.rt, "GET", f"/user/{desk.address}")
    assert person["RealName"] == "顾客甲 Guest G"


async def test_a_lost_answer_is_found_and_what_never_was_is_not(desk: Desk) -> None:
    step, target, made = await desk.says("one")
    other = desk.target()
    (never,) = desk.steps(Text(body="never sent"))
    assert await desk.connector.lookup(step, target) == made
    assert await desk.connector.lookup(never, other) is None
    assert await desk.connector.lookup(step, other) is None, "the very words, but another step's"
    step, target, said = await desk.says("two", ticket=made.conversation)
    assert len(said.ids) == 1
    assert await desk.connector.lookup(step, target) == said
    assert await desk.connector.lookup(step, desk.target(made.conversation)) is None


async def test_a_ticket_is_found_by_a_bridge_that_remembers_nothing(desk: Desk) -> None:
    """The process died between RT's answer and its own commit."""
    step, target, made = await desk.says(AWKWARD, Image(media=await desk.file("图.png")))
    async with lend_account("desk", home=desk.rt.facts["rest2"], timeout=30) as account:
        reborn = RequestTracker(desk.connector.config, account)
        found = await reborn.lookup(step, target)
        assert found == made
        assert await reborn.lookup(step, target) == made


async def test_answers_comments_and_changes_come_with_one_key_by_both_ways(desk: Desk) -> None:
    _, _, made = await desk.says("question")
    cursor = (await desk.connector.poll(None)).cursor
    ticket = made.conversation
    file = ("附件.pdf", "application/pdf", b"%PDF-1.4 x")
    await desk.rt.answers(ticket, "<p>yes <b>today</b></p>\n<p>&nbsp;</p>\n", html=True, files=(file,))
    await desk.rt.answers(ticket, "internal", verb="comment")
    await desk.says("thanks", ticket=ticket)
    await desk.rt.set_status(ticket, "resolved")
    raws = await desk.since(cursor, ticket)
    messages = [event.message for event in desk.events(raws) if isinstance(event, MessageReceived)]
    assert [(m.audience, m.author.kind, m.author.name) for m in messages] == [
        (Audience.CUSTOMER, AuthorKind.AGENT, "Agent Anna"),
        (Audience.AGENTS, AuthorKind.AGENT, "Agent Anna"),
    ], "our own words are not among them"
    assert messages[0].parts[0].body == "<p>yes <b>today</b></p>"
    media = messages[0].parts[1].media
    assert (media.name, media.mime, media.size) == ("附件.pdf", "application/pdf", 10)
    assert b"".join([chunk async for chunk in desk.connector.fetch(media, 100)]) == b"%PDF-1.4 x"
    assert desk.events(raws)[-1] == StatusChanged(conversation=ticket, status=Status.SOLVED)
    async with lend_account("desk", home=desk.rt.facts["rest2"], timeout=30) as account:
        nudged = await RequestTracker(desk.connector.config, account).poll(None, ticket)
    assert {raw.key: raw.payload for raw in raws}.items() <= {raw.key: raw.payload for raw in nudged.raws}.items()


async def test_a_solved_ticket_opens_with_the_customers_word(desk: Desk) -> None:
    _, _, made = await desk.says("one")
    await desk.rt.set_status(made.conversation, "resolved")
    await desk.says("two", ticket=made.conversation)
    assert await desk.rt.status(made.conversation) == "open"


async def test_a_note_does_not_reopen(desk: Desk) -> None:
    _, _, made = await desk.says("one")
    await desk.rt.set_status(made.conversation, "resolved")
    note = Message(
        id="n",
        conversation="c",
        author=Author(kind=AuthorKind.BRIDGE),
        parts=(Text(body="not delivered"),),
        audience=Audience.AGENTS,
    )
    (step,) = desk.connector.render([note], RenderContext(conversation=made.conversation, status=Status.SOLVED))
    target = desk.target(made.conversation)
    target = target.model_copy(update={"prepared": await desk.connector.prepare(step, target)})
    receipt = await desk.connector.deliver(step, target)
    assert await desk.rt.status(made.conversation) == "resolved"
    assert await desk.connector.lookup(step, target) == receipt
    assert (await desk.rt.seen(made.conversation))[-1][:3] == ("Comment", "bridge", "not delivered")


@pytest.mark.parametrize("status", ["rejected", "deleted"])
async def test_a_finished_ticket_takes_nothing_more(desk: Desk, status: str) -> None:
    _, _, made = await desk.says("one")
    await as_root(desk.rt, "PUT", f"/ticket/{made.conversation}", json={"Status": status})
    with pytest.raises(Gone) as caught:
        await desk.says("two", ticket=made.conversation)
    assert caught.value.moved_to is None


async def test_a_merge_is_told_and_followed(desk: Desk) -> None:
    _, _, target = await desk.says("the one that stays")
    _, _, ours = await desk.says("the one that goes")
    cursor = (await desk.connector.poll(None)).cursor
    await desk.rt.answers(ours.conversation, "before the merge")
    step, sent, said = await desk.says("sent before the merge", ticket=ours.conversation)
    await as_root(desk.rt, "PUT", f"/ticket/{ours.conversation}", json={"MergeInto": target.conversation})
    await desk.rt.answers(target.conversation, "after the merge")
    told = [
        (event.message.conversation, event.message.parts[0].body)
        if isinstance(event, MessageReceived)
        else (event.conversation, event.moved_to)
        for event in desk.events(await desk.since(cursor, ours.conversation, target.conversation))
        if isinstance(event, MessageReceived) or event.moved_to
    ]
    assert told == [
        (ours.conversation, "before the merge"),
        (ours.conversation, target.conversation),
        (target.conversation, "after the merge"),
    ]
    with pytest.raises(Gone) as caught:
        await desk.says("more", ticket=ours.conversation)
    assert caught.value.moved_to == target.conversation
    for ticket in (ours.conversation, target.conversation):
        found = await desk.connector.lookup(step, sent.model_copy(update={"conversation": ticket}))
        assert found is not None
        assert found.ids == said.ids, "not written once more where the conversation goes on"


async def test_an_answer_in_another_queue_is_found_while_we_may_see_it(desk: Desk) -> None:
    _, _, made = await desk.says("one")
    cursor = (await desk.connector.poll(None)).cursor
    queue = await as_root(desk.rt, "POST", "/queue", json={"Name": f"Sales / {uuid4().hex[:6]}"})
    await as_root(desk.rt, "PUT", f"/ticket/{made.conversation}", json={"Queue": queue["id"]})
    with pytest.raises(Gone) as caught:  # not a matter of credentials: the account must go on
        await desk.says("two", ticket=made.conversation)
    assert caught.value.moved_to is None
    await _let_bridge_read(desk.rt, queue["id"])
    with pytest.raises(Gone):  # it may read there, but not write
        await desk.says("three", ticket=made.conversation)
    await as_root(desk.rt, "POST", f"/ticket/{made.conversation}/correspond", json=_plain("from the other queue"))
    raws = await desk.since(cursor, made.conversation)
    texts = [e.message.parts[0].body for e in desk.events(raws) if isinstance(e, MessageReceived)]
    assert texts == ["from the other queue"]


def _plain(text: str) -> dict[str, str]:
    return {"Content": text, "ContentType": "text/plain"}


async def _let_bridge_read(rt: RealRt, queue: str) -> None:
    """REST2 cannot grant rights, RT's own library can."""
    code = (
        "use lib '/usr/share/request-tracker5/lib'; use RT; RT::LoadConfig(); RT::Init();"
        "my $u = RT::User->new(RT->SystemUser); $u->Load('bridge');"
        f"my $q = RT::Queue->new(RT->SystemUser); $q->Load({queue});"
        "$u->PrincipalObj->GrantRight(Right => $_, Object => $q) for qw(SeeQueue ShowTicket);"
    )
    folder = rt.facts["dir"]
    process = await asyncio.create_subprocess_exec(
        "runuser", "-u", "www-data", "--", "env", f"RT_SITE_CONFIG={folder}/RT_SiteConfig.pm",
        f"RT_SITE_CONFIG_DIR={folder}/none", f"HOME={folder}", f"TMPDIR={folder}/tmp", "perl", "-e", code,
    )  # fmt: skip
    assert await process.wait() == 0


async def test_a_customer_by_real_mail_is_no_agent(desk: Desk) -> None:
    _, _, made = await desk.says("one")
    cursor = (await desk.connector.poll(None)).cursor
    http = Http(timeout=30)
    mail = (
        f"From: somebody.else@customer.test\nTo: support@desk.test\nSubject: Re: [desk.test #{made.conversation}] one\n"
        "Message-ID: <a@customer.test>\nContent-Type: text/plain; charset=utf-8\n\nI am in Cc\n"
    )
    url = f"{desk.rt.facts['base_url']}/REST/1.0/NoAuth/mail-gateway"
    fields = {"queue": "Support", "action": "correspond", "message": mail}
    answer = await http.request("POST", url, data=fields)
    await http.close()
    assert answer.text.startswith("ok")
    (event,) = desk.events(await desk.since(cursor, made.conversation))[:1]
    assert event.message.author.kind is AuthorKind.CUSTOMER
    assert event.message.parts[0].body == "I am in Cc"


async def test_check_knows_version_user_and_queue(desk: Desk) -> None:
    await desk.says("so that there is a ticket whose rights can be seen")
    health = await desk.connector.check()
    assert health.ok, health.problems
    assert health.facts["version"].startswith("5.")
    assert (health.facts["user"], health.facts["queue"]) == ("bridge", "Support")


@pytest.mark.parametrize(
    ("key", "value", "what"), [("token", "1-31-" + "0" * 32, "401"), ("queue", "Nowhere / at all", "Nowhere / at all")]
)
async def test_check_says_what_is_wrong(rt: RealRt, key: str, value: str, what: str) -> None:
    async with lend_account("desk", home=rt.facts["rest2"], timeout=30) as account:
        config = RequestTracker.Config.model_validate(rt.account(**{key: value}))
        health = await RequestTracker(config, account).check()
    assert what in health.problems[0].what
    assert health.problems[0].remedy

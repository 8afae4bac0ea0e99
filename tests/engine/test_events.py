"""`[[events]]`: other systems are told, signed, in order per conversation, until they take it, and again when asked."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import standardwebhooks
from click.testing import CliRunner
from pydantic import ValidationError

from bridge.api.description import describe_api
from bridge.cli.dead_letters import dead_json, drop, replay
from bridge.cli.main import main
from bridge.contract import Http
from bridge.events.overview import events_json, events_text, replay_ids, replay_receiver
from bridge.settings import EventSettings, Settings
from bridge.settings.events import KINDS
from bridge.status import status_json, status_text
from bridge.testing.clock import system_clock
from mappings import outgoing
from tests.engine.platform_harness import CUSTOMER, PlatformHarness

SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cy0wMDAwMDE="
CRM = {"url": "https://crm.example.com/events", "secret": SECRET, "name": "crm"}
OTHER = "oCustomer_B"
Answer = Callable[[dict[str, Any]], httpx.Response]


def _closed(schema: Any) -> Any:
    """A schema that takes nothing which it does not name."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _closed(value) for key, value in schema.items()}
    return (
        found | {"additionalProperties": False} if schema.get("type") == "object" and "properties" in schema else found
    )


DESCRIBED = describe_api()
COMPONENTS = _closed(DESCRIBED["components"])


def is_as_described(request: httpx.Request) -> None:
    """An event is what the API's OpenAPI file says of its kind, with its headers, and nothing more."""
    body = json.loads(request.content)
    described = DESCRIBED["webhooks"][body["type"]]["post"]
    assert all(one["name"] in request.headers for one in described["parameters"])
    schema = {**described["requestBody"]["content"]["application/json"]["schema"], "components": COMPONENTS}
    jsonschema.Draft202012Validator(schema).validate(body)


class Receiver:
    """A system that is told. `answer` may refuse."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.names: list[str] = []
        self.tries: list[tuple[str, str]] = []
        self.answer: Answer = lambda _: httpx.Response(204)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        is_as_described(request)
        body = json.loads(request.content)
        self.tries.append((request.url.host, body["type"]))
        answer = self.answer(body)
        if answer.is_success:
            self.taken.append(body)
            self.names.append(request.headers["webhook-id"])
        return answer

    def kinds(self, customer: str = CUSTOMER) -> list[str]:
        return [one["type"] for one in self.taken if one["data"]["conversation"]["conversation"] == customer]


class Telling(PlatformHarness):
    def __init__(self, database_url: str, folder: Path, *events: dict[str, Any], **options: Any) -> None:
        super().__init__(database_url, folder, events=list(events) or [CRM], **options)
        self.crm = Receiver()

    def build(self) -> Any:
        bridge = super().build()
        bridge.events._http = Http(transport=httpx.MockTransport(self.crm))
        return bridge

    async def told(self) -> None:
        await self.quiet()
        assert self.bridge is not None
        await self.bridge.events.tick()

    async def read_all(self, function: Any, *arguments: Any) -> Any:
        assert self.bridge is not None
        return await self.bridge.store.read(function, *arguments)


@pytest.fixture
async def telling(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Telling]:
    found = Telling(database_url, tmp_path, *getattr(request, "param", ()))
    async with found.running():
        yield found


async def test_a_conversation_is_told_in_the_order_in_which_it_happened(telling: Telling) -> None:
    crm = telling.crm
    await telling.asks("secret words of a customer")
    await telling.answer("secret words of an agent")
    telling.vendors.set_status(telling.only_ticket, "solved")
    await telling.read()
    await telling.asks("again")
    await telling.told()
    assert crm.kinds() == [
        "conversation.opened", "message.received", "message.accepted", "conversation.solved", "message.received",
        "conversation.reopened",
    ]  # fmt: skip
    assert "secret" not in str(crm.taken), "no words without texts = true"
    accepted = crm.taken[2]
    assert accepted["data"]["conversation"] | {"id": 0, "person": 0} == {
        "id": 0, "person": 0, "channel": "shop", "conversation": CUSTOMER, "desk": "desk", "ticket": telling.only_ticket,
    }  # fmt: skip
    (message,) = accepted["data"]["messages"]
    assert (message["from"], message["kinds"]) == ("person", ["text"]) and "text" not in message
    assert len(set(crm.names)) == 6 and all(name.startswith("evt_") for name in crm.names)
    await telling.told()
    assert len(crm.taken) == 6, "told once"


BOTH = (
    {"url": "https://crm.example.com/x", "secret": SECRET, "kinds": ["message.*"], "texts": True},
    {"url": "https://bi.example.com/x", "secret": SECRET, "kinds": ["conversation.*", "rating"]},
)


@pytest.mark.parametrize("telling", [BOTH], indirect=True)
async def test_each_receiver_is_told_what_it_asked_for_and_signed(telling: Telling) -> None:
    """The library of standardwebhooks.com verifies it."""
    seen: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        standardwebhooks.Webhook(SECRET).verify(request.content, dict(request.headers))
        seen.append((request.url.host, json.loads(request.content)))
        return httpx.Response(200)

    assert telling.bridge is not None
    telling.bridge.events._http = Http(transport=httpx.MockTransport(answer))
    telling.bridge.events._now = system_clock  # the library knows no other time
    await telling.asks("where is it?")
    await telling.answer("on its way")
    await telling.told()
    crm = [body for host, body in seen if host == "crm.example.com"]
    assert [one["type"] for one in crm] == ["message.received", "message.accepted"]
    assert [one["data"]["messages"][0]["text"] for one in crm] == ["where is it?", "on its way"]
    assert [body["type"] for host, body in seen if host == "bi.example.com"] == ["conversation.opened"]


async def test_one_event_that_is_refused_holds_up_its_own_conversation_only(telling: Telling) -> None:
    crm = telling.crm
    crm.answer = lambda body: httpx.Response(
        422 if CUSTOMER in str(body) and body["type"] == "message.received" else 200
    )
    await telling.asks("a")
    await telling.answer("b")
    await telling.phone.says(OTHER, "c")
    await telling.told()
    assert crm.kinds() == ["conversation.opened"] and "message.received" in crm.kinds(OTHER)
    crm.answer = lambda _: httpx.Response(200)
    await telling.told()
    assert crm.kinds() == ["conversation.opened"], "not before its time"
    telling.clock.advance(seconds=6)
    await telling.told()
    assert crm.kinds() == ["conversation.opened", "message.received", "message.accepted"], "and nothing overtook it"


@pytest.mark.parametrize("trouble", [500, 502, 401, 404, 302, httpx.ConnectError("refused"), httpx.ReadTimeout("late")])
async def test_a_receiver_in_trouble_rests_and_loses_nothing(telling: Telling, trouble: Any) -> None:
    crm = telling.crm

    def fail(_: Any) -> httpx.Response:
        if isinstance(trouble, Exception):
            raise trouble
        return httpx.Response(trouble)

    crm.answer = fail
    for customer in (CUSTOMER, OTHER, "oCustomer_C"):
        await telling.phone.says(customer, "hello")
    await telling.told()
    first = len(crm.tries)
    await telling.told()
    assert 0 < first <= 3 and len(crm.tries) == first, "it rests"
    for _ in range(4):
        telling.clock.advance(seconds=60)
        await telling.told()
    assert len(crm.tries) <= first + 4, "one event asks whether it is over"
    crm.answer = lambda _: httpx.Response(200)
    telling.clock.advance(hours=1)
    await telling.told()
    for customer in (CUSTOMER, OTHER, "oCustomer_C"):
        assert crm.kinds(customer) == ["conversation.opened", "message.received"]
    assert len(set(crm.names)) == len(crm.names), "each was taken once"


async def test_a_receiver_that_asks_for_time_gets_it(telling: Telling) -> None:
    crm = telling.crm
    crm.answer = lambda _: httpx.Response(429, headers={"retry-after": "120"})
    await telling.asks()
    await telling.told()
    telling.clock.advance(seconds=119)
    crm.answer = lambda _: httpx.Response(200)
    await telling.told()
    assert len(crm.tries) == 1
    telling.clock.advance(seconds=2)
    await telling.told()
    assert crm.kinds() == ["conversation.opened", "message.received"]


async def test_what_is_given_up_is_seen_and_can_be_told_again(telling: Telling) -> None:
    """After three days; or at once where the receiver says never again. What follows in the conversation goes on."""
    crm = telling.crm
    crm.answer = lambda body: httpx.Response(410 if body["type"] == "conversation.opened" else 200)
    await telling.asks()
    await telling.told()
    assert crm.kinds() == ["message.received"]
    bridge = telling.bridge
    assert bridge is not None
    found = await telling.read_all(dead_json)
    (group,) = found["groups"]
    assert (group["account"], group["state"], group["cause"]) == ("events crm", "dead", "http 410")
    status = await telling.read_all(status_json, bridge.settings, telling.clock())
    assert any("events for crm" in one for one in status["needs_you"]) and "[✗] events crm" in status_text(status)
    crm.answer = lambda _: httpx.Response(200)
    identifier = group["entries"][0]["id"]
    assert await bridge.store.write(replay, [identifier], "test", telling.clock()) == 1
    await telling.told()
    assert crm.kinds() == ["message.received", "conversation.opened"]
    assert (await telling.read_all(dead_json))["groups"] == []
    crm.answer = lambda _: httpx.Response(400)
    await telling.answer("b")
    await telling.told()
    telling.clock.advance(days=3, seconds=1)
    await telling.told()
    (group,) = (await telling.read_all(dead_json))["groups"]
    assert group["cause"] == "http 400"
    assert await bridge.store.write(drop, [group["entries"][0]["id"]], "test", telling.clock()) == 1


async def test_all_since_a_moment_are_told_again_under_the_names_they_had(telling: Telling) -> None:
    crm = telling.crm
    await telling.asks("a")
    await telling.told()
    telling.clock.advance(hours=3)
    await telling.asks("b")
    await telling.told()
    before = list(crm.names)
    bridge = telling.bridge
    assert bridge is not None and len(before) == 3
    since = telling.clock() - timedelta(hours=1)
    assert await bridge.store.write(replay_receiver, bridge.settings.events[0], since, "test", telling.clock()) == 1
    await telling.told()
    assert crm.names == [*before, before[2]]
    rows = await telling.read_all(outgoing.latest)
    assert await bridge.store.write(replay_ids, [row.id for row in rows], "test", telling.clock()) == 3
    await telling.told()
    assert sorted(crm.names[4:]) == sorted(before)
    listed = await telling.read_all(events_json, bridge.settings.events)
    assert "crm  crm.example.com" in events_text(listed) and len(listed["latest"]) == 3
    assert "https" not in str(listed), "an address may hold a key"
    telling.clock.advance(days=15)
    assert await bridge.store.write(outgoing.forget, telling.clock()) == 3


NEW = {
    "url": "https://new.example.com/x",
    "secret": SECRET,
    "name": "new",
    "kinds": ["message.*", "conversation.solved"],
}


@pytest.mark.parametrize("words", [False, True])
async def test_a_new_receiver_is_told_the_past_when_it_is_asked_for(
    database_url: str, tmp_path: Path, *, words: bool
) -> None:
    """What others were told, under the same names, once, and with words only where it wants them and they were told."""
    telling = Telling(database_url, tmp_path, *BOTH)
    crm = telling.crm
    async with telling.running():
        await telling.asks("where is it?")
        await telling.answer("on its way")
        await telling.told()
        telling.clock.advance(hours=1)
    names = dict(zip(crm.kinds(), crm.names, strict=True))
    crm.taken, crm.names, crm.tries = [], [], []
    telling.options["events"] = [*BOTH, {**NEW, "texts": words}]
    async with telling.running() as bridge:
        telling.clock.advance(minutes=1)  # the lease of the one before is over
        new, now = bridge.settings.events[-1], telling.clock()
        assert await bridge.store.write(replay_receiver, new, now, "test", now) == 0
        assert await bridge.store.write(replay_receiver, new, now - timedelta(hours=2), "test", now) == 2
        await telling.told()
        assert crm.kinds() == ["message.received", "message.accepted"]
        assert crm.names == [names[kind] for kind in crm.kinds()]
        assert ["on its way" in str(one) for one in crm.taken] == [False, words]
        assert {host for host, _ in crm.tries} == {"new.example.com"}
        await telling.asks("thanks")
        await telling.told()
        assert [host for host, _ in crm.tries[2:]] == ["crm.example.com", "new.example.com"]
        again = await bridge.store.write(replay_receiver, new, now - timedelta(hours=2), "test", now)
        assert again == 3, "nothing is there twice"


async def test_a_crash_after_sending_tells_it_once_more_under_the_same_name(telling: Telling) -> None:
    crm, bridge = telling.crm, telling.bridge
    assert bridge is not None
    await telling.asks()
    await telling.quiet()
    write = bridge.store.write

    def die(function: Any, *arguments: Any) -> Any:
        if function is outgoing.settle:
            raise RuntimeError("killed")
        return write(function, *arguments)

    bridge.store.write = die  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        await bridge.events.tick()
    bridge.store.write = write  # type: ignore[method-assign]
    await telling.told()
    assert crm.kinds() == ["conversation.opened", "conversation.opened", "message.received"]
    assert crm.names[0] == crm.names[1] != crm.names[2]


async def test_answers_that_did_not_arrive_are_told_with_their_reason(telling: Telling) -> None:
    crm = telling.crm
    await telling.asks()
    for number in range(7):
        await telling.answer(str(number))
        await telling.wait(6)
    await telling.told()
    assert crm.kinds().count("message.accepted") == 5 and "message.held" in crm.kinds()
    await telling.wait(days=8)
    await telling.told()
    ended = [one["data"] for one in crm.taken if one["type"] == "message.failed"]
    assert ended and {one["code"] for one in ended} == {"expired"} and all(one["messages"] for one in ended)


class Everything(Telling):
    """A route that asks how it was, and another desk to move to."""

    def settings(self) -> Settings:
        self.options["routes"] = [{"channel": "shop", "desk": "desk", "survey": {"after": "1s"}}]
        found = super().settings()
        found.accounts["other"] = found.accounts["desk"]
        return found

    def declared(self) -> dict[str, Any]:
        found = super().declared()
        return {**found, "other": replace(found["desk"], name="other")}


@pytest.mark.parametrize("texts", [False, True])
async def test_every_kind_is_sent_and_is_as_it_is_described(database_url: str, tmp_path: Path, *, texts: bool) -> None:
    telling = Everything(database_url, tmp_path, {**CRM, "texts": texts})
    async with telling.running():
        await telling.asks()
        await telling.answer("b")
        for status in ("solved", "open", "solved"):
            telling.vendors.set_status(telling.only_ticket, status)
            await telling.read()
        await telling.wait(60)
        await telling.asks("4")
        telling.vendors.set_status(telling.only_ticket, "closed")
        await telling.read()
        await telling.asks("and another thing")
        ticket = list(telling.vendors.tickets)[-1]
        telling.phone.fail(-1, times=3, carried_out=False)
        await telling.answer("perhaps", ticket=ticket)
        for _ in range(12):
            await telling.wait(40)
        for number in range(7):
            await telling.answer(str(number), ticket=ticket)
            await telling.wait(6)
        await telling.answer("#move other", ticket=ticket, private=True)
        await telling.wait(days=8)
        await telling.told()
    assert set(telling.crm.kinds()) == set(KINDS) == set(DESCRIBED["webhooks"])
    assert ("text" in str(telling.crm.taken[1]["data"]["messages"][0].keys())) == texts


async def test_nothing_is_written_where_nobody_is_told(database_url: str, tmp_path: Path) -> None:
    harness = PlatformHarness(database_url, tmp_path)
    async with harness.running() as bridge:
        await harness.asks()
        await harness.answer("b")
        assert not bridge.runtime.announces
        assert await bridge.store.read(outgoing.latest) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://crm.example.com"}, "plain http"),
        ({"secret": "no base64!"}, "whsec_"),
        ({"kinds": ["conversation.begun"]}, "is no kind"),
        ({"kinds": []}, "names nothing"),
        ({"text": True}, "text"),
    ],
)
def test_faults_in_the_configuration_are_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        EventSettings(**{**CRM, **changes})


def test_a_receiver_keeps_its_name_when_another_comes_before_it() -> None:
    one = EventSettings(url="https://crm.example.com/a?key=1", secret=SECRET)
    other = EventSettings(url="https://crm.example.com/a?key=2", secret=SECRET)
    assert one.receiver != other.receiver and one.receiver.startswith("crm.example.com-") and "key" not in repr(one)


def test_commands_work_beside_a_bridge(database_url: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[bridge]\npublic_url = "http://127.0.0.1:1"\ndatabase_url = "{database_url}"\n'
        f'media_dir = "{tmp_path}/media"\nsecret_key = "{"0123456789abcdef" * 2}"\n'
        f'[[events]]\nname = "crm"\nurl = "http://127.0.0.1:9/x"\nsecret_file = "{tmp_path}/secret"\n',
        "utf-8",
    )
    (tmp_path / "secret").write_text(SECRET)

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["events", *arguments, "--config", str(config)])

    assert "crm  127.0.0.1" in run("list").output
    assert json.loads(run("list", "--json").output)["receivers"][0]["waiting"] == 0
    assert run("replay", "crm", "--since", "2h").output.strip() == "sending again: 0"
    assert run("replay", "e1").output.strip() == "sending again: 0"
    for wrong in (
        ("replay",),
        ("replay", "x1"),
        ("replay", "other", "--since", "2h"),
        ("replay", "crm", "--since", "2"),
    ):
        assert run(*wrong).exit_code != 0, wrong
    assert "not taken" in run("test", "crm").output
    assert run("test", "other").exit_code != 0

"""The interface for other systems: tokens with scopes, and every address as it is described."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from click.testing import CliRunner

from bridge.api.description import describe_api
from bridge.cli.common import reading
from bridge.cli.main import main
from mappings import api_tokens, state
from tests.engine.platform_harness import CUSTOMER, PlatformHarness

TOKEN = "token-of-the-shop-0123456789"
SCOPES = {"read": "r" * 40, "send": "s" * 40, "context": "c" * 40, "figures": "f" * 40}
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def harness(database_url: str, tmp_path: Path) -> PlatformHarness:
    return PlatformHarness(database_url, tmp_path, bridge={"api_token": TOKEN})


@asynccontextmanager
async def serving(harness: PlatformHarness) -> AsyncIterator[httpx.AsyncClient]:
    async with harness.running() as bridge:
        for scope, token in SCOPES.items():
            digest = hashlib.sha256(token.encode()).hexdigest()
            await bridge.store.write(api_tokens.add_token, f"only {scope}", digest, scope, NOW)
        transport = httpx.ASGITransport(bridge.app())
        async with httpx.AsyncClient(transport=transport, base_url="https://bridge.example.com") as api:
            yield api


def as_described(path: str, method: str, answer: httpx.Response) -> Any:
    """The answer's JSON, which is what the description says."""
    whole = describe_api()
    response = whole["paths"][path][method]["responses"][str(answer.status_code)]
    kind = answer.headers["content-type"].partition(";")[0]
    schema = {**response["content"][kind]["schema"], "components": whole["components"]}
    value = answer.json() if kind == "application/json" else answer.text
    jsonschema.Draft202012Validator(schema).validate(value)
    return value


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_every_address_answers_as_described(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        api.headers.update(bearer())
        await harness.asks("hello")
        ask = {"account": "shop", "conversation": CUSTOMER}
        sent = await api.post("/api/messages", json={**ask, "text": "on its way"})
        message = as_described("/api/messages", "post", sent)
        as_described("/api/context", "post", await api.post("/api/context", json={**ask, "profile": {"tier": "gold"}}))
        refused = await api.post("/api/consents", json={**ask, "template": "none"})
        as_described("/api/consents", "post", refused)
        as_described("/api/messages/{id}", "get", await api.get(message["address"]))
        as_described("/api/messages/{id}", "get", await api.get("/api/messages/none"))
        listed = as_described("/api/conversations", "get", await api.get("/api/conversations"))
        (row,) = listed["conversations"]
        assert (row["channel"], row["conversation"]) == ("shop", CUSTOMER)
        one = as_described("/api/conversations/{id}", "get", await api.get(f"/api/conversations/{row['id']}"))
        person = as_described("/api/people/{id}", "get", await api.get(f"/api/people/{one['person']}"))
        assert person["conversations"] == [row | {"at": person["conversations"][0]["at"]}]
        for path in ("/api/conversations/999", "/api/people/999", "/api/conversations/x"):
            described = path.rpartition("/")[0] + "/{id}"
            as_described(described, "get", await api.get(path))
        as_described("/api/conversations", "get", await api.get("/api/conversations?limit=9999"))
        as_described("/api/figures", "get", await api.get("/api/figures"))
        as_described("/api/figures/{what}", "get", await api.get("/api/figures/turns"))
        assert as_described("/api/openapi.json", "get", await api.get("/api/openapi.json")) == describe_api()
        words = str(one) + str(person) + str(listed)
        assert "hello" not in words, "what people said stands in the state"


async def test_what_is_described_is_what_there_is(harness: PlatformHarness) -> None:
    async with harness.running() as bridge:
        found = {
            (route.path, method.lower())
            for route in bridge._routes()
            if getattr(route, "path", "").startswith("/api/")
            for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
        }
    described = {(path, method) for path, item in describe_api()["paths"].items() for method in item}
    assert found == described


async def test_a_token_may_do_what_its_scopes_say(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        needs = {
            "/api/conversations": "read",
            "/api/people/1": "read",
            "/api/messages/1": "read",
            "/api/figures": "figures",
            "/api/figures/turns": "figures",
        }
        for path, scope in needs.items():
            for other, token in SCOPES.items():
                status = (await api.get(path, headers=bearer(token))).status_code
                assert (status == 403) == (other != scope), (path, other, status)
        for path, scope in {"/api/messages": "send", "/api/context": "context", "/api/consents": "context"}.items():
            for other, token in SCOPES.items():
                status = (await api.post(path, json={}, headers=bearer(token))).status_code
                assert status == (422 if other == scope else 403), (path, other)
        for token in SCOPES.values():
            assert (await api.get("/api/openapi.json", headers=bearer(token))).status_code == 200
        for headers in ({}, bearer(""), bearer("nobody's"), {"authorization": f"Basic {TOKEN}"}):
            assert (await api.get("/api/conversations", headers=headers)).status_code == 401


async def test_a_token_ends_and_its_last_use_is_known(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        assert harness.bridge is not None
        store, token = harness.bridge.store, "t" * 40
        digest = hashlib.sha256(token.encode()).hexdigest()
        until = harness.clock() + timedelta(days=1)
        await store.write(api_tokens.add_token, "crm", digest, "read", harness.clock(), until)

        async def used() -> Any:
            return next(row.used_at for row in await store.read(api_tokens.tokens) if row.name == "crm")

        async def becomes(moment: datetime) -> None:
            async with asyncio.timeout(5):  # nobody waits for it to be written
                while await used() != moment:
                    await asyncio.sleep(0.01)

        assert await used() is None
        assert (await api.get("/api/conversations", headers=bearer(token))).status_code == 200
        first = harness.clock()
        await becomes(first)
        harness.clock.advance(minutes=1)
        await api.get("/api/conversations", headers=bearer(token))
        assert await used() == first, "not with each call"
        harness.clock.advance(minutes=5)
        await api.get("/api/conversations", headers=bearer(token))
        await becomes(harness.clock())
        harness.clock.advance(days=1)
        answer = await api.get("/api/conversations", headers=bearer(token))
        assert answer.status_code == 401 and "ended" in answer.json()["error"]


async def test_a_stranger_with_one_token_after_the_other_is_not_looked_at(
    harness: PlatformHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does he lock out who shares his network."""
    async with serving(harness) as api:
        assert harness.bridge is not None
        store, asked = harness.bridge.store, 0
        read = store.read

        async def counted(*arguments: Any) -> Any:
            nonlocal asked
            asked += 1
            return await read(*arguments)

        assert (await api.get("/api/conversations", headers=bearer(SCOPES["read"]))).status_code == 200
        monkeypatch.setattr(store, "read", counted)
        statuses = [(await api.get("/api/people/1", headers=bearer(f"guess {n}"))).status_code for n in range(100)]
        assert statuses == [401] * 60 + [429] * 40 and asked == 60
        assert (await api.get("/api/conversations", headers=bearer(SCOPES["read"]))).status_code == 200
        assert (await api.get("/api/conversations", headers=bearer())).status_code == 200
        harness.clock.advance(minutes=1)
        assert (await api.get("/api/people/1", headers=bearer("a guess"))).status_code == 401


async def test_what_can_be_read_in_two_ways_or_not_at_all_is_refused(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        for body in (
            b'{"account": "shop", "account": "other", "conversation": "c"}',
            b'{"account": "shop", "conversation": "c", "profile": {"tier": "a", "tier": "b"}}',
            b"[" * 5000, b"\xff", b'{"account": "\\ud800", "conversation": "c"}', b"null", b"",
        ):  # fmt: skip
            for path in ("/api/context", "/api/messages", "/api/consents"):
                answer = await api.post(path, content=body, headers=bearer())
                assert answer.status_code == 422, (path, body[:60])
                as_described(path, "post", answer)
        twice = b'{"account": "shop", "conversation": "c", "template": "t", "count": 0, "count": 1}'
        assert "twice" in (await api.post("/api/consents", content=twice, headers=bearer())).text


@pytest.mark.parametrize("path", ["/api/conversations", "/api/people/1"])
async def test_pages_have_each_row_once_and_end(harness: PlatformHarness, path: str) -> None:
    """Also while new conversations come between two pages."""
    async with serving(harness) as api:
        api.headers.update(bearer())
        for number in range(7):
            await harness.phone.says(f"oCustomer_{number}", "hello")
        await harness.quiet()
        if path.startswith("/api/people"):
            rows = (await api.get("/api/conversations")).json()["conversations"]
            person = (await api.get(f"/api/conversations/{rows[0]['id']}")).json()["person"]
            path = f"/api/people/{person}"
        seen, before, pages = [], None, 0
        while pages < 20:
            query = "?limit=2" + (f"&before={before}" if before else "")
            page = (await api.get(path + query)).json()
            assert len(page["conversations"]) <= 2
            seen += [row["id"] for row in page["conversations"]]
            before, pages = page["next"], pages + 1
            if pages == 1:
                await harness.phone.says("oCustomer_new", "I came between")
                await harness.quiet()
            if before is None:
                break
        wanted = 1 if "people" in path else 7
        assert len(seen) == len(set(seen)) == wanted
        assert (await api.get(f"{path}?before=1")).json()["conversations"] == []
        for wrong in ("limit=0", "limit=201", "limit=x", "before=-1", "before=99999999999999999999"):
            assert (await api.get(f"{path}?{wrong}")).status_code == 422, wrong


async def test_a_token_may_not_call_without_end(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        for token in (TOKEN, SCOPES["read"]):
            calls = [await api.get("/api/openapi.json", headers=bearer(token)) for _ in range(601)]
            assert {one.status_code for one in calls[:600]} == {200}
            assert calls[-1].status_code == 429 and int(calls[-1].headers["retry-after"]) >= 1
            as_described("/api/openapi.json", "get", calls[-1])
        assert (await api.get("/api/openapi.json", headers=bearer(SCOPES["send"]))).status_code == 200


def test_tokens_are_shown_once_and_kept_as_hashes(database_url: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[bridge]\npublic_url = "http://127.0.0.1:1"\ndatabase_url = "{database_url}"\n'
        f'media_dir = "{tmp_path}/media"\nsecret_key = "{"0123456789abcdef" * 2}"\n',
        "utf-8",
    )

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["api", *arguments, "--config", str(config)])

    made = run("add-token", "crm", "--scope", "read", "--scope", "send")
    assert made.exit_code == 0, made.output
    token = made.stdout.strip()
    assert token.startswith("bridge_")
    assert run("add-token", "crm", "--scope", "read").exit_code != 0
    assert token not in run("list", "--json").output
    assert "crm  read send" in run("list").output and "never used" in run("list").output
    assert "no end" not in run("list").output, "a token that nobody ends stays for ever"
    assert run("add-token", "soon", "--scope", "read", "--expires", "90d").exit_code == 0
    assert run("add-token", "long", "--scope", "read", "--expires", "never").exit_code == 0
    assert "no end" in run("list").output
    for wrong in ("90", "0d", "tomorrow", "9999d"):
        assert run("add-token", "x", "--scope", "read", "--expires", wrong).exit_code != 0
    if database_url.startswith("sqlite"):
        kept = b"".join(
            path.read_bytes()
            for path in Path(database_url.partition("///")[2]).parent.glob("*")
            if path.is_file() and path != config
        )
        assert token.encode() not in kept
    assert run("revoke", "crm").exit_code == 0
    assert run("revoke", "crm").exit_code != 0
    written = [(row.what, row.detail) for row in reading(str(config), state.audits)]
    assert written[0] == ("revoke API token", "crm") and written[-1][1].startswith("crm: read send, until ")
    assert [what for what, _ in written].count("add API token") == 3, "what was refused stands nowhere"
    assert all(token not in detail for _, detail in written)

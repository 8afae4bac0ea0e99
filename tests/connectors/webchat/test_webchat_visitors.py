"""What visitors' browsers may and may not do."""

import gc
import hashlib
import hmac
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from starlette.requests import Request

from bridge.contract import Author, AuthorKind, DeliveryState, Entered, MessageReceived, Put, ReceiptReceived
from bridge.contract import Message as Said
from bridge.contract import Text as Words
from connectors.webchat.identity import Unproven, prove
from connectors.webchat.settings import Settings, allows
from connectors.webchat.signatures import Signatures, hashed
from connectors.webchat.text import clean, clean_name, clean_page
from tests.browser.page_harness import jwt
from tests.connectors.webchat.webchat_rig import ORIGIN, SECRET, WebchatRig, code, opened


def _answer(text: str, kind: AuthorKind = AuthorKind.AGENT) -> Said:
    return Said(id=f"desk-{text}", conversation="t", author=Author(kind=kind, name="Agent"), parts=(Words(body=text),))


def _claims(rig: WebchatRig, **more: Any) -> dict[str, Any]:
    return {"sub": "c-17", "exp": rig.clock().timestamp() + 300, **more}


# saying


async def test_a_message_is_kept_and_shown_once_however_often_it_is_repeated(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    first = await visitor.say("hello", "client-0001")
    again = await visitor.say("hello", "client-0001")
    other_words = await visitor.say("other words, same id", "client-0001")
    assert (first.status_code, again.status_code, other_words.status_code) == (201, 200, 200)
    assert first.json()["seq"] == again.json()["seq"] == other_words.json()["seq"] == 1
    assert [raw.key for raw in rig.kept] == [f"visitor:{visitor.id}:client-0001"]
    (event,) = rig.events()
    assert isinstance(event, MessageReceived)
    assert event.message.conversation == visitor.id == event.contact.id
    assert [part.body for part in event.message.parts] == ["hello"]
    shown = await visitor.seen()
    assert [entry["data"]["text"] for entry in shown["events"]] == ["hello"]


async def test_what_could_not_be_kept_is_not_confirmed_and_heals_on_the_repeat(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    rig.down = True
    answer = await visitor.say("hello", "client-0001")
    assert answer.status_code == 503 and code(answer) == "busy" and answer.headers["retry-after"]
    assert (await visitor.seen())["events"] == []
    rig.down = False
    assert (await visitor.say("hello", "client-0001")).status_code == 201


async def test_a_crash_between_keeping_and_showing_heals_on_the_repeat(rig: WebchatRig, monkeypatch: Any) -> None:
    visitor = await rig.visitor()
    commit = rig.account.records.commit

    async def dies(*changes: Any) -> Any:
        raise ConnectionError("the process died here")

    monkeypatch.setattr(rig.account.records, "commit", dies)
    with pytest.raises(ConnectionError):
        await visitor.say("hello", "client-0001")
    monkeypatch.setattr(rig.account.records, "commit", commit)
    assert (await visitor.say("hello", "client-0001")).status_code == 201
    assert len(rig.kept) == 1 and len((await visitor.seen())["events"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"client_id": "short", "text": "x"}, 400, "bad_client_id"),
        ({"client_id": "../../etc/passwd", "text": "x"}, 400, "bad_client_id"),
        ({"client_id": "client-0001", "text": "  "}, 400, "empty"),
        ({"client_id": "client-0001", "text": "x" * 4001}, 413, "text_too_long"),
        ({"client_id": "client-0001", "text": ["x"]}, 400, "empty"),
        ({"client_id": "client-0001", "attachments": ["u-not-mine"]}, 404, "no_file"),
        ({"client_id": "client-0001", "attachments": "u-1"}, 400, "bad_attachments"),
        ({"client_id": "client-0001", "attachments": ["a"] * 11}, 400, "bad_attachments"),
    ],
)
async def test_odd_messages_are_refused(rig: WebchatRig, body: dict[str, Any], status: int, reason: str) -> None:
    answer = await (await rig.visitor()).post("messages", body)
    assert (answer.status_code, code(answer)) == (status, reason)
    assert not rig.kept


_SAID = b'{"client_id":"client-0001","text":"hello"}'


async def test_bodies_that_are_no_small_json_object_are_refused(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    headers = visitor.headers | {"content-type": "application/json"}
    path = "/chat/site/v1/messages"
    for body, status in (
        (b"[" * 100_000, 413), (b"[" * 5_000, 400), (b"[]", 400), (b'{"a":1,"a":2}', 400), (b"\xff", 400), (b"", 400),
        (b'{"text":"' + b"x" * 40_000 + b'"}', 413), (_SAID[:-1] + b',"text":"other"}', 400),
        (_SAID[:-1] + b',"page":' + b'{"a":' * 25 + b"1" + b"}" * 26, 400), (_SAID, 201),
    ):  # fmt: skip
        assert (await visitor.client.post(path, content=body, headers=headers)).status_code == status
    form = await visitor.client.post(path, data={"text": "x"}, headers=visitor.headers)
    assert form.status_code == 415, "a form of another site must not get through"


async def test_a_flood_of_one_visitor_is_told_to_wait_and_harms_nobody_else(rig: WebchatRig) -> None:
    loud, calm = await rig.visitor(), await rig.visitor("198.51.100.8")
    statuses = [(await loud.say("x", f"client-{number:04}")).status_code for number in range(1000)]
    assert statuses[:20] == [201] * 20
    assert set(statuses[20:]) == {429}
    refused = await loud.say("x", "client-9999")
    assert refused.json()["error"]["retry_after_ms"] > 0
    assert (await calm.say("hello")).status_code == 201
    rig.clock.advance(refused.json()["error"]["retry_after_ms"] / 1000)
    assert (await loud.say("x", "client-9999")).status_code == 201


async def test_new_visitors_from_one_address_are_limited_and_known_ones_are_not(rig: WebchatRig) -> None:
    known = await rig.visitor()
    client = rig.client()
    statuses = [(await client.post("/chat/site/v1/sessions", json={})).status_code for _ in range(1000)]
    assert statuses.count(200) == 59, "60 at once, one of which was the first visitor"
    again = await client.post("/chat/site/v1/sessions", json={"visitor_token": known.token})
    assert again.status_code == 200 and again.json()["visitor"]["id"] == known.id
    assert (await known.say("still here")).status_code == 201
    assert (await client.post("/chat/site/v1/sessions", json={})).json()["error"]["retry_after_ms"] > 0


# who


async def test_a_token_of_one_visitor_is_nothing_of_another(rig: WebchatRig) -> None:
    one, other = await rig.visitor(), await rig.visitor()
    await one.say("mine alone")
    file = (await one.upload(b"%PDF-1.7 mine")).json()["id"]
    assert (await other.seen())["events"] == []
    assert (await other.get("messages")).json()["messages"] == []
    assert (await other.say("theirs", attachments=[file])).status_code == 404
    epoch = (await one.seen())["cursor"]
    foreign = await other.get("events", params={"since": epoch, "wait": "0"})
    assert foreign.status_code == 410 and code(foreign) == "resync"


@pytest.mark.parametrize("key", ["", "x", "Bearer", "Bearer x", "Bearer a.b", "Basic eDp4"])
async def test_without_a_key_nothing_opens(rig: WebchatRig, key: str) -> None:
    client = rig.client()
    for path in ("events", "messages"):
        answer = await client.get(f"/chat/site/v1/{path}", headers={"authorization": key})
        assert answer.status_code == 401 and code(answer) == "no_session"
    for path in ("messages", "uploads", "receipts", "typing", "profile", "close", "identify"):
        answer = await client.post(f"/chat/site/v1/{path}", json={}, headers={"authorization": key})
        assert answer.status_code == 401


async def test_a_key_ends_after_a_quarter_of_an_hour_and_cannot_be_forged(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    body, _, mark = visitor.session["access_token"].partition(".")
    other = Signatures(b"another key").access(visitor.id, rig.clock())
    for forged in (f"{body}.{mark[:-1]}", f"{body}x.{mark}", body, other, visitor.token):
        answer = await visitor.get("events", headers={"authorization": f"Bearer {forged}"})
        assert answer.status_code == 401
    rig.clock.advance(minutes=16)
    assert (await visitor.get("events")).status_code == 401


async def test_tokens_are_stored_as_hashes_only(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    await (await rig.agent()).get("/desk/site/v1/me")
    dump = repr(vars(rig.account.records))
    assert visitor.token not in dump and hashed(visitor.token) in dump
    assert len(visitor.token) >= 27  # 160 bits


async def test_a_token_that_was_given_back_opens_nothing(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    await visitor.client.request("DELETE", "/chat/site/v1/sessions", json={"visitor_token": visitor.token})
    fresh = await rig.visitor(visitor_token=visitor.token)
    assert fresh.id != visitor.id


async def test_a_signed_identity_is_a_fact_and_follows_to_the_next_browser(rig: WebchatRig) -> None:
    claims = _claims(rig, name="Customer A", email="a@acme.example", email_verified=True)
    visitor = await rig.visitor()
    await visitor.say("anonymous so far", "client-0001")
    answer = await visitor.post("identify", {"jwt": jwt(claims)})
    assert answer.status_code == 200 and not answer.json()["switched"]
    visitor.session = answer.json()
    await visitor.say("known now", "client-0002")
    contact = rig.events()[-1].contact
    assert contact.extra["customer_id"] == "c-17"
    assert (contact.name, contact.email) == ("Customer A", "a@acme.example")
    second = await rig.visitor(identity={"jwt": jwt(claims)})
    assert second.id == visitor.id and second.token != visitor.token
    assert [entry["data"]["text"] for entry in (await second.seen())["events"]] == ["anonymous so far", "known now"]


async def test_two_identities_are_never_mixed(rig: WebchatRig) -> None:
    """A shared computer: the second customer sees nothing of the first."""
    visitor = await rig.visitor(identity={"jwt": jwt(_claims(rig))})
    await visitor.say("secret of the first")
    answer = (await visitor.post("identify", {"jwt": jwt(_claims(rig, sub="c-18"))})).json()
    assert answer["switched"] and answer["visitor"]["id"] != visitor.id
    second = await rig.visitor(visitor_token=answer["visitor_token"])
    assert second.id == answer["visitor"]["id"]
    assert (await second.seen())["events"] == []


async def test_an_address_that_nobody_verified_is_no_fact(rig: WebchatRig) -> None:
    visitor = await rig.visitor(identity={"jwt": jwt(_claims(rig, email="victim@acme.example"))})
    await visitor.post("profile", {"name": "Customer A", "email": "victim@acme.example", "role": "admin"})
    await visitor.say("hello")
    contact = rig.events()[-1].contact
    assert contact.email == "" and contact.extra["email (not verified)"] == "victim@acme.example"
    assert "admin" not in contact.model_dump_json()


def _forged() -> list[tuple[str, Any]]:
    now = 1767603600.0  # the virtual clock's start, 2026-01-05 09:00 UTC
    good = {"sub": "c-17", "exp": now + 300}
    none = jwt(good).split(".")
    return [
        ("another secret", {"jwt": jwt(good, "another secret entirely")}),
        ("alg none", {"jwt": f"eyJhbGciOiJub25lIn0.{none[1]}."}),
        ("alg none with a mark", {"jwt": f"eyJhbGciOiJub25lIn0.{none[1]}.{none[2]}"}),
        ("over", {"jwt": jwt({**good, "exp": now - 61})}),
        ("too long", {"jwt": jwt({**good, "exp": now + 86400})}),
        ("no end", {"jwt": jwt({"sub": "c-17"})}),
        ("end is a word", {"jwt": jwt({**good, "exp": "never"})}),
        ("not yet", {"jwt": jwt({**good, "nbf": now + 600})}),
        ("another account", {"jwt": jwt({**good, "aud": "other"})}),
        ("nobody", {"jwt": jwt({**good, "sub": ""})}),
        ("claims are a list", {"jwt": jwt([good])}),  # type: ignore[arg-type] # wrong on purpose
        ("garbage", {"jwt": "a.b.c"}),
        ("not ASCII", {"jwt": "ü.ü.ü"}),
        ("a list", ["jwt"]),
        ("empty", {"user_id": "", "user_hash": hmac.new(SECRET.encode(), b"", hashlib.sha256).hexdigest()}),
        ("wrong hash", {"user_id": "c-17", "user_hash": "0" * 64}),
        (
            "hash of another",
            {"user_id": "c-17", "user_hash": hmac.new(SECRET.encode(), b"c-18", hashlib.sha256).hexdigest()},
        ),
        ("hash not ASCII", {"user_id": "c-17", "user_hash": "ü" * 64}),
    ]


@pytest.mark.parametrize(("name", "claim"), _forged(), ids=lambda value: value if isinstance(value, str) else "")
async def test_a_forged_identity_is_refused_everywhere_alike(rig: WebchatRig, name: str, claim: Any) -> None:
    visitor = await rig.visitor()
    answers = [
        await visitor.client.post("/chat/site/v1/sessions", json={"identity": claim}),
        *([await visitor.post("identify", claim)] if isinstance(claim, dict) else []),
    ]
    for answer in answers:
        assert answer.status_code == 401 and code(answer) == "identity_refused", name
    assert (await visitor.say("as a stranger")).status_code == 201
    assert "customer_id" not in rig.events()[-1].contact.extra


def _marked(rig: WebchatRig, seconds: int, user: str = "c-17") -> dict[str, Any]:
    until = int(rig.clock().timestamp()) + seconds
    mark = hmac.new(SECRET.encode(), f"{user}:{until}".encode(), hashlib.sha256).hexdigest()
    return {"user_id": user, "expires": until, "user_hash": mark}


async def test_a_hash_of_the_id_ends(rig: WebchatRig) -> None:
    claim = _marked(rig, 3600)
    visitor = await rig.visitor(identity=claim)
    assert visitor.session["visitor"]["verified"]
    rig.clock.advance(minutes=62)
    endless = hmac.new(SECRET.encode(), b"c-17", hashlib.sha256).hexdigest()
    for refused in (
        claim,
        _marked(rig, 2 * 86400),
        {**_marked(rig, 60), "expires": int(rig.clock().timestamp()) + 61},
        {**_marked(rig, 60), "expires": True},
        {**_marked(rig, 60), "expires": "60"},
        {"user_id": "c-17", "user_hash": endless},
        {"user_id": claim["user_id"], "user_hash": claim["user_hash"]},
    ):
        answer = await visitor.client.post("/chat/site/v1/sessions", json={"identity": refused})
        assert code(answer) == "identity_refused", refused


async def test_the_hash_without_an_end_is_accepted_where_the_account_says_so() -> None:
    async with opened(endless_user_hash=True) as rig:
        mark = hmac.new(SECRET.encode(), b"c-17", hashlib.sha256).hexdigest()
        visitor = await rig.visitor(identity={"user_id": "c-17", "user_hash": mark})
        assert visitor.session["visitor"]["verified"]


async def test_what_was_held_before_a_sign_in_opens_nothing_after_it(rig: WebchatRig) -> None:
    """Whoever noted a visitor's token or key at a shared computer reads no further once they signed in."""
    before = await rig.visitor()
    answer = await before.post("identify", {"jwt": jwt(_claims(rig))})
    owner = answer.json()
    assert owner["visitor_token"] != before.token
    assert (await before.get("messages")).status_code == 401, "the key"
    stranger = await rig.visitor(visitor_token=before.token)
    assert stranger.id != before.id, "the token"
    badge = await before.client.get("/chat/site/v1/badge", headers={"x-visitor": before.token})
    assert badge.status_code == 401
    again = await rig.visitor(visitor_token=owner["visitor_token"])
    assert again.id == before.id and again.session["visitor"]["verified"]


async def test_signing_in_while_the_session_begins_changes_the_token_too(rig: WebchatRig) -> None:
    before = await rig.visitor()
    after = await rig.visitor(visitor_token=before.token, identity={"jwt": jwt(_claims(rig))})
    assert after.id == before.id and after.token != before.token
    assert (await before.get("messages")).status_code == 401
    assert (await rig.visitor(visitor_token=before.token)).id != after.id
    third = await rig.visitor()
    joined = await rig.visitor(visitor_token=third.token, identity={"jwt": jwt(_claims(rig))})
    assert joined.id == after.id
    assert (await rig.visitor(visitor_token=third.token)).id not in {third.id, after.id}
    assert (await rig.visitor(visitor_token=after.token)).id == after.id, "their first browser stays signed in"


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_no_token_makes_proving_fail_otherwise(head: str, body: str, mark: str) -> None:
    from bridge.testing.clock import VirtualClock

    with pytest.raises(Unproven):
        prove({"jwt": f"{head}.{body}.{mark}"}, SECRET, "site", VirtualClock()())


async def test_required_identity_covers_every_endpoint() -> None:
    async with opened(identity="required") as rig:
        client = rig.client()
        assert code(await client.post("/chat/site/v1/sessions", json={})) == "identity_required"
        known = await rig.visitor(identity={"jwt": jwt(_claims(rig))})
        assert (await known.say("hello")).status_code == 201
        stranger = "v_00000000000000ff"
        await rig.account.records.commit(Put("visitor", stranger, {"id": stranger, "read": 0, "delivered": 0}))
        headers = {"authorization": f"Bearer {Signatures(rig.account.secret).access(stranger, rig.clock())}"}
        for path in ("events", "messages"):
            assert code(await client.get(f"/chat/site/v1/{path}", headers=headers)) == "identity_required"
        for path in ("messages", "uploads", "receipts", "typing", "profile", "close"):
            answer = await client.post(f"/chat/site/v1/{path}", json={}, headers=headers)
            assert code(answer) == "identity_required", path


# where from


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://www.acme.example", "https://www.acme.example.evil.example", "https://acme.example",
     "https://www.acme.example:8443", "null", "https://xwww.acme.example"],
)  # fmt: skip
async def test_a_site_that_is_not_allowed_is_refused(rig: WebchatRig, origin: str) -> None:
    visitor = await rig.visitor()
    headers = {"origin": origin}
    for answer in (
        await visitor.client.post("/chat/site/v1/sessions", json={}, headers=headers),
        await visitor.post("messages", {"client_id": "client-0001", "text": "x"}, headers=headers),
        await visitor.get("events", headers=headers),
        await visitor.client.request("OPTIONS", "/chat/site/v1/badge", headers=headers),
    ):
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
    assert not rig.kept


async def test_an_allowed_site_may_read_and_only_it(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    asked = await visitor.client.request("OPTIONS", "/chat/site/v1/badge", headers={"origin": ORIGIN})
    assert (
        asked.headers["access-control-allow-origin"] == ORIGIN
        and "x-visitor" in asked.headers["access-control-allow-headers"]
    )
    answer = await visitor.client.get("/chat/site/v1/badge", headers={"origin": ORIGIN, "x-visitor": visitor.token})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["vary"] == "Origin" and "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("pattern", "origin", "allowed"),
    [
        ("https://*.acme.example", "https://www.acme.example", True),
        ("https://*.acme.example", "https://a.b.acme.example", True),
        ("https://*.acme.example", "https://acme.example", False),
        ("https://*.acme.example", "https://evilacme.example", False),
        ("https://*.acme.example", "http://www.acme.example", False),
        ("https://acme.example:8443", "https://acme.example:8443", True),
    ],
)
def test_patterns_of_origins(pattern: str, origin: str, allowed: bool) -> None:
    assert allows((pattern,), origin) is allowed


@pytest.mark.parametrize(
    "keys",
    [
        {"allowed_origins": ["acme.example"]}, {"allowed_origins": ["*"]}, {"allowed_origins": ["https://acme.example/shop"]},
        {"allowed_origins": ["https://acme.example; script-src *"]}, {"identity_secret": "short"}, {"identity": "required"},
        {"colour": "red"}, {"agents": [{"name": "Agent", "hash": "a password"}]}, {"prechat": ["password"]},
    ],
)  # fmt: skip
def test_faults_in_the_configuration_are_named(keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"origin|identity_secret|colour|agents|prechat"):
        Settings.model_validate({"kind": "webchat", **keys})


async def test_the_frame_says_who_may_show_it_and_runs_nothing_else(rig: WebchatRig) -> None:
    client = rig.client()
    frame, page = await client.get("/chat/site/frame"), await client.get("/chat/site/")
    policy = frame.headers["content-security-policy"]
    assert policy.endswith(f"frame-ancestors 'self' {ORIGIN}")
    assert page.headers["content-security-policy"].endswith("frame-ancestors 'none'")
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "base-uri 'none'",
        "require-trusted-types-for",
    ):
        assert part in policy
    assert "unsafe" not in policy and "<script>" not in frame.text and " style=" not in frame.text


async def test_a_hostile_title_stays_inside_its_attribute() -> None:
    async with opened(title='"><script>alert(1)</script>') as rig:
        for path in ("/chat/site/", "/chat/site/frame", "/desk/site/"):
            text = (await rig.client().get(path)).text
            assert "<script>alert" not in text and "&lt;script&gt;" in text


# files


def _picture(kind: str = "PNG", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "navy").save(out, kind, **more)
    return out.getvalue()


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.svg", SVG, "image/svg+xml"), ("a.png", SVG, "image/png"), ("a.txt", b"  <svg onload=alert(1)>", "text/plain"),
        ("a.html", b"<!doctype html><script>alert(1)</script>", "text/html"), ("a.jpg", b"<html><body>", "image/jpeg"),
        ("a.exe", b"MZ\x90\0\3", "application/octet-stream"), ("a.png", b"\x89PNG\r\n\x1a\n but no picture", "image/png"),
        ("a.gif", b"GIF89a/*<svg/onload=alert(1)>*/", "image/gif"), ("empty.pdf", b"", "application/pdf"),
    ],
)  # fmt: skip
async def test_what_browsers_would_run_is_refused_whatever_it_says_it_is(
    rig: WebchatRig, name: str, data: bytes, kind: str
) -> None:
    answer = await (await rig.visitor()).upload(data, name, kind)
    assert answer.status_code == 415 and code(answer) == "file_type"


async def test_refused_files_are_let_go(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    unread = b"\x89PNG\r\n\x1a\n but no picture"
    await visitor.upload(unread, "a.png", "image/png")
    before = _kept(Request)  # the decoder's thread may still have the last one
    for data in [SVG, b"<html>", b"MZ\x90\0", b"GIF89a<svg>", unread]:
        assert (await visitor.upload(data, "a.gif", "image/gif")).status_code == 415
    assert _kept(Request) <= before, "each holds the body of its file"


def _kept(kind: type) -> int:
    gc.collect()
    return sum(isinstance(one, kind) for one in gc.get_objects())


async def test_fifty_megabytes_are_refused_before_they_are_read(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    read = 0

    async def body() -> Any:
        nonlocal read
        for _ in range(50):
            read += 1
            yield b"x" * 2**20

    answer = await visitor.client.post("/chat/site/v1/uploads", content=body(), headers=visitor.headers)
    assert answer.status_code == 413 and code(answer) == "too_large" and read <= 12
    declared = await visitor.client.post(
        "/chat/site/v1/uploads", content=b"x", headers=visitor.headers | {"content-length": str(50 * 2**20)}
    )
    assert declared.status_code == 413


async def test_a_picture_of_too_many_pixels_is_refused(rig: WebchatRig) -> None:
    out = io.BytesIO()
    Image.new("1", (50_000, 50_000)).save(out, "PNG")
    answer = await (await rig.visitor()).upload(out.getvalue(), "bomb.png")
    assert answer.status_code == 413 and code(answer) == "too_many_pixels"


async def test_pictures_lose_what_cameras_wrote_and_what_hides_behind_them(rig: WebchatRig) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    visitor = await rig.visitor()
    for kind, mime in (("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")):
        data = _picture(kind, exif=exif) + b"<script>alert(1)</script>"
        found = (await visitor.upload(data, "a.html")).json()
        stored = (await visitor.client.get(found["url"])).content
        assert b"secret place" not in stored and b"<script" not in stored, kind
        assert (found["mime"], found["w"], found["h"]) == (mime, 64, 48)
        assert found["name"].startswith("a.html.")


async def test_files_are_given_to_signed_links_only_and_never_as_pages(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    found = (await visitor.upload(b"%PDF-1.7 hello", 'x"; filename=evil.html\r\nx: y')).json()
    answer = await visitor.client.get(found["url"])
    assert answer.content == b"%PDF-1.7 hello"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert "x" not in answer.headers and "\r" not in answer.headers["content-disposition"]
    path, _, query = found["url"].partition("?")
    for forged in (path, f"{path}?{query[:-1]}", f"{path}x?{query}", f"{path}?e=9999999999&s=x", f"{path}?e=x&s=x"):
        assert (await visitor.client.get(forged)).status_code == 404
    rig.clock.advance(days=3)
    assert (await visitor.client.get(found["url"])).status_code == 404


async def test_a_message_with_files_carries_them(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    names = [
        (await visitor.upload(_picture(), "shelf.png")).json()["id"],
        (await visitor.upload(b"%PDF-1", "a.pdf")).json()["id"],
    ]
    assert (await visitor.say("", "client-0001", attachments=names)).status_code == 201
    (event,) = rig.events()
    assert [(part.kind, part.media.name) for part in event.message.parts] == [("image", "shelf.png"), ("file", "a.pdf")]
    for part in event.message.parts:
        assert part.media.account == "site" and await rig.account.media.read(part.media)


# text


@given(st.text())
@example("a\x00b\x1bc\x7fd\u202ee\u2066f\ufeffg")
def test_clean_text_holds_nothing_that_deceives(text: str) -> None:
    found = clean(text)
    assert not set(found) & set("\x00\x1b\x7f\u202e\u2066\ufeff") and len(found) <= 4000
    found.encode()


@given(st.text())
def test_clean_names_are_names(text: str) -> None:
    found = clean_name(text)
    assert found and not set(found) & set('/\\<>:"|?*%\r\n\0') and found not in {".", ".."} and len(found) <= 101


@pytest.mark.parametrize(
    ("given_page", "kept"),
    [
        ("https://www.acme.example/p/17?token=x#y", "https://www.acme.example/p/17"),
        ("javascript:alert(1)", ""), ("data:text/html,x", ""), ("https://user:pass@acme.example/a", "https://acme.example/a"),
        ("http://[::1", ""), (17, ""),
    ],
)  # fmt: skip
def test_pages_lose_what_is_nobodys_business(given_page: Any, kept: str) -> None:
    assert clean_page(given_page) == kept


# seeing


async def test_every_event_comes_once_and_in_order_over_any_disconnect(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    for number in range(12):
        await rig.bring(_answer(f"answer {number}"), f"key-{number}", to=visitor.id)
    seen: list[str] = []
    cursor = ""
    while True:  # a line that breaks after every answer of at most three events
        found = await visitor.seen(cursor)
        part = found["events"][:3]
        if not part:
            break
        seen += [event["data"]["text"] for event in part]
        cursor = part[-1]["id"]
    assert seen == [f"answer {number}" for number in range(12)]
    header = await visitor.get("events", params={"since": "", "wait": "0"}, headers={"last-event-id": cursor})
    assert header.json()["events"] == [], "Last-Event-ID wins"


@pytest.mark.parametrize("since", ["x.y", "999", "-1", "abc.1", "1e3", "٣"])
async def test_a_position_that_is_none_asks_for_a_fresh_start(rig: WebchatRig, since: str) -> None:
    answer = await (await rig.visitor()).get("events", params={"since": since, "wait": "0"})
    assert answer.status_code == 410 and code(answer) == "resync"


async def test_history_is_read_in_pages_of_whole_messages(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    for number in range(130):
        await rig.bring(_answer(f"answer {number}"), f"key-{number}", to=visitor.id)
    found, before, pages = [], 10_000, 0
    while True:
        page = (await visitor.get("messages", params={"before": before, "limit": 50})).json()
        found = [message["text"] for message in page["messages"]] + found
        pages += 1
        if not page["more"]:
            break
        before = page["messages"][0]["seq"]
    assert found == [f"answer {number}" for number in range(130)] and pages == 3
    fresh = await rig.visitor(visitor_token=visitor.token)
    assert fresh.session["cursor"].endswith(".0")


async def test_reading_is_told_once_and_only_forward(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    await visitor.say("hello")
    receipts = [await rig.bring(_answer(f"answer {number}"), f"key-{number}", to=visitor.id) for number in range(3)]
    badge = await visitor.client.get("/chat/site/v1/badge", headers={"x-visitor": visitor.token})
    assert badge.json() == {"unread": 3, "last": {"from": "Agent", "preview": "answer 2"}}
    assert (await visitor.post("receipts", {"delivered": 4, "read": 3})).status_code == 204
    assert (await visitor.post("receipts", {"delivered": 4, "read": 2})).status_code == 204
    told = [(event.message, event.state) for event in rig.events() if isinstance(event, ReceiptReceived)]
    ids = [receipt.ids[0] for receipt in receipts]
    assert told == [(name, DeliveryState.DELIVERED) for name in ids] + [(name, DeliveryState.READ) for name in ids[:2]]
    again = await visitor.client.get("/chat/site/v1/badge", headers={"x-visitor": visitor.token})
    assert again.json()["unread"] == 1
    etag = {"x-visitor": visitor.token, "if-none-match": again.headers["etag"]}
    assert (await visitor.client.get("/chat/site/v1/badge", headers=etag)).status_code == 304
    await visitor.post("receipts", {"read": 10_000})
    assert (await visitor.client.get("/chat/site/v1/badge", headers={"x-visitor": visitor.token})).json()["unread"] == 0


async def test_opening_the_chat_is_told_once_an_hour(rig: WebchatRig) -> None:
    page = {"url": "https://www.acme.example/p/17?x=1", "title": "Lamp <b>"}
    visitor = await rig.visitor(entered=True, page=page, lang="zh-CN")
    await rig.visitor(visitor_token=visitor.token, entered=True)
    entered = [event for event in rig.events() if isinstance(event, Entered)]
    assert len(entered) == 1
    assert entered[0].context == {"page": "https://www.acme.example/p/17", "title": "Lamp <b>"}
    assert entered[0].contact.locale == "zh-CN"


async def test_a_configuration_is_public_and_holds_no_secret(rig: WebchatRig) -> None:
    answer = await rig.client().get("/chat/site/v1/config")
    assert answer.json()["limits"] == {"text": 4000, "file": 10 * 2**20, "files": 10}
    assert SECRET not in json.dumps(answer.json())


async def test_links_to_files_stay_the_same_for_a_day(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    found = (await visitor.upload(b"%PDF-1", "a.pdf")).json()
    rig.clock.advance(hours=3)
    assert rig.chat._office.files.url(found["id"]) == found["url"]
    rig.clock.advance(timedelta(days=1).total_seconds())
    assert rig.chat._office.files.url(found["id"]) != found["url"]

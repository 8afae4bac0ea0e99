"""Sends, files and tokens against the simulated platform, and what each kind of trouble means."""

import asyncio
import io
from datetime import timedelta

import pytest
from PIL import Image as Pillow
from wechat_rig import APP_ID, OPENID, agent, context, kept, picture, target

from bridge.contract import (
    AuthFailed,
    Card,
    ConnectorError,
    Image,
    Rejected,
    Retryable,
    Scope,
    Step,
    Throttled,
    WindowClosed,
)
from bridge.testing.faults import Trouble
from connectors.wechat import WeChat
from connectors.wechat.codes import CODES, Then

SEND = "custom/send"


def text(words="hello"):
    return Step(verb="send", body={"msgtype": "text", "text": {"content": words}}, covers=("c1",))


async def send(wechat, step, openid=OPENID):
    where = target(openid)
    where = where.model_copy(update={"prepared": await wechat.prepare(step, where)})
    return await wechat.deliver(step, where)


@pytest.fixture
def customer(platform):
    """Somebody who has just written."""
    platform.platform.people.add(OPENID)
    platform.platform.allowances[OPENID].grant(platform.clock(), 5, timedelta(hours=48))
    return OPENID


async def kept_picture(wechat, data):
    return await wechat.account.media.keep(data, name="plan.png")


async def test_a_text_arrives_and_has_no_id(wechat, platform, customer):
    receipt = await send(wechat, text("你好 <a> {{b}} \\u4f60"))
    assert receipt.ids == ()
    assert platform.received(OPENID) == ["你好 <a> {{b}} \\u4f60"]
    body = next(call.body for call in platform.platform.calls if SEND in call.path)
    assert "你好".encode() in body  # plain UTF-8: https://github.com/w7corp/easywechat/issues/935


async def test_a_picture_is_uploaded_and_arrives(wechat, platform, customer):
    media = await kept_picture(wechat, picture())
    (step,) = wechat.render([agent(Image(media=media))], context())
    await send(wechat, step)
    bubble = platform.chat(OPENID)[-1]
    assert (bubble.kind, bubble.data) == ("image", picture())


async def test_a_picture_of_another_kind_is_converted(wechat, platform, customer):
    media = await kept_picture(wechat, picture("BMP"))
    (step,) = wechat.render([agent(Image(media=media))], context())
    await send(wechat, step)
    assert platform.chat(OPENID)[-1].data[:3] in {b"\x89PN", b"\xff\xd8\xff"}


async def test_a_broken_picture_goes_as_a_link(wechat, platform, customer):
    media = (await kept_picture(wechat, b"no picture at all")).model_copy(update={"mime": "image/png"})
    (step,) = wechat.render([agent(Image(media=media))], context())
    await send(wechat, step)
    assert platform.received(OPENID) == [f"plan.png\n{media.url}"]


def moving():
    frames = [Pillow.new("RGB", (20, 12), (60 * shade, 0, 0)) for shade in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    return out.getvalue()


def many_pixels():
    out = io.BytesIO()
    Pillow.new("RGB", (5000, 4000), "navy").save(out, "WEBP", quality=1, method=0)
    return out.getvalue()


@pytest.mark.parametrize("data", [moving(), many_pixels()], ids=["moving", "too many pixels"])
async def test_what_a_conversion_would_spoil_goes_as_a_link(wechat, platform, customer, data):
    media = await wechat.account.media.keep(data, name="turns.webp")
    (step,) = wechat.render([agent(Image(media=media))], context())
    await send(wechat, step)
    assert platform.received(OPENID) == [f"turns.webp\n{media.url}"]


async def test_the_face_of_a_card_is_a_still(wechat, platform, customer):
    card = Card(title="Order 17", app=APP_ID, path="pages/order", thumb=await kept_picture(wechat, moving()))
    (step,) = wechat.render([agent(card)], context())
    await send(wechat, step)
    assert platform.chat(OPENID)[-1].kind == "miniprogrampage"


async def test_a_card_of_the_app_arrives(wechat, platform, customer):
    card = Card(title="Order 17", app=APP_ID, path="pages/order?id=17", thumb=await kept_picture(wechat, picture()))
    (step,) = wechat.render([agent(card)], context())
    await send(wechat, step)
    bubble = platform.chat(OPENID)[-1]
    assert (bubble.kind, bubble.text) == ("miniprogrampage", "Order 17")
    assert bubble.body["miniprogrampage"]["pagepath"] == "pages/order?id=17"


async def test_a_link_arrives(wechat, platform, customer):
    (step,) = wechat.render([agent(Card(title="Returns", url="https://shop.example"))], context())
    await send(wechat, step)
    assert platform.chat(OPENID)[-1].kind == "link"


async def test_a_step_without_preparation_prepares_itself(wechat, platform, customer):
    media = await kept_picture(wechat, picture())
    (step,) = wechat.render([agent(Image(media=media))], context())
    await wechat.deliver(step, target())
    assert platform.chat(OPENID)[-1].kind == "image"


async def test_preparing_shows_nothing_and_can_be_repeated(wechat, platform, customer):
    media = await kept_picture(wechat, picture())
    (step,) = wechat.render([agent(Image(media=media))], context())
    first, second = await wechat.prepare(step, target()), await wechat.prepare(step, target())
    assert first["media_id"] != second["media_id"]
    assert platform.chat(OPENID) == []


async def test_a_file_that_expired_meanwhile_is_uploaded_again_once(wechat, platform, customer):
    media = await kept_picture(wechat, picture())
    (step,) = wechat.render([agent(Image(media=media))], context())
    prepared = await wechat.prepare(step, target())
    platform.platform.files.forget_all()
    await wechat.deliver(step, target(prepared=prepared))
    assert len([bubble for bubble in platform.chat(OPENID) if bubble.kind == "image"]) == 1
    platform.fail(40007, times=2)
    with pytest.raises(Rejected) as caught:
        await wechat.deliver(step, target(prepared=prepared))
    assert caught.value.code == "40007"


# The window


async def test_the_window_by_count_and_by_time(wechat, platform, clock, customer):
    for _ in range(5):
        await send(wechat, text())
    with pytest.raises(WindowClosed) as caught:
        await send(wechat, text())
    assert (caught.value.spent, caught.value.code) == (True, "45047")
    platform.platform.allowances[OPENID].grant(clock(), 5, timedelta(hours=48))
    clock.advance(hours=48, seconds=1)
    with pytest.raises(WindowClosed) as caught:
        await send(wechat, text())
    assert (caught.value.spent, caught.value.code) == (False, "45015")
    assert set(caught.value.reason) == {"en", "zh"}


# Tokens


async def test_one_token_serves_many_sends_at_once(wechat, platform, customer):
    await asyncio.gather(*(send(wechat, text()) for _ in range(5)))
    assert platform.platform.tokens.asked == 1


@pytest.mark.parametrize("way", ["expire", "supersede"])
async def test_a_refused_token_is_renewed_once_and_the_send_repeated(wechat, platform, customer, way):
    await send(wechat, text("one"))
    getattr(platform.platform.tokens, way)()
    await send(wechat, text("two"))
    assert platform.received(OPENID) == ["one", "two"]
    assert platform.platform.tokens.asked == 2


async def test_every_token_code_is_tried_once_more(wechat, platform, customer, clock):
    for code in (number for number, code in CODES.items() if code.then is Then.TOKEN):
        platform.fail(code)
        await send(wechat, text())
        clock.advance(61)
        platform.fail(code, times=2)
        with pytest.raises(AuthFailed) as caught:
            await send(wechat, text())
        assert caught.value.code == str(code)
        clock.advance(61)


async def test_workers_that_meet_a_dead_token_renew_it_once(wechat, platform, customer):
    # https://github.com/Eric-Guo/wechat/issues/76: workers that renew each for itself never end
    await send(wechat, text())
    platform.platform.tokens.supersede()
    await asyncio.gather(*(send(wechat, text(str(n))) for n in range(4)))
    assert platform.platform.tokens.asked == 2
    assert len(platform.received(OPENID)) == 5


async def test_a_token_the_platform_insists_on_and_refuses_is_forced_once(wechat, platform, customer, clock):
    await send(wechat, text("one"))
    platform.platform.tokens.supersede(stubborn=True)
    await asyncio.gather(*(send(wechat, text(str(n))) for n in range(4)))
    forced = [call for call in platform.platform.calls if b"force_refresh" in call.body]
    assert len(forced) == 1
    platform.platform.tokens.supersede(stubborn=True)
    with pytest.raises(AuthFailed):
        await send(wechat, text())
    assert len([call for call in platform.platform.calls if b"force_refresh" in call.body]) == 1
    clock.advance(61)
    platform.platform.allowances[OPENID].grant(clock(), 5, timedelta(hours=48))
    await send(wechat, text())


async def test_a_token_is_renewed_before_it_ends(wechat, platform, clock, customer):
    await send(wechat, text())
    clock.advance(7200 - 200)
    await send(wechat, text())
    assert platform.platform.tokens.asked == 2
    assert not [call for call in platform.platform.calls if b"force_refresh" in call.body]


async def test_the_stored_token_is_named_by_app(wechat, platform, customer):
    # https://github.com/binarywang/WxJava/issues/1473: accounts that share a key mix their tokens up
    await send(wechat, text())
    assert list(wechat.account.tokens.stored) == [f"access_token:{APP_ID}"]


@pytest.mark.parametrize(
    ("change", "code"), [({"app_secret": "wrong"}, "40125"), ({"app_id": "wx0000000000000000"}, "40013")]
)
async def test_wrong_credentials(platform, wechat, change, code):
    other = WeChat(WeChat.Config(**(platform.settings() | change)), wechat.account)
    with pytest.raises(AuthFailed) as caught:
        await other.prepare(text(), target())
    assert caught.value.code == code
    (problem,) = (await other.check()).problems
    assert problem.remedy.startswith("Correct app_")


async def test_an_address_that_is_not_allowed_is_named(platform, wechat):
    platform.platform.allowed_addresses = {"198.51.100.7"}
    (problem,) = (await wechat.check()).problems
    assert "127.0.0.1" in problem.what
    assert "allow-list" in problem.remedy


async def test_a_good_account_shows_its_facts(platform, wechat):
    health = await wechat.check()
    assert health.ok
    assert health.facts["callback URL"] == "https://bridge.example.com/hooks/shop"
    assert health.facts["sends left today"].en == "500000 of 500000"
    platform.fail(45009, where="quota")
    assert (await wechat.check()).ok
    platform.platform.may_send = False
    (problem,) = (await wechat.check()).problems
    assert "permission" in problem.remedy


async def test_check_says_when_nobody_is_there(platform, wechat):
    await platform.stop()
    with pytest.raises(Retryable):
        await wechat.check()


# Codes


async def test_every_code_becomes_its_error(wechat, platform, customer, clock):
    kinds = {
        Then.BUSY: Retryable,
        Then.TOKEN: AuthFailed,
        Then.AUTH: AuthFailed,
        Then.WINDOW: WindowClosed,
        Then.SPENT: WindowClosed,
        Then.MINUTE: Throttled,
        Then.DAY: Throttled,
        Then.SERIAL: Retryable,
        Then.MEDIA: Rejected,
        Then.IGNORE: Rejected,
        Then.REFUSED: Rejected,
    }
    for number, code in CODES.items():
        clock.advance(61)
        platform.fail(number, "said", times=2)
        with pytest.raises(ConnectorError) as caught:
            await send(wechat, text())
        error = caught.value
        assert type(error) is kinds[code.then]
        assert (error.code, error.certain) == (str(number), True)
        assert f"{number} said rid: " in error.message
        assert set(error.reason) == {"en", "zh"}
        platform.platform.forced.clear()


async def test_busy_is_tried_three_times_and_then_nobody_knows(wechat, platform, customer):
    platform.fail(-1, carried_out=True)
    with pytest.raises(Retryable) as caught:
        await send(wechat, text())
    assert (caught.value.tries, caught.value.then_unknown) == (3, True)
    assert platform.received(OPENID) == ["hello"]


async def test_busy_before_the_send_leaves_nothing_open(wechat, platform, customer):
    platform.fail(-1, where="stable_token")
    with pytest.raises(Retryable) as caught:
        await wechat.prepare(text(), target())
    assert (caught.value.tries, caught.value.then_unknown, caught.value.certain) == (None, False, True)


@pytest.mark.parametrize(("hour", "wait"), [(9, 7 * 3600), (15, 3600), (16, 24 * 3600)])
async def test_the_daily_quota_starts_anew_at_midnight_in_china(wechat, platform, clock, hour, wait):
    clock.advance(hours=hour - 9)
    platform.platform.people.add(OPENID)
    platform.fail(45009)
    with pytest.raises(Throttled) as caught:
        await send(wechat, text())
    assert caught.value.retry_after == wait


async def test_the_minute_quota_waits_a_minute(wechat, platform, customer):
    platform.fail(45011)
    with pytest.raises(Throttled) as caught:
        await send(wechat, text())
    assert caught.value.retry_after == 60


async def test_an_unknown_code_is_refused_and_kept(wechat, platform, customer):
    platform.fail(99999, "brand new")
    with pytest.raises(Rejected) as caught:
        await send(wechat, text())
    assert caught.value.code == "99999"
    assert "brand new rid: " in caught.value.message
    assert "99999" in caught.value.reason["zh"]


# Trouble on the way


@pytest.mark.parametrize(
    ("trouble", "happened"),
    [
        (Trouble.RESET_AFTER, True),
        (Trouble.TRUNCATED, True),
        (Trouble.GARBAGE, True),
        (Trouble.STATUS_AFTER, True),
        (Trouble.STATUS, False),
        (Trouble.RESET_BEFORE, False),
    ],
)
async def test_a_send_without_a_readable_answer_is_unknown(wechat, platform, customer, trouble, happened):
    await wechat.prepare(text(), target())
    fault = platform.faults.add(trouble, SEND)
    with pytest.raises(Retryable) as caught:
        await wechat.deliver(text(), target())
    assert not caught.value.certain
    assert bool(platform.received(OPENID)) is happened
    assert fault.hits == 1  # never repeated by the connector itself: https://github.com/binarywang/WxJava/issues/2098


async def test_a_send_that_takes_too_long_is_unknown(wechat, platform, customer, monkeypatch):
    await wechat.prepare(text(), target())
    monkeypatch.setattr(wechat._api, "_timeout", 0.05)
    platform.faults.add(Trouble.DELAY, SEND, seconds=0.15)
    with pytest.raises(Retryable) as caught:
        await wechat.deliver(text(), target())
    assert (caught.value.certain, caught.value.code) == (False, "timeout")


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'{"errmsg": "ok"}', b'"ok"', b""])
async def test_an_answer_that_is_none_of_the_platforms_is_unknown(wechat, platform, customer, body):
    await wechat.prepare(text(), target())
    platform.faults.add(Trouble.STATUS, SEND, status=200, body=body or b" ")
    with pytest.raises(Retryable) as caught:
        await wechat.deliver(text(), target())
    assert not caught.value.certain


async def test_a_port_that_is_shut_is_certain(wechat, platform, customer):
    await wechat.prepare(text(), target())
    await platform.stop()
    with pytest.raises(Retryable) as caught:
        await wechat.deliver(text(), target())
    assert caught.value.certain


@pytest.mark.parametrize("trouble", [Trouble.RESET_AFTER, Trouble.GARBAGE, Trouble.STATUS, Trouble.TRUNCATED])
async def test_trouble_while_preparing_is_certain(wechat, platform, customer, trouble):
    media = await kept_picture(wechat, picture())
    (step,) = wechat.render([agent(Image(media=media))], context())
    platform.faults.add(trouble, "stable_token")
    with pytest.raises(Retryable) as caught:
        await wechat.prepare(step, target())
    assert caught.value.certain
    await send(wechat, step)
    assert platform.chat(OPENID)[-1].kind == "image"


@pytest.mark.parametrize("trouble", [Trouble.RESET_AFTER, Trouble.GARBAGE, Trouble.STATUS, Trouble.TRUNCATED])
async def test_an_upload_that_fails_once_is_tried_again_and_then_goes_as_a_link(wechat, platform, customer, trouble):
    media = (await kept_picture(wechat, picture())).model_copy(update={"url": "https://bridge.example/media/x"})
    (step,) = wechat.render([agent(Image(media=media))], context())
    platform.faults.add(trouble, "media/upload")
    await send(wechat, step)
    assert platform.chat(OPENID)[-1].kind == "image"
    platform.faults.add(trouble, "media/upload", times=2)
    await send(wechat, step)
    assert platform.received(OPENID)[-1].endswith("https://bridge.example/media/x")


async def test_the_quota_of_uploads_stops_neither_words_nor_the_picture(wechat, platform, customer):
    media = (await kept_picture(wechat, picture())).model_copy(update={"url": "https://bridge.example/media/x"})
    (step,) = wechat.render([agent(Image(media=media))], context())
    platform.fail(45009, where="media/upload")
    receipt = await send(wechat, step)
    assert platform.received(OPENID)[-1].endswith("https://bridge.example/media/x")
    assert "45009" in receipt.detail, "the trace says why it is a link"


@pytest.mark.parametrize(
    ("where", "scope"), [("stable_token", Scope.ACCOUNT), ("message/custom/send", Scope.INTERFACE)]
)
@pytest.mark.parametrize("code", [45009, 45011])
async def test_a_quota_is_that_of_one_interface_but_for_the_token(wechat, platform, customer, where, scope, code):
    platform.fail(code, where=where)
    with pytest.raises(Throttled) as caught:
        await send(wechat, text())
    assert caught.value.scope is scope
    assert (caught.value.probe_after is not None) == (code == 45009), "somebody may set the day's quota back"


async def test_a_gateway_that_says_too_many_or_no(wechat, platform, customer):
    await wechat.prepare(text(), target())
    platform.faults.add(Trouble.STATUS, SEND, status=429, headers={"retry-after": "7"})
    with pytest.raises(Throttled) as caught:
        await wechat.deliver(text(), target())
    assert caught.value.retry_after == 7
    platform.faults.add(Trouble.STATUS, SEND, status=403)
    with pytest.raises(AuthFailed):
        await wechat.deliver(text(), target())


# Files that customers send


async def fetched(wechat, media_id, limit=1000):
    media = kept(id=media_id)
    return b"".join([chunk async for chunk in wechat.fetch(media, limit)])


async def test_a_file_is_fetched_by_its_media_id(wechat, platform):
    files = platform.platform.files
    assert await fetched(wechat, files.put("image", b"\xff\xd8\xffdata", "text/plain")) == b"\xff\xd8\xffdata"
    with pytest.raises(Rejected, match="larger"):
        await fetched(wechat, files.put("image", b"\xff\xd8\xff" + b"x" * 2000, "image/jpeg"))


async def test_a_video_comes_by_a_link(wechat, platform):
    media_id = platform.platform.files.put("video", b"\x00\x00\x00\x18ftypmp42data", "video/mp4")
    assert await fetched(wechat, media_id) == b"\x00\x00\x00\x18ftypmp42data"


async def test_an_error_with_status_200_and_text_plain_is_no_file(wechat, platform, clock):
    # https://github.com/node-webot/wechat-api/pull/4
    media_id = platform.platform.files.put("image", b"\xff\xd8\xff", "image/jpeg")
    clock.advance(days=3)
    with pytest.raises(Rejected) as caught:
        await fetched(wechat, media_id)
    assert caught.value.code == "40007"


async def test_a_file_that_begins_like_json_is_a_file(wechat, platform):
    for data in (b"{not json", b"{" * 70_000, b'["a"]'):
        media_id = platform.platform.files.put("image", data, "image/png", checked=False)
        assert await fetched(wechat, media_id, 100_000) == data


async def test_an_empty_file_is_refused(wechat, platform):
    media_id = platform.platform.files.put("image", b"", "image/png", checked=False)
    with pytest.raises(Rejected):
        await fetched(wechat, media_id)


async def test_fetching_renews_a_token_once(wechat, platform):
    media_id = platform.platform.files.put("image", b"\xff\xd8\xff", "image/jpeg")
    await fetched(wechat, media_id)
    platform.platform.tokens.supersede()
    assert await fetched(wechat, media_id) == b"\xff\xd8\xff"
    platform.fail(40001, where="media/get", times=2)
    with pytest.raises(AuthFailed):
        await fetched(wechat, media_id)


async def test_fetching_waits_out_trouble(wechat, platform):
    media_id = platform.platform.files.put("image", b"\xff\xd8\xff", "image/jpeg")
    platform.faults.add(Trouble.STATUS, "media/get", status=502)
    with pytest.raises(Retryable):
        await fetched(wechat, media_id)


# Typing


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "/cgi-bin/message/custom/business/typing"),
        ({"flavour": "official_account"}, "/cgi-bin/message/custom/typing"),
        ({"typing_path": "/cgi-bin/message/custom/typing"}, "/cgi-bin/message/custom/typing"),
    ],
)
async def test_typing_goes_to_the_flavours_address(platform, wechat, customer, settings, path):
    other = WeChat(WeChat.Config(**(platform.settings() | settings)), wechat.account)
    await other.typing(OPENID, on=True)
    await other.typing(OPENID, on=True)  # 45081 is no trouble
    await other.typing(OPENID, on=False)
    assert platform.platform.typed == [(OPENID, "Typing"), (OPENID, "CancelTyping")]
    assert {call.path for call in platform.platform.calls if "typing" in call.path} == {path}


async def test_typing_is_silent_when_nobody_spoke_lately(platform, wechat, customer, clock):
    clock.advance(31)
    await wechat.typing(OPENID, on=True)
    assert platform.platform.typed == []
    with pytest.raises(Rejected):
        await wechat.typing("oSomebodyElse1", on=True)


# Invitations


async def test_an_invitation_uses_one_consent(platform, wechat):
    template = {"id": "TEMPLATE_1", "page": "pages/chat", "data": {"thing1": "You have an answer, tap to read it now"}}
    inviting = WeChat(WeChat.Config(**platform.settings(), templates={"back": template}), wechat.account)
    platform.platform.templates["TEMPLATE_1"] = ("thing1",)
    platform.platform.people.add(OPENID)
    platform.platform.consents[OPENID, "TEMPLATE_1"] = 1
    step = inviting.invitation("back", context())
    receipt = await send(inviting, step)
    assert receipt.ids[0].isdigit()
    bubble = platform.chat(OPENID)[-1]
    assert (bubble.who, bubble.text) == ("platform", "You have an answer,…")
    with pytest.raises(Rejected) as caught:
        await send(inviting, step)
    assert caught.value.code == "43101"


# Secrets


async def test_no_error_names_a_secret(wechat, platform, customer):
    token = await wechat._api.token()
    secrets = [token, platform.app_secret, platform.token, platform.encoding_aes_key]
    found = [repr(wechat.config), str(wechat.config), repr(wechat._api)]
    for code in (-1, 40001, 45015, 40125):
        platform.fail(code, times=2)
        with pytest.raises(ConnectorError) as caught:
            await send(wechat, text("my words"))
        found += [repr(caught.value), caught.value.message]
    for trouble in (Trouble.RESET_AFTER, Trouble.GARBAGE, Trouble.STATUS):
        for where in (SEND, "stable_token"):
            platform.faults.add(trouble, where)
            calling = wechat._api.ask_token() if "token" in where else send(wechat, text("my words"))
            with pytest.raises(ConnectorError) as caught:
                await calling
            found += [repr(caught.value), caught.value.message]
            platform.faults.clear()
    assert not [text for text in found for secret in [*secrets, "my words"] if secret in text]


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b'{"errcode": "busy"}'), (200, b'{"errcode": null}'), (404, b'{"message": "no such route"}'), (400, b"{}")],
)
async def test_an_answer_that_says_nothing_is_no_acceptance(wechat, platform, customer, status, body):
    await wechat.prepare(text("hi"), target())
    platform.faults.add(Trouble.STATUS, "custom/send", status=status, body=body)
    with pytest.raises(Retryable) as caught:
        await wechat.deliver(text("hi"), target())
    assert not caught.value.certain

"""Sending: sessions, ids of ours, the window, codes, files, the welcome, menus."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.contract import (
    AuthFailed,
    Author,
    AuthorKind,
    Card,
    Choices,
    ConnectorError,
    File,
    Image,
    Media,
    Message,
    Raw,
    Rejected,
    RenderContext,
    Step,
    Target,
    Text,
    Throttled,
    Video,
    Voice,
    WindowClosed,
)
from bridge.figures.ratings import read_rating
from bridge.figures.survey_texts import choices
from bridge.testing.clock import VirtualClock
from connectors.wecom import WeCom
from connectors.wecom.delivery import message_id
from connectors.wecom.errors import CODES, FAILS, failure
from connectors.wecom.simulator import Simulator
from connectors.wecom.simulator.state import ASSISTANT, POOL, SERVICER
from connectors.wecom.simulator.vendor import KFID

USER = "wmAJ2GCAAAme1XQRC-NI-q0_ZM9ukoAw"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc00000030101"
    "00c9fe92ef0000000049454e44ae426082"
)


def target(key: str = "step-1", **fields: Any) -> Target:
    return Target(key=key, link="1", conversation=f"{KFID}:{USER}", **fields)


def steps(wecom: WeCom, *parts: Any) -> list[Step]:
    message = Message(id="c1", conversation="17", author=Author(kind=AuthorKind.AGENT, id="a"), parts=parts)
    return list(wecom.render([message], RenderContext(replies=5)))


async def say(wecom: WeCom, text: str, where: Target) -> None:
    (step,) = steps(wecom, Text(body=text))
    prepared = await wecom.prepare(step, where)
    await wecom.deliver(step, where.model_copy(update={"prepared": prepared}))


async def test_a_repeat_is_known_and_not_seen_twice(platform: Simulator, wecom: WeCom) -> None:
    """The answer was lost: the platform refuses our id because it has it, so that the first attempt arrived."""
    platform.lets_reply(USER)
    platform.fail(-1, "system error", carried_out=True)
    (step,) = steps(wecom, Text(body="once"))
    with pytest.raises(ConnectorError) as caught:
        await wecom.deliver(step, target())
    assert caught.value.certain is False
    receipt = await wecom.deliver(step, target(attempt=2))
    assert receipt.ids == (message_id("step-1"),)
    assert platform.received(USER) == ["once"]


async def test_the_window_by_count_and_by_time(platform: Simulator, wecom: WeCom, clock: VirtualClock) -> None:
    platform.lets_reply(USER)
    for number in range(5):
        await say(wecom, f"{number}", target(f"k{number}"))
    with pytest.raises(WindowClosed) as spent:
        await say(wecom, "too many", target("k6"))
    assert spent.value.spent
    platform.lets_reply(USER)
    clock.advance(48 * 3600 + 1)
    with pytest.raises(WindowClosed) as over:
        await say(wecom, "too late", target("k7"))
    assert not over.value.spent


async def test_while_a_servicer_has_the_customer_answers_wait(platform: Simulator, wecom: WeCom) -> None:
    platform.lets_reply(USER)
    await platform.takes(USER, "zhangsan")
    with pytest.raises(WindowClosed) as caught:
        await say(wecom, "not now", target())
    assert "zhangsan" in caught.value.reason["en"]
    assert "zhangsan" in caught.value.reason["zh"]
    assert platform.received(USER) == []
    await platform.ends(USER)
    await platform.says(USER, "again")
    await say(wecom, "now", target("k2"))
    assert platform.received(USER) == ["now"]


@pytest.mark.parametrize("state", [POOL, SERVICER])
@pytest.mark.parametrize("name", ["servicer_userid", "service_userid"])
async def test_answers_wait_in_the_pool_as_with_a_servicer(
    wecom: WeCom, monkeypatch: pytest.MonkeyPatch, state: int, name: str
) -> None:
    """Public SDKs spell the servicer's name in two ways."""

    async def answered(path: str, *_: Any, **__: Any) -> dict[str, Any]:
        assert path.endswith("service_state/get")
        return {"errcode": 0, "service_state": state, name: "zhangsan"}

    monkeypatch.setattr(wecom._delivery._api, "call", answered)
    with pytest.raises(WindowClosed) as caught:
        await wecom.prepare(steps(wecom, Text(body="not now"))[0], target())
    assert "zhangsan" in caught.value.reason["en"] and not caught.value.spent


@pytest.mark.parametrize("code", [95016, 95013, 40058])
async def test_a_session_that_need_not_be_taken_is_no_obstacle(platform: Simulator, wecom: WeCom, code: int) -> None:
    """Whether it must be taken after each message is not established: the send itself says what is wrong."""
    platform.lets_reply(USER)
    platform.fail(code, where="service_state/trans$")
    await say(wecom, "hello", target())
    assert platform.received(USER) == ["hello"]


async def test_a_new_session_is_taken_for_the_interface(platform: Simulator, wecom: WeCom) -> None:
    platform.lets_reply(USER)
    await say(wecom, "hello", target())
    assert platform.books.sessions[KFID, USER].state == ASSISTANT


async def test_the_welcome_goes_by_its_code_within_twenty_seconds(
    platform: Simulator, wecom: WeCom, clock: VirtualClock
) -> None:
    code = await platform.enters(USER, scene="shop")
    until = str(int(clock().timestamp()) + 20)
    context = {"_welcome_code": code, "_welcome_until": until}
    await say(wecom, "welcome", target("w1", context=context))
    assert platform.received(USER) == ["welcome"]
    other = "wmAnotherCustomerOfOurs"
    code = await platform.enters(other)
    context = {"_welcome_code": code, "_welcome_until": str(int(clock().timestamp()) + 20)}
    clock.advance(21)
    where = Target(key="w2", link="1", conversation=f"{KFID}:{other}", context=context)
    with pytest.raises(WindowClosed):
        await say(wecom, "too late", where)
    assert platform.received(other) == []


async def test_files_go_by_their_kind(platform: Simulator, wecom: WeCom) -> None:
    platform.lets_reply(USER)
    store: Any = wecom.account.media
    picture = await store.keep(PNG, name="map.png", mime="image/png")
    paper = await store.keep(b"%PDF-1.4 a paper", name="paper.pdf", mime="application/pdf")
    for number, step in enumerate(steps(wecom, Image(media=picture), File(media=paper))):
        where = target(f"f{number}")
        prepared = await wecom.prepare(step, where)
        await wecom.deliver(step, where.model_copy(update={"prepared": prepared}))
    assert [bubble.kind for bubble in platform.chat(USER)] == ["image", "file"]
    assert platform.chat(USER)[1].data == b"%PDF-1.4 a paper"


async def test_a_file_that_expired_at_the_platform_is_uploaded_again(platform: Simulator, wecom: WeCom) -> None:
    platform.lets_reply(USER)
    store: Any = wecom.account.media
    paper = await store.keep(b"%PDF-1.4 a paper", name="paper.pdf", mime="application/pdf")
    (step,) = steps(wecom, File(media=paper))
    await wecom.deliver(step, target(prepared={"media_id": "3expired"}))
    assert [bubble.kind for bubble in platform.chat(USER)] == ["file"]


async def test_a_file_that_is_too_large_is_a_link(wecom: WeCom) -> None:
    media = Media(
        account="a",
        id="x",
        mime="video/mp4",
        name="v.mp4",
        size=30 * 2**20,
        sha256="5e",
        url="https://b.example/media/t",
    )
    (step,) = steps(wecom, File(media=media))
    assert "https://b.example/media/t" in step.body["text"]["content"]


def test_every_code_becomes_its_error() -> None:
    now = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    for number, code in CODES.items():
        error = failure(number, code.en, "kf/send_msg", now)
        assert error.code == str(number)
        assert error.reason["en"]
        assert error.reason["zh"]
    assert isinstance(failure(424242, "", "x", now), Rejected)


async def test_a_refused_token_is_renewed_once(platform: Simulator, wecom: WeCom) -> None:
    platform.lets_reply(USER)
    await say(wecom, "one", target("k1"))
    platform.platform.expire_token()
    await say(wecom, "two", target("k2"))
    assert platform.received(USER) == ["one", "two"]


async def test_no_error_names_a_secret(platform: Simulator, wecom: WeCom) -> None:
    secret = platform.secret
    platform.platform.secret = "another-secret-than-ours-0123456789"
    health = await wecom.check()
    assert not health.ok
    assert secret not in repr(health)


async def test_check_names_an_account_that_the_app_may_not_serve(platform: Simulator, wecom: WeCom) -> None:
    platform.platform.managed.clear()
    health = await wecom.check()
    assert not health.ok
    assert "open_kfid" in health.problems[0].remedy


# answers to tap


async def test_a_question_is_a_menu_and_a_tap_is_a_text(platform: Simulator, wecom: WeCom) -> None:
    """With it the customer's rating is a rating: the words of the button say it."""
    platform.lets_reply(USER)
    asked = choices("zh", 5)
    (step,) = steps(wecom, asked)
    assert step.cost == 1
    await wecom.deliver(step, target())
    shown = platform.chat(USER)[-1]
    assert shown.kind == "msgmenu" and shown.text.splitlines() == [asked.text, *asked.options]
    msgid = await platform.taps(USER, "5 非常满意")
    item = next(one for _, one in platform.books.boxes[KFID].items if one["msgid"] == msgid)
    assert item["text"]["menu_id"] == "1"
    payload = json.dumps({"account": KFID, "item": item}).encode()
    (event,) = wecom.normalise(Raw(msgid, payload))
    (part,) = event.message.parts
    assert isinstance(part, Text) and read_rating(part.body) == 5


@pytest.mark.parametrize(
    "options",
    [("x" * 129,), tuple(map(str, range(11))), (), ("a", " ")],
    ids=["a long word", "too many", "none", "nothing in one"],
)
async def test_a_menu_beyond_the_platforms_limits_is_said_in_words(
    platform: Simulator, wecom: WeCom, options: tuple[str, ...]
) -> None:
    platform.lets_reply(USER)
    (step,) = steps(wecom, Choices(text="Which one?", options=options))
    assert step.body["msgtype"] == "text" and all(option.strip() in step.body["text"]["content"] for option in options)
    await wecom.deliver(step, target())


async def test_a_welcome_may_be_a_menu(platform: Simulator, wecom: WeCom, clock: VirtualClock) -> None:
    code = await platform.enters(USER)
    until = str(int(clock().timestamp()) + 20)
    (step,) = steps(wecom, Choices(text="Hello! What is it about?", options=("An order", "Something else")))
    await wecom.deliver(step, target(context={"_welcome_code": code, "_welcome_until": until}))
    assert platform.chat(USER)[-1].kind == "msgmenu"


@pytest.mark.parametrize(("attempt", "code"), [(1, 95022), (2, 40058)])
async def test_a_refusal_that_names_the_id_is_not_always_a_repeat(
    platform: Simulator, wecom: WeCom, attempt: int, code: int
) -> None:
    """A first attempt repeats nothing, and an id of a wrong form was never taken: nobody may believe that it arrived."""
    platform.lets_reply(USER)
    platform.fail(code, "invalid parameter: msgid")
    (step,) = steps(wecom, Text(body="not sent"))
    with pytest.raises(Rejected):
        await wecom.deliver(step, target(attempt=attempt))
    assert platform.received(USER) == []


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        (95001, WindowClosed, "used up"), (95002, WindowClosed, "over"), (95013, WindowClosed, "Somebody has"),
        (95016, WindowClosed, "Somebody has"), (95018, WindowClosed, "Somebody has"), (95000, AuthFailed, "account"),
        (95004, AuthFailed, "account"), (95011, AuthFailed, "app"), (95012, AuthFailed, "app"), (95017, AuthFailed, "switch"),
        (95014, Rejected, "servicer"), (40201, AuthFailed, "blocked"), (60020, AuthFailed, "trusted IP"),
        (45009, Throttled, "limit"), (40003, Rejected, "customer"), (95999, Rejected, "95999"),
    ],
)  # fmt: skip
def test_what_a_code_leads_to(code: int, kind: type[ConnectorError], word: str) -> None:
    error = failure(code, "hint", "kf/send_msg", datetime(2026, 1, 5, tzinfo=UTC))
    assert type(error) is kind and word in error.reason["en"] and len(error.reason["zh"]) > 4
    assert isinstance(error, WindowClosed) is (code in {95001, 95002, 95013, 95016, 95018})
    assert not isinstance(error, WindowClosed) or error.spent is (code == 95001)


def test_reasons_for_a_later_failure_are_the_documented_ones() -> None:
    """https://developer.work.weixin.qq.com/document/path/95122: 3 does not exist."""
    assert sorted(FAILS) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert "48" in FAILS[4][0] and "five" in FAILS[6][0] and "refuses" in FAILS[10][0]


@pytest.mark.parametrize(
    ("kind", "mime", "size", "verb"),
    [
        (Voice, "audio/amr", 2 * 2**20, "voice"), (Voice, "audio/amr", 2 * 2**20 + 1, "file"), (Voice, "audio/mpeg", 9, "file"),
        (Video, "video/mp4", 10 * 2**20, "video"), (Video, "video/mp4", 10 * 2**20 + 1, "file"),
        (File, "application/pdf", 20 * 2**20, "file"), (File, "application/pdf", 20 * 2**20 + 1, "send"),
        (File, "application/pdf", 5, "send"), (File, "application/pdf", 6, "file"),
    ],
)  # fmt: skip
async def test_a_file_goes_as_what_the_platform_takes(wecom: WeCom, kind: Any, mime: str, size: int, verb: str) -> None:
    media = Media(account="a", id="1", name="a", mime=mime, sha256="ab" * 32, size=size, url="https://example.com/a")
    assert steps(wecom, kind(media=media))[0].verb == verb


async def test_a_card_without_a_picture_is_said_in_words(wecom: WeCom) -> None:
    (step,) = steps(wecom, Card(title="Shirt", url="https://example.com/s"))
    assert step.body["msgtype"] == "text" and "https://example.com/s" in step.body["text"]["content"]

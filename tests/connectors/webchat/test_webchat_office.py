"""What agents see at a glance, what they are called, and who they are."""

from typing import Any

import pytest

from bridge.contract import Author, AuthorKind, DeliveryState, Message, Progress, Text
from connectors.webchat.agents import Agents
from connectors.webchat.text import clean_name, clean_title
from tests.connectors.webchat.webchat_rig import PASSWORD, WebchatRig, opened


def said(*parts: Any, kind: AuthorKind = AuthorKind.CUSTOMER, number: int = 1) -> Message:
    return Message(id=f"m{number}", conversation="c", author=Author(kind=kind), parts=parts)


async def row(rig: WebchatRig) -> dict[str, Any]:
    (found,) = (await (await rig.agent()).get("/desk/site/v1/tickets?status=open")).json()["tickets"]
    return dict(found)


async def test_an_answer_that_waits_or_was_lost_marks_its_row_until_it_went_out(rig: WebchatRig) -> None:
    ticket = (await rig.bring(said(Text(body="hello")), "k1", to=None)).conversation
    for number, (state, shown) in enumerate(
        [
            (DeliveryState.HELD, ["held"]),
            (DeliveryState.ACCEPTED, []),
            (DeliveryState.FAILED, ["failed"]),
            (DeliveryState.UNCONFIRMED, ["unconfirmed"]),
            (DeliveryState.DELIVERED, []),
        ]
    ):
        mark = said(Progress(of="c_answer", state=state), kind=AuthorKind.BRIDGE, number=number + 5)
        await rig.bring(mark, f"p{number}", to=ticket)
        assert (await row(rig))["marks"] == shown, state


async def test_the_channel_stands_on_the_ticket(rig: WebchatRig) -> None:
    await rig.bring(said(Text(body="hello")), "k1", to=None, channel="Corner Shop")
    assert (await row(rig))["channel"] == "Corner Shop"


@pytest.mark.parametrize("name", ["\u200b", "\u2060\u200d", "\u3164\u3164", "\u00ad", "\U000e0041", " \u115f "])
async def test_a_name_without_a_visible_sign_is_no_name(name: str) -> None:
    assert clean_title(name, 60) == ""
    async with opened() as rig:
        with pytest.raises(ValueError, match="empty"):
            await rig.chat.add_agent(name, PASSWORD)


def test_emoji_and_scripts_that_need_joiners_keep_them() -> None:
    for name in ("👩\u200d🚀", "کتاب\u200cخانه", "李\u200d雷"):
        assert clean_title(name, 60) == name
    assert clean_title("An\u200bna\u2063 ", 60) == "Anna"


@pytest.mark.parametrize("sign", list("\u202e\u202d\u2066\u2067\u2069\u200e\u200f\u061c\u2028"))
def test_no_file_name_can_turn_its_ending_round(sign: str) -> None:
    assert clean_name(f"photo{sign}gpj.exe") in {"photogpj.exe", "photo gpj.exe"}


async def test_agents_are_listed_removed_and_given_a_new_password(rig: WebchatRig) -> None:
    await rig.chat.add_agent("Li Lei", PASSWORD)
    before = list(await rig.chat.agents())
    assert "Li Lei" in before
    client = await rig.agent("Li Lei")
    assert (await client.get("/desk/site/v1/me")).status_code == 200
    await rig.chat.add_agent("Li Lei", "another password")
    assert (await client.get("/desk/site/v1/me")).status_code == 401, "the old password's sessions end"
    await rig.chat.remove_agent("li lei")
    assert "Li Lei" not in await rig.chat.agents()
    answer = await rig.client(**{"x-desk": "1"}).post(
        "/desk/site/v1/sign-in", json={"name": "Li Lei", "password": "another password"}
    )
    assert answer.status_code == 401
    with pytest.raises(ValueError, match="there is no agent"):
        await rig.chat.remove_agent("Li Lei")


async def test_an_agent_of_the_configuration_is_removed_there(rig: WebchatRig) -> None:
    config = rig.chat.config
    with pytest.raises(ValueError, match="configuration"):
        await Agents(config, rig.account).remove(config.agents[0].name)

"""Dify: the suite of all bots, and its streams as the documentation has them."""

import json
from typing import Any

import pytest

from bridge.contract import (
    AuthFailed,
    BotAnswered,
    BotVerdict,
    Contact,
    Raw,
    Rejected,
    Retryable,
    Scope,
    Subject,
    Target,
    Throttled,
    Words,
)
from bridge.testing.conformance.bots import BotConformance
from bridge.testing.rig import lend_account
from connectors.dify import Dify
from connectors.dify.errors import refusal
from connectors.dify.simulator import Simulator
from connectors.dify.stream import read_stream


class TestDify(BotConformance):
    connector = Dify
    simulator = Simulator


def stream(*events: dict[str, Any]) -> bytes:
    return b"event: ping\n\n" + "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()


def test_streams_are_read_to_their_end() -> None:
    add, end = (
        {"event": "message", "answer": "a "},
        {"event": "message_end", "metadata": {"usage": {"total_tokens": 5}}},
    )
    assert (read_stream(stream(add, {"event": "agent_message", "answer": "b"}, end)).text) == "a b"
    repeated = read_stream(
        stream({"event": "agent_message", "answer": "whole"}, {"event": "message", "answer": "whole"}, end)
    )
    assert repeated.text == "whole" and repeated.tokens == 5
    assert read_stream(stream(add, {"event": "message_replace", "answer": "x"}, end)).text == "x"
    assert not read_stream(stream(add)).ended
    failed = {"event": "workflow_finished", "data": {"status": "failed"}}
    assert read_stream(stream(add, failed)).error
    assert read_stream(stream(add, {"event": "workflow_paused"})).person
    assert read_stream(b"data: {broken\n\n: comment\n").text == ""


@pytest.mark.parametrize(
    ("status", "code", "expect", "scope"),
    [
        (400, "provider_quota_exceeded", Throttled, Scope.ACCOUNT),
        (429, "too_many_requests", Throttled, Scope.ITEM),
        (429, "rate_limit_error", Throttled, Scope.ACCOUNT),
        (400, "app_unavailable", AuthFailed, None),
        (400, "invalid_param", Rejected, None),
        (500, "internal_server_error", Retryable, None),
    ],
)
def test_each_refusal_has_its_class(status: int, code: str, expect: type[Exception], scope: Scope | None) -> None:
    found = refusal(status, {"code": code, "message": "the question"}, "POST x")
    assert type(found) is expect and found.scope is scope and "the question" not in found.message


@pytest.mark.anyio
async def test_failure_13_a_conversation_that_was_forgotten_is_begun_anew() -> None:
    """Public failure 13: `Conversation Not Exists` after the app was rebuilt (langgenius/dify#14893)."""
    async with Simulator() as vendor, lend_account("flow", home=vendor.base) as account:
        bot = Dify(Dify.Config.model_validate(vendor.settings()), account)

        async def ask(query: str, memory: str, history: str = "") -> BotAnswered:
            from bridge.contract import Step

            body = {"query": query, "user": "u-1", "conversation": memory, "history": history}
            receipt = await bot.deliver(Step(verb="ask", body=body), Target(key="k", link="1"))
            (found,) = bot.normalise(Raw("answer:k", receipt.payload.encode()))
            assert isinstance(found, BotAnswered)
            return found

        first = await ask("hello", "")
        assert (first.memory, first.tokens, first.verdict) == ("conversation-1", 42, BotVerdict.ANSWER)
        assert (await ask("and?", first.memory)).memory == "conversation-1"
        vendor.conversations.clear()
        again = await ask("still there?", first.memory, "customer: hello")
        assert again.memory == "conversation-1" and "customer: hello" in vendor.asked[-1]
        vendor.mode = "replaced"
        assert (await ask("x", "")).text == "(taken back)"


@pytest.mark.anyio
async def test_a_blocking_question_has_a_whole_answer() -> None:
    """What clients of other people send by default."""
    async with Simulator() as vendor, lend_account("flow", home=vendor.base) as account:
        body = {"inputs": {}, "query": "hi", "user": "u-1"}
        headers = {"authorization": f"Bearer {vendor.settings()['api_key']}"}
        answer = await account.http.request("POST", f"{vendor.base}/chat-messages", json=body, headers=headers)
        found = json.loads(answer.body)
        assert (found["event"], found["answer"], found["conversation_id"]) == ("message", vendor.says, "conversation-1")


@pytest.mark.anyio
async def test_what_dify_keeps_of_somebody_is_deleted() -> None:
    """All of theirs, nobody else's; again it is nothing; out of reach it is the admin's."""
    async with Simulator() as vendor:
        vendor.conversations = {f"c{number}": "ann" for number in range(120)} | {"x": "bob"}
        async with lend_account("helper", home=vendor.base) as account:
            bot = Dify(Dify.Config.model_validate(vendor.settings()), account)
            whom = Subject(contacts=(Contact(id="ann"),))
            assert await bot.forget(whom) == [] and vendor.conversations == {"x": "bob"}
            assert await bot.forget(whom) == []
            await vendor.stop()
            (left,) = await bot.forget(whom)
            assert isinstance(left, Words) and "user ann in the app's logs in Dify" in left.en and "ann" in left.zh

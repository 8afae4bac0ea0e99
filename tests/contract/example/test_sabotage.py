"""The inherited tests bite: each connector below breaks one promise, and the test of that promise notices."""

import inspect
import json
import logging
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from bridge.contract import (
    AuthFailed,
    CallbackResult,
    ConnectorError,
    Event,
    Guide,
    Health,
    Malformed,
    Media,
    Message,
    MessageReceived,
    Page,
    Raw,
    Receipt,
    Rejected,
    RenderContext,
    Request,
    Retryable,
    Role,
    Step,
    Target,
    Throttled,
    ToEnter,
    Unauthentic,
)
from bridge.testing.conformance import ConnectorConformance
from bridge.testing.conformance.purity import Impure
from tests.contract.example import Post, test_conformance
from tests.contract.example.connector import PostConfig


class Believes(Post):
    """Looks at no signature."""

    async def verify(self, request: Request) -> CallbackResult:
        try:
            return await super().verify(request)
        except Unauthentic:
            try:
                message = json.loads(request.body)["message"]
                return CallbackResult(raws=(Raw(key=f"message:{message['id']}", payload=json.dumps(message).encode()),))
            except (ValueError, KeyError, TypeError, RecursionError):
                raise Malformed("unreadable") from None


class Crashes(Post):
    """Reads before it checks."""

    async def verify(self, request: Request) -> CallbackResult:
        json.loads(request.body)
        return await super().verify(request)


class CountsDeliveries(Post):
    """Keys name the delivery, not the thing."""

    deliveries: ClassVar[int] = 0

    async def verify(self, request: Request) -> CallbackResult:
        result = await super().verify(request)
        type(self).deliveries += 1
        return CallbackResult(raws=[Raw(key=f"delivery:{self.deliveries}", payload=raw.payload) for raw in result.raws])


class OneKey(Post):
    """All messages of a thread share a key."""

    async def verify(self, request: Request) -> CallbackResult:
        result = await super().verify(request)
        return CallbackResult(raws=[Raw(key="thread", payload=raw.payload) for raw in result.raws])


class OtherKeysInPolls(Post):
    """Webhook and poll do not meet."""

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        page = await super().poll(cursor, conversation)
        return Page([Raw(key=f"poll:{raw.key}", payload=raw.payload) for raw in page.raws], page.cursor, page.more)


class ImportsHistory(Post):
    """The first collection brings all that ever was."""

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        return await super().poll(cursor or "0", conversation)


class ReadsTheClock(Post):
    """normalise uses what it was lent."""

    def normalise(self, raw: Raw) -> Sequence[Event]:
        self.account.now()
        return super().normalise(raw)


class WaitsForFiles(Post):
    """No words without their files."""

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        for media in step.media:
            await self.account.media.read(media)
        return await super().prepare(step, target)


class Trusts(Post):
    """normalise expects every field."""

    def normalise(self, raw: Raw) -> Sequence[Event]:
        json.loads(raw.payload)["author"]["kind"]
        return super().normalise(raw)


class Strict(Post):
    """An unknown field changes what is read."""

    def normalise(self, raw: Raw) -> Sequence[Event]:
        return [] if b"unknown" in raw.payload else super().normalise(raw)


class Drops(Post):
    """A message that is no text is forgotten."""

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        return super().render([message for message in messages if message.parts[0].kind == "text"], context)


class Reverses(Post):
    """The last comes first."""

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        return super().render(messages[::-1], context)


class Publishes(Post):
    """Private notes go to everybody."""

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        steps = super().render(messages, context)
        return [Step.model_validate(step.model_dump() | {"audience": "customer"}) for step in steps]


class Rambles(Post):
    """Texts are not split."""

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        return [
            step.model_copy(update={"body": step.body | {"text": step.body["text"] * 3}})
            for step in super().render(messages, context)
        ]


class Shortens(Post):
    """What is long is cut off."""

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        return [
            step.model_copy(update={"body": step.body | {"text": step.body["text"][:20]}})
            for step in super().render(messages, context)
        ]


class Remembers(Post):
    """render depends on what was rendered before."""

    count = 0

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        self.count += 1
        return [
            step.model_copy(update={"body": step.body | {"n": self.count}})
            for step in super().render(messages, context)
        ]


class Forgets(Post):
    """A file that is too large is dropped without a word."""

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        steps = super().render(messages, context)
        return [
            step if step.media else step.model_copy(update={"body": step.body | {"text": "a file"}}) for step in steps
        ]


class Certain(Post):
    """Every failure is called harmless."""

    async def deliver(self, step: Step, target: Target) -> Receipt:
        try:
            return await super().deliver(step, target)
        except Retryable as error:
            raise Retryable(error.message, certain=True) from None


class BlindlyCertain(Certain):
    """... and find never finds."""

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        return None


class Optimist(Post):
    """An unreadable answer counts as success."""

    async def deliver(self, step: Step, target: Target) -> Receipt:
        try:
            return await super().deliver(step, target)
        except Retryable as error:
            if error.certain:
                raise
            return Receipt(conversation=target.conversation or "")


class Twice(Post):
    """Sends, and sends again to be sure."""

    async def deliver(self, step: Step, target: Target) -> Receipt:
        await super().deliver(step, target)
        return await super().deliver(step, target)


class SameReceipt(Post):
    """Every receipt names the same message."""

    async def deliver(self, step: Step, target: Target) -> Receipt:
        receipt = await super().deliver(step, target)
        return receipt.model_copy(update={"ids": ("1",)})


class Tells(Post):
    """The error quotes what was sent, and with which token."""

    async def deliver(self, step: Step, target: Target) -> Receipt:
        try:
            return await super().deliver(step, target)
        except ConnectorError as error:
            raise type(error)(
                f"{error} {self._headers()}", **({"retry_after": 1} if isinstance(error, Throttled) else {})
            ) from None


class Logs(Post):
    """The log has the text."""

    async def deliver(self, step: Step, target: Target) -> Receipt:
        logging.getLogger("post").info("sending %s", step.body)
        return await super().deliver(step, target)


class Impatient(Post):
    """Retry-After is a suggestion."""

    async def deliver(self, step: Step, target: Target) -> Receipt:
        try:
            return await super().deliver(step, target)
        except Throttled as error:
            raise Throttled(error.message, retry_after=1) from None


class Stubborn(Post):
    """Whatever the vendor says, it is tried again."""

    async def deliver(self, step: Step, target: Target) -> Receipt:
        try:
            return await super().deliver(step, target)
        except (Rejected, AuthFailed) as error:
            raise Retryable(error.message) from None


class Cheerful(Post):
    """check is content with everything."""

    async def check(self) -> Health:
        return Health()


class Noisy(Post):
    """check sends a message to see whether it can."""

    async def check(self) -> Health:
        await self._call("POST", "/threads", json_body={"customer": {"id": "c"}, "text": "a test"})
        return await super().check()


class Finder(Post):
    """find takes any message for the one."""

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        return Receipt(ids=("1",), conversation=target.conversation or "1")


class Greedy(Post):
    """fetch reads on after the limit."""

    def fetch(self, media: Media, limit: int) -> Any:
        return super().fetch(media, limit * 2)


class Anonymous(Post):
    """Messages have no id."""

    def normalise(self, raw: Raw) -> Sequence[Event]:
        return [
            MessageReceived(message=event.message.model_copy(update={"id": ""}))
            for event in super().normalise(raw)
            if isinstance(event, MessageReceived)
        ]


class OpenConfig(PostConfig):
    """The token is plain text."""

    api_token: str  # type: ignore[assignment] # the fault that this example commits


class Open(Post):
    Config = OpenConfig

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.config.api_token}"}


class Misguides(Post):
    """Asks to enter a key that there is not."""

    guide = Guide(enter=(ToEnter(("Secret", "密钥"), "{hook_token}"),))


class HalfSaid(Post):
    """Speaks one language."""

    guide = Guide(name=("Post", ""))


SABOTAGE = [
    (Believes, "test_a_forged_callback_is_no_evidence"),
    (Believes, "test_a_callback_without_credentials_is_refused"),
    (Crashes, "test_odd_callbacks_are_refused"),
    (CountsDeliveries, "test_a_repeated_callback_has_the_same_keys"),
    (OneKey, "test_two_happenings_have_different_keys"),
    (OtherKeysInPolls, "test_all_ways_in_meet_on_one_key"),
    (ImportsHistory, "test_the_first_collection_starts_from_now"),
    (ReadsTheClock, "test_normalise_reads_every_sample"),
    (Trusts, "test_damaged_payloads_are_malformed_or_read"),
    (Strict, "test_normalise_survives_unknown_fields"),
    (Anonymous, "test_normalise_reads_every_sample"),
    (Drops, "test_every_message_is_covered_in_order"),
    (Reverses, "test_every_message_is_covered_in_order"),
    (Publishes, "test_private_notes_stay_private"),
    (Rambles, "test_texts_keep_to_the_limit"),
    (Shortens, "test_no_word_is_lost"),
    (Remembers, "test_render_is_pure"),
    (Forgets, "test_files_above_the_limit_are_not_dropped"),
    (WaitsForFiles, "test_words_do_not_wait_for_a_file_that_cannot_be_read"),
    (BlindlyCertain, "test_reset_after_it_was_done"),
    (BlindlyCertain, "test_a_500_after_it_was_done"),
    (Certain, "test_reset_after_it_was_done"),
    (Optimist, "test_an_answer_that_is_none"),
    (Optimist, "test_half_an_answer"),
    (Twice, "test_what_is_delivered_is_seen_once"),
    (SameReceipt, "test_receipts_do_not_lie"),
    (Tells, "test_logs_and_errors_hold_no_secret_and_no_words"),
    (Logs, "test_logs_and_errors_hold_no_secret_and_no_words"),
    (Impatient, "test_429_says_how_long"),
    (Stubborn, "test_every_refusal_has_its_class"),
    (Stubborn, "test_401_is_a_matter_of_credentials"),
    (Cheerful, "test_check_tells_of_wrong_credentials"),
    (Cheerful, "test_check_tells_of_missing_rights"),
    (Cheerful, "test_check_raises_when_the_vendor_cannot_be_reached"),
    (Noisy, "test_check_finds_nothing_wrong_and_changes_nothing"),
    (Finder, "test_find_knows_what_was_delivered"),
    (Greedy, "test_fetch_gives_the_bytes_and_keeps_the_limit"),
    (Open, "test_secrets_are_declared_as_secrets"),
    (Misguides, "test_what_is_entered_at_the_vendor_is_there"),
    (HalfSaid, "test_what_is_entered_at_the_vendor_is_there"),
]

# these break a promise by raising something that has no place there, which goes through the test as it is
CRASHES: dict[type[Post], tuple[type[BaseException], ...]] = {
    Crashes: (ValueError,),
    ReadsTheClock: (Impure,),
    Trusts: (ValueError, KeyError, TypeError, RecursionError),
}


def case_of(broken: type[Post]) -> ConnectorConformance:
    """The example's own case, with one thing different."""
    body = {"connector": broken, "role": Role.DESK, "shrinks": False}
    return type("Case", (test_conformance.TestPost,), body)()


@pytest.mark.parametrize(
    ("broken", "test"), SABOTAGE, ids=lambda value: value if isinstance(value, str) else value.__name__
)
async def test_a_broken_promise_is_noticed(broken: type[Post], test: str, caplog: pytest.LogCaptureFixture) -> None:
    case = case_of(broken)
    check = getattr(case, test)
    takes = inspect.signature(check).parameters
    async with case.staged() as harness:
        given = {name: value for name, value in (("harness", harness), ("caplog", caplog)) if name in takes}
        noticed: BaseException | None = None
        try:
            result = check(**given)
            if inspect.isawaitable(result):
                await result
        except (Exception, pytest.fail.Exception) as error:
            noticed = error
    assert noticed is not None, f"{test} did not notice: {broken.__doc__}"
    expected = CRASHES.get(broken, (AssertionError, pytest.fail.Exception))
    assert isinstance(noticed, expected), f"{test} stumbled instead of noticing: {noticed!r}"

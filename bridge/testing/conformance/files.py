"""Files at and above the limits of the capabilities."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from bridge.contract import (
    ConnectorError,
    File,
    Image,
    Media,
    MediaRule,
    MediaStore,
    Part,
    Prepares,
    Rejected,
    Retryable,
    Role,
    Step,
    Support,
    Target,
    Text,
    Video,
    Voice,
)
from bridge.engine.outbound import accessories
from bridge.engine.outbound.accessories import for_this_attempt
from bridge.testing.conformance.builders import said, send, target_for
from bridge.testing.conformance.case import ConnectorCase, applies
from bridge.testing.conformance.harness import Harness
from bridge.testing.faults import Trouble

_LARGEST = 32 * 2**20  # bytes that a test really sends
_KINDS: dict[str, tuple[Callable[[Media], Part], str, bytes, str]] = {
    "image": (lambda media: Image(media=media), "picture.png", b"\x89PNG\r\n\x1a\n", "image/png"),
    "voice": (lambda media: Voice(media=media), "voice.mp3", b"ID3\x04", "audio/mpeg"),
    "video": (lambda media: Video(media=media), "clip.mp4", b"\0\0\0\x18ftypmp42", "video/mp4"),
    "file": (lambda media: File(media=media), "invoice.pdf", b"%PDF-1.7\n", "application/pdf"),
}


class Files(ConnectorCase):
    """A file that cannot be sent is never dropped: it becomes a link or a sentence."""

    async def test_files_at_the_limit_are_delivered(self, harness: Harness) -> None:
        await self._deliver(harness, more=0)

    async def test_files_above_the_limit_are_not_dropped(self, harness: Harness) -> None:
        await self._deliver(harness, more=1)

    def test_a_file_without_bytes_is_said_in_words(self) -> None:
        connector = self.isolated()
        context, _ = target_for(self.role, "c1", key="k")
        for kind, (part, name, _, mime) in _KINDS.items():
            lost = Media(account="other", id="1", mime=mime, name=name, error="the file has expired")
            message = said(self.role, part(lost), conversation="c1")
            steps = connector.render([message], context)
            assert any(message.id in step.covers for step in steps), f"a lost {kind} was dropped"
            assert not any(step.media for step in steps), f"a lost {kind} cannot be sent as a file"

    async def test_words_do_not_wait_for_a_file_that_cannot_be_read(self, harness: Harness) -> None:
        """An accessory never blocks the message: the words are shown, the file is linked or said to be missing."""
        conversation = await self.open_conversation(harness)
        store = harness.account.media
        media = await store.keep(picture(900), name="picture.png", mime="image/png")
        for number, error in enumerate([Rejected("no longer kept"), Retryable("the disk is away")]):
            words = f"wordstogo{number}"
            message = said(self.role, Text(body=words), Image(media=media), conversation=conversation)
            context, target = target_for(self.role, conversation, key=words)
            with _unreadable(store, media, error):
                for place, step in enumerate(harness.connector.render([message], context)):
                    try:
                        await send(harness, step, target.model_copy(update={"key": f"{words}-{place}"}))
                    except ConnectorError as failed:
                        pytest.fail(f"the words wait for a file: {type(failed).__name__}: {failed.message}")
            assert words in "".join(await self.shown(harness)), "the words that came with a file are lost"

    @applies(lambda case: case.simulator is not None and Trouble.LATE in case.troubles)
    @pytest.mark.parametrize("trouble", [Trouble.STATUS, Trouble.RESET_BEFORE], ids=["answered", "unanswered"])
    async def test_words_do_not_wait_for_a_file_that_cannot_be_uploaded(
        self, harness: Harness, trouble: Trouble
    ) -> None:
        """Every request that brings a file fails, however often: what came with it is shown after the few attempts that
        the engine makes with the file, which is linked or said to be missing.
        """
        conversation = await self.open_conversation(harness)
        media = await harness.account.media.keep(picture(900), name="picture.png", mime="image/png")
        message = said(self.role, Text(body="wordstogo"), Image(media=media), conversation=conversation)
        context, target = target_for(self.role, conversation, key="words")
        harness.vendor.faults.add(trouble, ".", status=500, files=True, times=99)
        for place, step in enumerate(harness.connector.render([message], context)):
            key, attempts = f"words-{place}", _Attempts()
            while attempts.left:
                try:
                    await send(harness, for_this_attempt(attempts, step), target.model_copy(update={"key": key}))
                except Retryable as error:
                    attempts.failed(error)
                    continue
                break
            else:
                pytest.fail("the words wait for a file that cannot be uploaded")
        self.disarm(harness)
        assert "wordstogo" in "".join(await self.shown(harness)), "the words that came with a file are lost"

    @applies(lambda case: case.simulator is not None and Trouble.LATE in case.troubles)
    async def test_words_do_not_wait_while_a_file_is_being_sent(
        self, harness: Harness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A vendor that takes a minute for each request that brings a file shows the words at once."""
        conversation = await self.open_conversation(harness)
        await self._say_with_slow_file(harness, monkeypatch, conversation)

    @applies(lambda case: case.role is Role.DESK and case.simulator is not None and Trouble.LATE in case.troubles)
    async def test_a_ticket_does_not_wait_while_a_file_is_being_sent(
        self, harness: Harness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The same where the file and its words make the ticket."""
        await self._say_with_slow_file(harness, monkeypatch, None)

    async def _say_with_slow_file(
        self, harness: Harness, monkeypatch: pytest.MonkeyPatch, conversation: str | None
    ) -> None:
        monkeypatch.setattr(accessories, "PATIENCE", accessories.PATIENCE / 50)
        media = await harness.account.media.keep(picture(900), name="picture.png", mime="image/png")
        message = said(self.role, Text(body="wordstogo"), Image(media=media), conversation=conversation or "new")
        context, target = target_for(self.role, conversation, key="words")
        harness.vendor.faults.add(Trouble.DELAY, ".", files=True, seconds=60, times=99)
        connector, runs = harness.connector, [[message]]
        if self.role is Role.DESK:
            runs, _ = accessories.apart([message], connector.capabilities, "en", opening=conversation is None)
        try:
            async with asyncio.timeout(8):  # the file would take a minute, or the whole time of a request
                for place, step in enumerate(connector.render(runs[0], context)):
                    if conversation is None and place:
                        break  # it brings what follows
                    await _send_soon(harness, step, target.model_copy(update={"key": f"words-{place}"}))
        except TimeoutError:
            pytest.fail("the words wait for a file that is being sent")
        finally:
            self.disarm(harness)
        assert "wordstogo" in "".join(await self.shown(harness)), "the words that came with a file are lost"

    async def _deliver(self, harness: Harness, *, more: int) -> None:
        conversation = await self.open_conversation(harness)
        for kind, (part, name, head, mime) in _KINDS.items():
            rule: MediaRule = getattr(harness.connector.capabilities, kind)
            size = (rule.max_bytes or 1000) + more
            if size > _LARGEST:
                size = 1000
            if kind == "image":
                data = picture(size if more == 0 else min(size, 200_000))
            else:
                data = head + b"\0" * (size - len(head))
            media = await harness.account.media.keep(data, name=name, mime=mime)
            if more and kind == "image" and rule.max_bytes:
                media = media.model_copy(update={"size": rule.max_bytes + 1})
            before = len(await self.shown(harness))
            message = said(self.role, part(media), conversation=conversation)
            context, target = target_for(self.role, conversation, key=f"{kind}-{more}")
            steps = harness.connector.render([message], context)
            _expect_carried(steps_json := json.dumps([step.model_dump(mode="json") for step in steps]), media, rule)
            assert message.id in steps_json
            for number, step in enumerate(steps):
                await send(harness, step, target.model_copy(update={"key": f"{target.key}-{number}"}))
            assert len(await self.shown(harness)) > before, f"nobody sees anything of a {kind} of {size} bytes"


@dataclass(slots=True)
class _Attempts:
    """A step's failures, as the engine counts them."""

    code: str = ""
    tries: int = 0
    left: int = 4

    def failed(self, error: Retryable) -> None:
        self.tries = self.tries + 1 if error.code == self.code else 1
        self.code = error.code
        self.left -= 1


async def _send_soon(harness: Harness, step: Step, target: Target) -> None:
    """As the engine sends a step for which others wait."""
    connector = harness.connector
    if isinstance(connector, Prepares) and connector.capabilities.uploads_apart:
        step, prepared = await accessories.prepare_soon(connector, step, target)
        await connector.deliver(step, target.model_copy(update={"prepared": prepared}))
    else:
        await send(harness, step, target)


@contextmanager
def _unreadable(store: MediaStore, lost: Media, error: ConnectorError) -> Iterator[None]:
    """A store that has every file but one."""
    read = store.read

    async def fail(media: Media, **_options: object) -> bytes:
        if media.sha256 == lost.sha256:
            raise error
        return await read(media)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "read", fail)
        patch.setattr(store, "image", fail)
        yield


def _expect_carried(steps: str, media: Media, rule: MediaRule) -> None:
    """The file itself, its link, or at least its name."""
    if rule.support is Support.LINK:
        assert media.url in steps, "the capabilities promise a link"
        return
    assert media.sha256 in steps or media.url in steps or media.name in steps, "a file was dropped without a word"


def picture(size: int) -> bytes:
    """A readable PNG of exactly `size` bytes: what follows its end is ignored by readers."""
    import io

    from PIL import Image as Pillow

    out = io.BytesIO()
    Pillow.new("RGB", (40, 30), "navy").save(out, "PNG")
    return out.getvalue() + b"\0" * max(0, size - out.tell())

"""Uploaded pictures: how many pixels are unfolded, and what cameras wrote into them."""

import asyncio
import io
from typing import Any

import pytest
from PIL import Image

from bridge.contract import StoreDown
from bridge.testing.clock import VirtualClock
from bridge.testing.records import MemoryRecords
from connectors.webchat.quotas import KIND, Quotas
from connectors.webchat.uploads import accept
from connectors.webchat.web import Refusal
from tests.connectors.webchat.webchat_rig import Visitor, WebchatRig, opened


def picture(kind: str, size: tuple[int, int], **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"), [("WEBP", {"quality": 1, "method": 0}), ("PNG", {}), ("JPEG", {"progressive": True})]
)
async def test_few_bytes_with_many_pixels_are_refused(kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        await accept(picture(kind, (8000, 5000) if kind == "JPEG" else (5000, 4000), **options))
    assert caught.value.status == 413


async def test_a_photograph_with_many_pixels_is_made_smaller() -> None:
    found = await accept(picture("JPEG", (8000, 6000)))
    assert (found.mime, found.width, found.height) == ("image/jpeg", 4000, 3000)


async def test_a_jpeg_of_several_pictures_is_no_animation_and_loses_its_place() -> None:
    exif = Image.Exif()
    exif[0x010F] = "canary-camera"
    more = [Image.new("RGB", (40, 30), "red")]
    source = picture("MPO", (40, 30), save_all=True, append_images=more, exif=exif)
    assert b"canary-camera" in source
    found = await accept(source)
    assert b"canary-camera" not in found.data


def moving(kind: str, **options: Any) -> bytes:
    frames = [Image.new("RGB", (20, 12), (50 * shade, 0, 0)) for shade in range(3)]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
async def test_a_moving_picture_is_given_out_without_place_or_appended_bytes(rig: WebchatRig, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "canary-camera"
    options: dict[str, Any] = {"comment": b"canary-words"} if kind == "GIF" else {"exif": exif}
    source = moving(kind, **options)
    if kind == "WEBP":  # also inside of a frame
        at = source.index(b"ANMF")
        size = int.from_bytes(source[at + 4 : at + 8], "little")
        frame = source[at + 8 : at + 8 + size] + b"EXIF\x0c\0\0\0canary-frame"
        source = source[:at] + b"ANMF" + len(frame).to_bytes(4, "little") + frame + source[at + 8 + size + size % 2 :]
        source = b"RIFF" + (len(source) - 8).to_bytes(4, "little") + source[8:]
    visitor = await rig.visitor()
    answer = await visitor.upload(source + b"canary-film" * 5, f"a.{kind.lower()}")
    assert answer.status_code == 201, answer.text
    given = (await visitor.client.get(answer.json()["url"])).content
    assert b"canary" in source and b"canary" not in given
    with Image.open(io.BytesIO(given)) as picture:
        assert getattr(picture, "n_frames", 1) == 3


# how much may be sent

PDF = b"%PDF-1" + b"x" * (600 * 1024 - 6)


async def sent(visitor: Visitor, count: int) -> list[int]:
    return [(await visitor.upload(PDF, "a.pdf")).status_code for _ in range(count)]


@pytest.mark.parametrize(("key", "others"), [("visitor_bytes", 201), ("address_bytes", 429), ("account_bytes", 429)])
async def test_a_days_quota_holds_for_a_visitor_an_address_and_all(key: str, others: int) -> None:
    async with opened(**{key: 2**20}) as rig:
        visitor, other = await rig.visitor(), await rig.visitor()
        assert await sent(visitor, 2) == [201, 429]
        answer = await visitor.upload(PDF)
        assert answer.json()["error"]["code"] == "quota"
        assert answer.json()["error"]["retry_after_ms"] > 60_000
        assert (await visitor.say("text goes on")).status_code == 201
        assert (await other.upload(PDF)).status_code == others
        rig.clock.advance(hours=24)
        assert (await (await rig.visitor()).upload(PDF)).status_code == 201


async def test_a_quota_comes_back_evenly_and_refused_files_use_none_of_it() -> None:
    clock, records = VirtualClock(), MemoryRecords()
    limits = Quotas(records, b"secret", clock)
    quotas = {("visitor", "v"): 1000, ("address", "a"): 2400}
    assert await limits.spend(900, quotas) == 0
    wait = await limits.spend(340, quotas)
    assert wait == pytest.approx(86400 * 0.24)
    clock.advance(seconds=wait + 1)
    assert await limits.spend(340, quotas) == 0
    assert await limits.spend(5000, {("visitor", "w"): 1000}) == 0, "one file may always be sent"
    assert await limits.spend(1, {("visitor", "w"): 1000}) > 86400


async def test_a_quota_is_one_for_all_processes_and_restarts() -> None:
    """Two processes on one store, at once and one after the other; no record says whose address it was."""
    clock, records = VirtualClock(), MemoryRecords()
    one, other = Quotas(records, b"secret", clock), Quotas(records, b"secret", clock)
    quotas = {("visitor", "v"): 1000, ("address", "203.0.113.7"): 1000}
    waits = await asyncio.gather(*(process.spend(300, quotas) for process in (one, other, one, other)))
    assert sorted(bool(wait) for wait in waits) == [False, False, False, True]
    assert await Quotas(records, b"secret", clock).spend(300, quotas) > 0, "a restart forgives nothing"
    rows = await records.list(KIND, limit=10)
    assert len(rows) == 2 and "203.0.113.7" not in str(rows)
    clock.advance(hours=25)
    await one.spend(1, {("visitor", "w"): 1000})
    assert len(await records.list(KIND, limit=10)) == 1, "what came back leaves no record"


async def test_agents_have_no_quota() -> None:
    async with opened(account_bytes=2**20, address_bytes=2**20, visitor_bytes=2**20) as rig:
        agent = await rig.agent()
        for _ in range(3):
            assert (await agent.post("/desk/site/v1/uploads", content=PDF)).status_code == 201


async def test_a_full_disk_refuses_files_in_words_and_no_text(rig: WebchatRig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise StoreDown("full")

    visitor = await rig.visitor()
    monkeypatch.setattr(rig.account.media, "keep", full)
    answer = await visitor.upload(PDF)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_room")
    assert (await visitor.say("text goes on")).status_code == 201

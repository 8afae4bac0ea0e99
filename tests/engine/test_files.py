"""The folder of files: what its disk refuses is the machine's fault, and what it stores is whole."""

import asyncio
import contextlib
import errno
import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.testing import capture_logs

from bridge.contract import Author, AuthorKind, File, Media, Message, Retryable, Step, StoreDown, Throttled
from bridge.engine.outbound.attachments import with_bytes
from bridge.services import images
from bridge.services.folder import MediaDown, MediaFolder
from bridge.testing.conformance.forgeries import POISON
from mappings import media
from tests.engine.engine_harness import Scene

REFUSALS = [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO, errno.EDQUOT]


@contextlib.contextmanager
def refusing(code: int) -> Iterator[None]:
    """A disk that takes nothing."""

    def refuse(*_args: Any) -> None:
        raise OSError(code, os.strerror(code))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        patch.setattr(os, "posix_fallocate", refuse)
        yield


def shown(scene: Scene) -> str:
    return " ".join(text for ticket in scene.vendors.tickets for text in scene.vendors.visible(ticket))


async def wait_and_look(scene: Scene, seconds: float) -> None:
    assert scene.bridge is not None and scene.bridge.engine is not None
    scene.clock.advance(seconds)
    scene.bridge.engine.loops.fetcher.wake.set()
    await asyncio.sleep(0.05)
    await scene.quiet()
    await scene.pass_time(1)
    await scene.quiet()


@pytest.mark.parametrize("code", REFUSALS, ids=errno.errorcode.get)
async def test_a_disk_that_refuses_is_the_machines_fault_and_no_files(scene: Scene, code: int) -> None:
    scene.vendors.files["notes.txt"] = b"x" * 503
    async with scene.running() as bridge:
        assert bridge.engine is not None
        assert bridge.engine.impaired() == []
        with refusing(code), capture_logs() as logs:
            await scene.says("anna", "look", file="notes.txt")
            for _ in range(8):
                await wait_and_look(scene, 400)
            assert "notes.txt" not in shown(scene), "neither there nor given up"
            (trouble,) = bridge.engine.impaired()
            assert "media_dir" in trouble and os.strerror(code) in trouble
            await bridge.engine.timetable.prove_folder()
            assert bridge.engine.impaired() == [trouble], "it is not over because nothing was tried"
        said = [entry for entry in logs if entry["log_level"] in {"warning", "error"} and "files" in entry["event"]]
        assert [(entry["log_level"], "media_dir" in entry["remedy"]) for entry in said] == [("warning", True)]
        assert not any(entry.get("exc_info") for entry in logs)
        await bridge.engine.timetable.prove_folder()
        assert bridge.engine.impaired() == []
        await wait_and_look(scene, 0)  # at once, and not when the back-off ends
        assert "[notes.txt 503]" in shown(scene)


async def test_a_folder_that_is_none_is_said_from_the_start_and_waited_for(scene: Scene) -> None:
    place = scene.folder / "media"
    place.write_text("not a folder")
    scene.vendors.files["a.txt"] = b"hello"
    async with scene.running() as bridge:
        assert bridge.engine is not None
        assert any("media_dir" in trouble for trouble in bridge.engine.impaired())
        await scene.says("anna", "look", file="a.txt")
        for _ in range(5):
            await wait_and_look(scene, 400)
        place.unlink()
        await bridge.engine.timetable.prove_folder()
        await wait_and_look(scene, 0)
        assert "[a.txt 5]" in shown(scene)


async def test_after_three_days_the_platform_has_forgotten_it(scene: Scene) -> None:
    scene.vendors.files["a.txt"] = b"hello"
    async with scene.running():
        with refusing(errno.ENOSPC):
            await scene.says("anna", "look", file="a.txt")
            await scene.quiet()  # it is wanted from now on
            await wait_and_look(scene, 71 * 3600)
            assert "a.txt" not in shown(scene)
            for _ in range(3):
                await wait_and_look(scene, 3600)
            said = "look [file: follows as soon as it can be fetched] [a.txt None the bridge could not store it]"
            assert shown(scene) == said, "no path of this machine"


def test_a_small_file_that_fits_does_not_end_the_trouble_of_a_large_one(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path / "media")
    with refusing(errno.ENOSPC), pytest.raises(MediaDown):
        folder.save(b"x" * 1000)
    folder.save(b"x")
    assert folder.trouble
    assert folder.probe()
    assert not folder.trouble


def test_trouble_of_the_folder_waits_without_blame_and_answers_503(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("")
    folder = MediaFolder(tmp_path / "media")
    for action in (lambda: folder.read("0" * 64), lambda: folder.save(b"x")):
        with pytest.raises(Throttled) as caught:
            action()
        assert isinstance(caught.value, StoreDown)
        assert caught.value.reason["en"] and caught.value.reason["zh"]


async def test_a_folder_that_is_away_is_no_lost_file(scene: Scene) -> None:
    async with scene.running() as bridge:
        kept = await bridge.files.keep(b"hello", name="a.txt")
        assert await bridge.files.read(kept) == b"hello"
        (scene.folder / "media").rename(scene.folder / "elsewhere")
        with pytest.raises(MediaDown):
            await bridge.files.read(kept)


def test_the_same_bytes_at_the_same_moment_are_stored_whole(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path / "media")
    data = b"y" * 300_000
    together = threading.Barrier(6)
    real, found, failed = os.fsync, [], []

    def slow(handle: int) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.5)
        real(handle)

    def save() -> None:
        try:
            found.append(folder.save(data))
        except Exception as error:
            failed.append(error)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", slow)
        threads = [threading.Thread(target=save) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    assert {folder.path(digest).read_bytes() for digest in found} == {data}
    assert [path.name for path in (tmp_path / "media").rglob("*.part")] == []


def test_file_and_folder_are_on_the_disk_before_it_is_said(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path / "media")
    synced = []
    real = os.fsync

    def seen(handle: int) -> None:
        synced.append(os.path.isdir(f"/proc/self/fd/{handle}"))
        real(handle)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", seen)
        folder.save(b"one")
    assert synced == [False, True, True], "the file, its folder, and the folder above a new one"


async def test_leftovers_of_a_crash_go_at_the_start_and_files_stay(scene: Scene) -> None:
    async with scene.running() as bridge:
        kept = await bridge.files.keep(b"hello", name="a.txt")
        place = bridge.files.folder.path(kept.sha256)
    old = place.with_name(f"{place.name}.4711.part")
    for leftover in (old, place.with_name("tmpabc.part"), scene.folder / "media" / "tmpx.part"):
        leftover.write_bytes(b"hal")
        os.utime(leftover, (1, 1))
    async with scene.running() as bridge:
        assert await bridge.files.read(Media(account="", id="a", sha256=kept.sha256)) == b"hello"
        assert list((scene.folder / "media").rglob("*.part")) == []


def test_what_another_process_writes_just_now_stays(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path)
    (tmp_path / "new.part").write_bytes(b"x")
    folder.remove_partial(alone=False)
    assert (tmp_path / "new.part").exists()
    folder.remove_partial(alone=True)
    assert not (tmp_path / "new.part").exists()


async def test_what_is_stored_and_linked_names_no_place(scene: Scene) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "canary-camera"
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=exif)
    scene.vendors.files["p"] = out.getvalue() + b"canary-film"
    async with scene.running() as bridge:
        kept = await bridge.files.keep(out.getvalue())
        await scene.says("anna", "look", file="p")
        await scene.quiet()
        assert b"canary" not in await bridge.files.read(kept)
        stored = [path.read_bytes() for path in (scene.folder / "media").rglob("*") if path.is_file()]
    assert stored and not any(b"canary" in one for one in stored)


async def test_whatever_a_sender_calls_a_file_it_is_kept(scene: Scene) -> None:
    """Half a character, NUL, a name without end, as its name or its type: it would undo the transaction it comes with."""
    async with scene.running() as bridge:
        for number, odd in enumerate(POISON):
            kept = await bridge.files.keep(b"%d" % number, name=f"{odd}.txt", mime=f"text/{odd}")
            assert await bridge.files.read(kept) == b"%d" % number
            kept.model_dump_json().encode()
            assert "\0" not in kept.name + kept.mime and len(kept.name) <= 500


async def test_one_picture_is_decoded_at_a_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most = 0, 0

    def slow(data: bytes, **_more: Any) -> tuple[bytes, str]:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        time.sleep(0.05)
        at_once -= 1
        return data, "image/png"

    monkeypatch.setattr(images, "fit", slow)
    async with scene.running() as bridge:
        kept = await bridge.files.keep(b"hello")
        wanted = [bridge.files.image(kept, mimes=["image/png"], max_bytes=100) for _ in range(4)]
        assert await asyncio.gather(*wanted) == [(b"hello", "image/png")] * 4
    assert most == 1


@pytest.mark.parametrize(
    ("declared", "kind"), [("application/octet-stream", "image"), ("", "image"), ("image/png", "file")]
)
async def test_bytes_decide_whether_a_file_is_a_picture(scene: Scene, declared: str, kind: str) -> None:
    """A connector that calls a picture a file although it is declared as one means it."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    async with scene.running() as bridge:
        kept = await bridge.files.keep(out.getvalue())
        facts = {"state": "done", "sha256": kept.sha256, "mime": kept.mime}
        await bridge.store.write(media.want_media, "shop", "f1", scene.clock(), **facts)
        part = File(media=Media(account="shop", id="f1", mime=declared), caption="c")
        message = Message(
            id="m", conversation="anna", author=Author(kind=AuthorKind.CUSTOMER, id="anna"), parts=(part,)
        )
        (found,) = (await bridge.store.read(with_bytes, bridge.runtime, message)).parts
    assert (found.kind, found.caption) == (kind, "c")


async def test_words_do_not_wait_for_a_file(scene: Scene) -> None:
    """A host that answers 503: words go within seconds, what follows is not held up, and the file comes when it can."""
    down = True

    def trouble(account: str, step: Step, phase: str) -> None:
        if step.verb == "fetch" and down:
            raise Retryable("host: 503", code="http 503")

    scene.vendors.files["map.png"] = b"x" * 7
    async with scene.running():
        scene.vendors.trouble = trouble
        await scene.says("anna", "look", file="map.png")
        await scene.says("anna", "urgent: the shop closes at six")
        await scene.quiet()
        await wait_and_look(scene, 6)
        assert "look [file: follows as soon as it can be fetched]" in scene.vendors.visible(scene.only_ticket)
        assert "urgent: the shop closes at six" in scene.vendors.visible(scene.only_ticket)
        await wait_and_look(scene, 600)
        await scene.says("anna", "still there?")
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket)[-1] == "still there?"
        down = False
        for _ in range(3):
            await wait_and_look(scene, 600)
        assert scene.vendors.visible(scene.only_ticket)[-1] == "[map.png 7]"
        assert sum("map.png" in text for text in scene.vendors.visible(scene.only_ticket)) == 1


@pytest.mark.parametrize("ends", ["comes", "never"])
async def test_an_answer_does_not_wait_for_its_file_and_the_agent_is_told(scene: Scene, ends: str) -> None:
    down = True

    def trouble(account: str, step: Step, phase: str) -> None:
        if step.verb == "fetch" and down:
            raise Retryable("host: 503", code="http 503")

    scene.vendors.files["map.png"] = b"x" * 7
    async with scene.running():
        await scene.says("anna", "hello")
        await scene.quiet()
        ticket = scene.only_ticket
        scene.vendors.trouble = trouble
        scene.vendors.agent_says(ticket, "look", file="map.png")
        scene.vendors.agent_says(ticket, "the shop closes at six")
        scene.look()
        await scene.collected()
        await scene.quiet()
        await wait_and_look(scene, 6)
        assert [said.text for said in scene.vendors.phones["anna"]] == ["look", "the shop closes at six"]
        (note,) = scene.vendors.notes(ticket)
        assert note.startswith("A file of this answer cannot be fetched yet")
        assert "map.png" in note
        down = ends == "never"
        for _ in range(3):
            await wait_and_look(scene, 500)
        if ends == "comes":
            assert [said.text for said in scene.vendors.phones["anna"]][2:] == ["[map.png 7]"]
            assert len(scene.vendors.notes(ticket)) == 1
        else:
            assert len(scene.vendors.phones["anna"]) == 2, "no reply is spent on what is missing"
            assert scene.vendors.notes(ticket)[-1].startswith("Not delivered: a file of this answer")


async def test_a_database_in_trouble_says_nothing_of_a_file(scene: Scene) -> None:
    """A connector that keeps its files in the store: what fails there is tried again, however often."""
    down = True

    def trouble(account: str, step: Step, phase: str) -> None:
        if step.verb == "fetch" and down:
            raise PoolTimeout("no connection in time")

    scene.vendors.files["a.txt"] = b"hello"
    async with scene.running():
        scene.vendors.trouble = trouble
        with capture_logs() as logs:
            await scene.says("anna", "look", file="a.txt")
            await scene.quiet()
            for _ in range(6):
                await wait_and_look(scene, 400)
        assert not any("bug" in entry["event"] for entry in logs)
        down = False
        for _ in range(2):
            await wait_and_look(scene, 400)
        assert "[a.txt 5]" in shown(scene)

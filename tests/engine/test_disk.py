"""A disk that runs full: files are refused while text can still be kept, and everybody who looks is told."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from bridge.alerts.causes import Outside, causes_now
from bridge.alerts.words import alert_of
from bridge.services.disks import database_folder, shortages
from bridge.services.folder import MediaDown, MediaFolder
from bridge.status import status_json, status_text
from bridge.web.health import metrics_page, readyz
from tests.engine.engine_harness import Scene
from tests.engine.test_files import shown, wait_and_look

KEEP = 256 * 2**20


@contextmanager
def free(count: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=count))
        yield


def test_files_are_refused_before_the_disk_is_full_and_taken_again(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path / "media", KEEP)
    with free(KEEP + 100), capture_logs() as logs:
        folder.save(b"x" * 100)
        for _ in range(3):
            with pytest.raises(MediaDown, match="keep_free"):
                folder.save(b"x" * 101)
        assert not folder.probe(), "as large a one would not fit"
    assert [entry["log_level"] for entry in logs] == ["warning"], "said once"
    assert "keep_free" in folder.trouble
    with free(KEEP + 101):
        assert folder.probe()
    assert not folder.trouble


def test_nothing_is_asked_where_the_check_is_off(tmp_path: Path) -> None:
    with free(0):
        MediaFolder(tmp_path / "media").save(b"x")


async def test_text_goes_on_while_a_picture_waits_for_room(scene: Scene) -> None:
    scene.vendors.files["a.txt"] = b"hello"
    async with scene.running() as bridge:
        assert bridge.engine is not None
        with free(KEEP - 1):
            await scene.says("anna", "before")
            await scene.quiet()
            await scene.says("anna", "look", file="a.txt")
            await wait_and_look(scene, 400)
            assert "before" in shown(scene)
            assert "hello" not in shown(scene)
            assert bridge.engine.troubles() == [], "ready: text is kept"
            await bridge.engine.timetable.prove_folder()
            (trouble,) = bridge.engine.impaired()
            answer = await readyz(bridge.engine.troubles, bridge.engine.impaired)(None)  # type: ignore[arg-type] # unread
            assert answer.status_code == 200
            assert json.loads(bytes(answer.body))["impaired"] == [trouble]
            found = await bridge.store.read(status_json, bridge.settings)
            assert found["machine"] == found["needs_you"]
            assert "keep_free" in status_text(found) and "this machine" in status_text(found)
            page = await metrics_page(bridge.store, scene.clock, {"media": bridge.files.folder.place})(None)  # type: ignore[arg-type] # unread
            assert b'bridge_disk_free_bytes{place="media"} 2.68435455e+08' in bytes(page.body)
        await bridge.engine.timetable.prove_folder()
        await wait_and_look(scene, 0)
        assert "[a.txt 5]" in shown(scene)
        found = await bridge.store.read(status_json, bridge.settings)
        assert found["machine"] == []


def test_the_databases_own_disk_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one disk with the files it is told at half of what they leave; on its own at all of it; a server's not at all."""
    files, database = tmp_path / "media", tmp_path / "db"
    url = f"sqlite:///{database}/bridge.db"
    assert database_folder(url) == database and database_folder("sqlite+aiosqlite:///bridge.db") == Path()
    assert database_folder("postgresql+psycopg://db/bridge") is None
    with free(KEEP - 1):
        assert [one.what for one in shortages(files, url, KEEP)] == ["files"]
    with free(KEEP // 2 - 1):
        assert [one.what for one in shortages(files, url, KEEP)] == ["files", "database"]
    monkeypatch.setattr("bridge.services.disks._disk", lambda place: int(place == database))
    monkeypatch.setattr(
        shutil, "disk_usage", lambda place: SimpleNamespace(free=0 if str(place) == str(tmp_path) else KEEP)
    )
    (tmp_path / "media").mkdir()
    (short,) = shortages(files, url, KEEP)
    assert short.what == "database" and "no message can be kept" in short.words


async def test_a_database_disk_that_runs_full_is_told_everywhere(database_url: str, tmp_path: Path) -> None:
    scene = Scene(database_url, tmp_path, alerts={"ops": {"kind": "wecom", "url": "https://robots.example/x"}})
    async with scene.running() as bridge:
        assert bridge.engine is not None
        with free(100):
            await bridge.engine.timetable.prove_folder()
            impaired = bridge.engine.impaired()
            found = await bridge.store.read(status_json, bridge.settings)
            causes = await bridge.store.read(causes_now, bridge.settings, scene.clock(), Outside())
        local = database_url.startswith("sqlite")
        assert any("the database's disk" in one for one in impaired) == local
        assert any("the database's disk" in one for one in found["machine"]) == local
        assert ("disk.database" in causes["ops"]) == local and "disk.files" in causes["ops"]
        for language in ("en", "zh"):
            for well in (False, True):
                alert_of("x", causes["ops"], well=well, language=language, at=scene.clock())
        await bridge.engine.timetable.prove_folder()
        assert bridge.engine.impaired() == []

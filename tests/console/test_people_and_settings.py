"""People joined with proof and undone; users, sessions and the configuration, which never shows a secret."""

import re
from datetime import timedelta

import pytest
from pydantic import SecretStr

from bridge.console.configured import configured
from bridge.engine.maintenance import prune
from bridge.settings import Settings
from mappings import console, people, state
from tests.console.console_harness import PASSWORD, ConsoleScene


async def suggested(scene: ConsoleScene) -> None:
    for customer in ("anna", "bert"):
        await scene.says(customer, "hello")
    await scene.quiet()

    def suggest(tx: object) -> None:
        people.know(tx, "shop", "anna", "", "customer-17", scene.clock())  # type: ignore[arg-type] # a transaction
        known = people.know(tx, "shop", "bert", "", "customer-17", scene.clock())  # type: ignore[arg-type] # as above
        people.suggest(tx, known.person_id, "customer-17", scene.clock())  # type: ignore[arg-type] # as above

    await scene.up.store.write(suggest)


async def test_people_are_listed_and_found_by_id_and_name(scene: ConsoleScene) -> None:
    operator, viewer = await scene.person("operator"), await scene.person("viewer")
    assert "Nobody has written yet" in (await operator.get("/people")).text
    for number in range(60):
        await scene.says(f"customer-{number:02}", "hello")
    await scene.quiet()
    page = (await operator.get("/people")).text
    assert "Customer customer-59" in page and "customer-05" not in page
    (older,) = re.findall(r'name="before" value="(\d+)"', page)
    further = (await operator.get(f"/people?before={older}")).text
    assert "customer-05" in further and "customer-59" not in further and 'name="before"' not in further
    for asked in ("customer-07", "Customer customer-07"):
        found = (await operator.get(f"/people?q={asked}")).text
        assert re.findall(r'<tr data-id="p(\d+)"', found) == ["8"], asked
    masked = (await viewer.get("/people?q=customer-07")).text
    assert re.findall(r'<tr data-id="p(\d+)"', masked) == ["8"] and "shop:customer-07" not in masked
    assert "Nobody is known by that" in (await viewer.get("/people?q=Customer customer-07")).text, (
        "names are not theirs"
    )


async def test_people_are_joined_with_proof_and_taken_apart(scene: ConsoleScene) -> None:
    operator, viewer = await scene.person("operator"), await scene.person("viewer")
    assert "Nobody is suggested" in (await operator.get("/people")).text
    await suggested(scene)
    page = (await operator.get("/people")).text
    assert "customer id customer-17" in page and "shop:anna" in page and "shop:bert" in page
    masked = (await viewer.get("/people")).text
    assert "customer-17" not in masked and "shop:anna" not in masked and "/join" not in masked
    (number,) = re.findall(r'<tr data-id="(\d+)"', page)
    assert (await viewer.send(f"/people/{number}/join")).status_code == 403
    assert (await operator.send(f"/people/{number}/join")).status_code == 303
    person = (await operator.get("/people/1")).text
    assert "anna" in person and "bert" in person
    assert (await operator.send(f"/people/{number}/join")).status_code == 409
    assert (await operator.send(f"/people/{number}/undo")).status_code == 303
    person = (await operator.get("/people/1")).text
    assert "anna" in person and "bert" not in person
    assert ("console: Operator", "undo join", number) in await scene.audit()
    assert (await operator.get("/people/99")).status_code == 404
    assert "anna" not in (await viewer.get("/people/1")).text


async def test_an_admin_looks_after_users(scene: ConsoleScene) -> None:
    admin = await scene.person("admin")
    page = (await admin.get("/settings")).text
    assert 'data-id="admin"' in page
    fields = {"user": "Nia <b>", "secret": PASSWORD, "role": "operator"}
    assert (await admin.send("/settings/users", **fields)).status_code == 303
    assert "Nia &lt;b&gt;" in (await admin.get("/settings")).text
    short = await admin.send("/settings/users", user="Kim", secret="short", role="viewer")
    assert short.status_code == 400 and "at least 10 characters" in short.text
    assert (await admin.send("/settings/users", user="Kim", secret=PASSWORD, role="god")).status_code == 400
    nia = scene.stranger()
    assert (await nia.sign_in("nia <b>")).status_code == 303
    assert (await nia.get("/settings")).status_code == 200
    for path in ("/settings/users", "/settings/users/role", "/settings/users/remove"):
        assert (await nia.send(path, user="admin", role="viewer", sure="1")).status_code == 403, path
    assert (await admin.send("/settings/users/role", user="nia <b>", role="viewer")).status_code == 303
    assert "engine.workers" not in (await nia.get("/settings")).text, "a viewer from the next page on"
    asked = await admin.send("/settings/users/remove", user="nia <b>")
    assert asked.status_code == 200 and "Remove nia &lt;b&gt;?" in asked.text
    assert (await admin.send("/settings/users/remove", user="nia <b>", sure="1")).status_code == 303
    assert (await nia.get("/settings")).status_code == 303, "the sessions ended with it"
    what = {what for _, what, _ in await scene.audit()}
    assert {"add user", "change role", "remove user"} <= what


async def test_the_last_admin_stays(scene: ConsoleScene) -> None:
    admin = await scene.person("admin")
    assert (await admin.send("/settings/users/role", user="admin", role="viewer")).status_code == 409
    assert (await admin.send("/settings/users/remove", user="admin", sure="1")).status_code == 409
    assert await scene.up.store.read(console.count_users, "admin") == 1


async def test_an_admin_ends_a_session_of_somebody_else(scene: ConsoleScene) -> None:
    admin, viewer = await scene.person("admin"), await scene.person("viewer")
    (other,) = [one for one in await scene.up.store.read(console.sessions) if one.name == "viewer"]
    assert (await admin.send("/settings/users/sessions/end", id=other.key[:16])).status_code == 303
    assert (await viewer.get("/overview")).status_code == 303


async def test_the_configuration_says_where_each_value_comes_from(
    scene: ConsoleScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_ENGINE__WORKERS", "4")
    operator, viewer = await scene.person("operator"), await scene.person("viewer")
    page = (await operator.get("/settings")).text
    rows = dict(re.findall(r'<tr data-id="([\w.]+)">(.*?)</tr>', page, re.DOTALL))
    assert "environment" in rows["engine.workers"] and "file" in rows["engine.settle"]
    assert "default" in rows["tickets.reopen_within"] and "7d" in rows["tickets.reopen_within"]
    assert "(set)" in rows["bridge.secret_key"] and "0123456789abcdef" not in page
    assert "not set" in rows["bridge.api_token"]
    assert "engine.workers" not in (await viewer.get("/settings")).text


def test_no_secret_is_ever_said() -> None:
    given = {
        "public_url": "https://bridge.example.com",
        "database_url": "postgresql://bridge:hunter2@db.example/bridge?sslkey=hunter3",
        "secret_key": SecretStr("hunter4-hunter4-hunter4"),
    }
    said = str(configured(Settings(bridge=given)))
    assert "hunter" not in said and "db.example" in said and "https://bridge.example.com" in said


async def test_the_audit_is_kept_as_long_as_the_configuration_says(scene: ConsoleScene) -> None:
    admin = await scene.person()
    assert scene.up.engine is not None
    await scene.up.store.write(
        state.add_audit, "console: Ada", "pause", "long ago", scene.clock() - timedelta(days=401)
    )
    await scene.up.store.write(
        state.add_audit, "console: Ada", "pause", "last year", scene.clock() - timedelta(days=399)
    )
    await prune(scene.up.store, scene.up.runtime, scene.up.files.folder, scene.clock())
    page = (await admin.get("/audit")).text
    assert "last year" in page and "long ago" not in page and "sign in" in page


async def test_the_audit_is_searched_and_paged(scene: ConsoleScene) -> None:
    from mappings import state

    for number in range(120):
        await scene.up.store.write(
            state.add_audit, "somebody", "retry", f"thing {number} <script>x</script>", scene.clock()
        )
    viewer = await scene.person("viewer")
    page = (await viewer.get("/audit")).text
    assert "thing 119" in page and "thing 10 " not in page and "<script>x" not in page
    (older,) = re.findall(r'href="\?before=(\d+)"', page)
    assert "thing 5 " in (await viewer.get(f"/audit?before={older}")).text
    found = (await viewer.get("/audit?text=thing 77")).text
    assert "thing 77" in found and "thing 78" not in found

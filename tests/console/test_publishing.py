"""Routes are published from the console: who may, what is shown before, what the file and the audit hold afterwards."""

from pathlib import Path

import pytest

from bridge.settings import load_settings
from tests.console.console_harness import ConsoleScene, Person
from tests.console.test_routes_page import DRAFT, ROUTES, opened

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OWN = """# my rules
[[routes]]
name = "refunds"
channel = "shop"
desk = "desk"
group = "Finance"
when = { words = ["refund"] }
[[routes]]  # last
name = "rest"
channel = "shop"
desk = "desk"

"""
HEAD = '[bridge]\npublic_url = "https://bridge.example.com"\nsecret_key = "' + "k7" * 16 + '"\n'
TAIL = '[tickets]\nreopen_within = "3d"  # days\n'


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> ConsoleScene:
    return ConsoleScene(database_url, tmp_path, routes=ROUTES)


def with_file(scene: ConsoleScene, folder: Path) -> Path:
    path = folder / "config.toml"
    path.write_text(HEAD + OWN + TAIL, "utf-8")
    scene.up.config = path
    return path


async def published(who: Person, **fields: str) -> str:
    before = await who.send("/routes/publish", page="/routes", draft=DRAFT, **fields)
    assert before.status_code == 200, before.text[-500:]
    return before.text


async def version_of(who: Person) -> dict[str, str]:
    """What the page that asks sends along."""
    page = await published(who)
    return {"sure": "1", "version": page.partition('name="version" value="')[2].partition('"')[0]}


async def test_a_draft_is_seen_published_and_put_back(scene: ConsoleScene, tmp_path: Path) -> None:
    async with scene.open():
        await opened(scene)
        path, operator = with_file(scene, tmp_path), await scene.person("operator")
        page = (await operator.get("/routes")).text
        assert "group = &#34;Finance&#34;" in page and "# last" in page, "the draft begins as the file has it"
        assert "not in effect yet" not in page and "/routes/undo" not in page
        page = await published(operator)
        assert "1 of 1 conversations would go elsewhere" in page and "secret words" not in page
        assert '<tr class="taken"><td>-</td><td>group = &#34;Finance&#34;</td>' in page
        assert '<tr class="added"><td>+</td><td>name = &#34;all the rest&#34;</td>' in page
        assert path.read_text("utf-8") == HEAD + OWN + TAIL, "looking changes nothing"
        done = await operator.send("/routes/publish", page="/routes", draft=DRAFT, **await version_of(operator))
        assert done.status_code == 303, done.text[-500:]
        assert [one.name for one in load_settings(path).routes] == ["refunds", "all the rest"]
        assert "# days" in path.read_text("utf-8")
        page = (await operator.get("/routes")).text
        assert "not in effect yet" in page and "/routes/renew" not in page, "this bridge is served by a test"
        page = (await operator.send("/routes/undo", page="/routes")).text
        version = page.partition('name="version" value="')[2].partition('"')[0]
        done = await operator.send("/routes/undo", page="/routes", sure="1", version=version)
        assert done.status_code == 303 and path.read_text("utf-8") == HEAD + OWN + TAIL
        rows = [row for row in await scene.audit() if row[1].endswith("routes")]
        assert [row[:2] for row in rows] == [
            ("console: Operator", "undo routes"),
            ("console: Operator", "publish routes"),
        ]
        assert rows[0][2].split(" → ") == rows[1][2].split(" → ")[::-1]


async def test_what_somebody_else_did_meanwhile_is_not_overwritten(scene: ConsoleScene, tmp_path: Path) -> None:
    async with scene.open():
        path, operator = with_file(scene, tmp_path), await scene.person("operator")
        known = await version_of(operator)
        other = HEAD + OWN.replace("Finance", "Sales") + TAIL
        path.write_text(other, "utf-8")
        late = await operator.send("/routes/publish", page="/routes", draft=DRAFT, **known)
        assert late.status_code == 409 and "changed meanwhile" in late.text
        assert path.read_text("utf-8") == other and not (tmp_path / "routes").exists()
        assert "publish routes" not in [row[1] for row in await scene.audit()]


async def test_who_may_not_and_what_cannot(scene: ConsoleScene, tmp_path: Path) -> None:
    async with scene.open():
        operator, viewer = await scene.person("operator"), await scene.person("viewer")
        unknown = await operator.send("/routes/publish", page="/routes", draft=DRAFT)
        assert unknown.status_code == 409 and "does not know its configuration file" in unknown.text
        assert "/routes/publish" not in (await operator.get("/routes")).text
        path = with_file(scene, tmp_path)
        for address in ("/routes/publish", "/routes/undo", "/routes/renew"):
            assert (await viewer.send(address, draft=DRAFT, sure="1")).status_code == 403
        nothing = await operator.send("/routes/undo", page="/routes")
        assert nothing.status_code == 409 and "nothing to put back" in nothing.text
        page = (await operator.send("/routes/publish", page="/routes", draft="[[routes]")).text
        assert "not valid TOML" in page and "[[routes]" in page
        path.write_text("routes = 1", "utf-8")
        for page in ((await operator.get("/routes")).text, (await viewer.get("/routes")).text):
            assert "The configuration cannot be read as it is now" in page
        broken = await operator.send("/routes/publish", page="/routes", draft=DRAFT)
        assert broken.status_code == 409 and "cannot be used as it is" in broken.text
        path.unlink()
        gone = await operator.send("/routes/publish", page="/routes", draft=DRAFT)
        assert gone.status_code == 503 and "No such file" in gone.text


async def test_former_routes_that_do_not_fit_any_more_stay_where_they_are(scene: ConsoleScene, tmp_path: Path) -> None:
    async with scene.open():
        path, operator = with_file(scene, tmp_path), await scene.person("operator")
        (tmp_path / "routes").mkdir()
        (tmp_path / "routes" / "1.toml").write_text('[[routes]]\nchannel = "old"\ndesk = "desk"\n', "utf-8")
        refused = await operator.send("/routes/undo", page="/routes")
        assert refused.status_code == 409 and "there is no account &#39;old&#39;" in refused.text
        assert path.read_text("utf-8") == HEAD + OWN + TAIL


async def test_what_stands_in_rules_is_text(scene: ConsoleScene, tmp_path: Path) -> None:
    """On the page that asks, in what is wrong with them, and where they serve."""
    evil = "<script>alert(1)</script>`x`"
    async with scene.open():
        path, operator = with_file(scene, tmp_path), await scene.person("operator")
        named, wrong = DRAFT.replace("all the rest", evil), DRAFT.replace('desk = "desk"', f'desk = "{evil}"', 1)
        pages = [(await operator.send("/routes/publish", page="/routes", draft=one)).text for one in (named, wrong)]
        path.write_text(HEAD + f'[[routes]]\nname = "{evil}"\n', "utf-8")
        pages += [(await operator.get("/routes")).text]
        for page in pages:
            assert "<script>alert" not in page and ("&lt;script&gt;alert" in page or "is missing" in page)

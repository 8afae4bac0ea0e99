"""One person with several identities: suggested, joined, taken apart; tickets never mix."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from bridge.cli.main import main
from mappings import links
from tests.engine.engine_harness import Scene

SAME = {"customer_id": "customer-17"}


async def people_of(scene: Scene) -> list[int]:
    assert scene.bridge is not None
    found = [await scene.bridge.store.read(links.open_link, "shop", name, lock=False) for name in ("anna", "web-1")]
    return [link.person_id for link in found if link is not None]


def run(scene: Scene, *arguments: str) -> Any:
    """The command line, beside the bridge that serves."""
    config = scene.folder / "config.toml"
    kinds = (
        '[accounts.a]\nkind = "wechat"\napp_id = "wx0123456789abcdef"\napp_secret = "0123456789abcdef"\ntoken = "t"\n'
    )
    config.write_text(
        f'[bridge]\npublic_url = "https://bridge.example.com"\ndatabase_url = "{scene.database_url}"\n'
        f'secret_key = "0123456789abcdef"\n{kinds}mode = "plain"\n[accounts.b]\nkind = "webchat"\n'
        '[[routes]]\nchannel = "a"\ndesk = "b"\n',
        "utf-8",
    )
    return CliRunner().invoke(main, [*arguments, "--config", str(config)])


async def test_joined_and_taken_apart_and_tickets_never_mix(scene: Scene) -> None:
    async with scene.running():
        await scene.says("anna", "from the phone", extra=SAME)
        await scene.says("web-1", "from the site", extra=SAME)
        await scene.says("bert", "somebody else", extra={"customer_id": "customer-18"})
        await scene.quiet()
        first, second = await people_of(scene)
        assert first != second, "a suggestion joins nobody"
        (one,) = json.loads(run(scene, "people", "list", "--json").output)
        assert one["state"] == "suggested" and "customer-17" in one["proof"]
        assert [one[side]["known as"] for side in ("kept", "joined")] == [["shop:anna"], ["shop:web-1"]]

        done = run(scene, "people", "join", str(one["id"]))
        assert done.exit_code == 0, done.output
        assert await people_of(scene) == [first, first]
        await scene.says("anna", "more from the phone", extra=SAME)
        await scene.says("web-1", "more from the site", extra=SAME)
        await scene.quiet()
        tickets = sorted(tuple(scene.vendors.visible(ticket)) for ticket in scene.vendors.tickets)
        apart = [("from the phone", "more from the phone"), ("from the site", "more from the site"), ("somebody else",)]
        assert tickets == apart
        assert run(scene, "people", "join", str(one["id"])).exit_code == 1, "it is joined already"

        assert "two people again" in run(scene, "people", "undo", str(one["id"])).output
        assert await people_of(scene) == [first, second]
        assert run(scene, "people", "undo", str(one["id"])).exit_code == 1
        assert "Nobody is suggested" in run(scene, "people", "list").output, "what was undone is not suggested again"


async def test_a_number_that_is_none_is_said(scene: Scene, tmp_path: Path) -> None:
    async with scene.running():
        done = run(scene, "people", "join", "77")
        assert done.exit_code == 1 and "bridge people list" in done.output

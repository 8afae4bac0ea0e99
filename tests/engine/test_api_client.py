"""A client that a third party's generator makes of our description, as it comes, against a bridge."""

import importlib
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

from bridge.api.description import describe_api
from tests.engine.platform_harness import CUSTOMER, PlatformHarness

TOKEN = "token-of-the-shop-0123456789"
NAME = "generated_client"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package, imported."""
    import json

    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_text(json.dumps(describe_api()), "utf-8")
    wanted = ConfigFile(post_hooks=[], project_name_override=NAME, package_name_override=NAME)
    config = Config.from_sources(
        wanted, MetaType.NONE, folder / "openapi.json", "utf-8", overwrite=True, output_path=folder / NAME
    )
    complaints = generate(config=config)
    assert complaints == [], "the generator understands all of it"
    sys.path.insert(0, str(folder))
    yield importlib.import_module(NAME)
    sys.path.remove(str(folder))
    for module in [one for one in sys.modules if one.partition(".")[0] == NAME]:
        del sys.modules[module]


async def test_it_asks_and_tells(client: ModuleType, database_url: str, tmp_path: Path) -> None:
    calls = {
        name: importlib.import_module(f"{NAME}.api.default.{name}")
        for name in (
            "send_message", "give_context", "give_consent", "get_message", "list_conversations", "get_conversation",
            "get_person", "get_figures", "export_figures", "describe",
        )
    }  # fmt: skip
    models = importlib.import_module(f"{NAME}.models")
    harness = PlatformHarness(database_url, tmp_path, bridge={"api_token": TOKEN})
    async with harness.running() as bridge:
        base = "https://bridge.example.com"
        api = client.AuthenticatedClient(base_url=base, token=TOKEN, raise_on_unexpected_status=True)
        transport = httpx.ASGITransport(bridge.app())
        bearer = {"authorization": f"Bearer {TOKEN}"}
        api.set_async_httpx_client(httpx.AsyncClient(transport=transport, base_url=base, headers=bearer))
        await harness.asks("hello")
        given = models.MessageGiven(account="shop", conversation=CUSTOMER, text="on its way")
        sent = await calls["send_message"].asyncio(client=api, body=given)
        assert isinstance(sent, models.MessageState) and sent.id
        await harness.quiet()
        assert harness.received() == ["on its way"]
        seen = await calls["get_message"].asyncio(sent.id, client=api)
        assert (seen.account, seen.conversation, seen.state) == ("shop", CUSTOMER, "accepted")
        context = models.ContextGiven.from_dict(
            {"account": "shop", "conversation": CUSTOMER, "profile": {"tier": "gold"}}
        )
        assert (await calls["give_context"].asyncio(client=api, body=context)).kept
        listed = await calls["list_conversations"].asyncio(client=api, channel="shop", limit=10)
        (row,) = listed.conversations
        assert listed.next_ is None and row.ticket == harness.only_ticket
        one = await calls["get_conversation"].asyncio(row.id, client=api)
        assert (one.link, one.holder) == (row.id, "desk")
        person = await calls["get_person"].asyncio(one.person, client=api)
        assert [each.id for each in person.conversations] == [row.id]
        figures = await calls["get_figures"].asyncio(client=api, by=models.GetFiguresBy("channel"))
        assert (figures.timezone, figures.complete) == ("Asia/Shanghai", False)
        assert (await calls["describe"].asyncio(client=api)).to_dict() == describe_api()
        consent = models.ConsentGiven(account="shop", conversation=CUSTOMER, template="none")
        refused = await calls["give_consent"].asyncio_detailed(client=api, body=consent)
        assert isinstance(refused.parsed, models.Error) and refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        absent = await calls["get_person"].asyncio(999, client=api)
        assert isinstance(absent, models.Error) and absent.error
        turns = await calls["export_figures"].asyncio_detailed(models.ExportFiguresWhat("turns"), client=api)
        assert turns.status_code == HTTPStatus.OK and turns.content

"""docs/reference/webhook-openapi.json says what goes and what comes, and nothing that is not so."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bridge.contract import Audience, DeliveryState, File, Labels, Media, Progress, Role, Step, Text
from bridge.testing.conformance.builders import said, target_for
from bridge.testing.rig import lend_account, make_account
from connectors.webhook import Webhook
from connectors.webhook.hearing import Unusable, keep
from connectors.webhook.simulator.vendor import SECRET
from connectors.webhook.telling import letter

DESCRIPTION = json.loads(Path("docs/reference/webhook-openapi.json").read_text("utf-8"))
KEPT = Media(account="a", id="1", name="a.pdf", mime="application/pdf", sha256="ab" * 32, size=9)


def errors_of(schema: str, value: Any) -> list[str]:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DESCRIPTION["components"]}
    return [error.message for error in jsonschema.Draft202012Validator(whole).iter_errors(value)]


def steps() -> list[Step]:
    config = Webhook.Config.model_validate({"kind": "webhook", "url": "https://crm.example.com/b", "secret": SECRET})
    desk = Webhook(config, make_account("ours"))
    context, _ = target_for(Role.DESK, None, key="k")
    progress = Progress(of="a-1", state=DeliveryState.FAILED, reason="refused")
    note = said(Role.DESK, Text(body="for agents"), conversation="c").model_copy(update={"audience": Audience.AGENTS})
    spoken = [
        said(Role.DESK, Text(body="hello"), conversation="c"),
        said(Role.DESK, progress, conversation="c"),
        note,
    ]
    shown = desk.labels(Labels(tags=("replies-2",), priority="high", rating=4), context)
    assert shown is not None
    return [*desk.render(spoken, context), shown]


def test_what_goes_is_what_is_described() -> None:
    _, target = target_for(Role.DESK, "17", key="018f")
    kinds = set()
    for step in steps():
        told = letter(step, target)
        assert errors_of("Told", told) == [], told
        kinds.add(told["type"])
    assert kinds == {"message", "note", "progress", "labels"} and told["rating"] == 4
    assert errors_of("Told", {"version": 1, "type": "message", "id": "1", "ticket": "2"}) != []


@pytest.mark.anyio
async def test_files_go_as_described() -> None:
    sent: list[Any] = []

    async with lend_account("ours", home="https://crm.example.com") as account:
        config = Webhook.Config.model_validate(
            {"kind": "webhook", "url": "https://crm.example.com/b", "secret": SECRET}
        )
        desk = Webhook(config, account)

        async def post(_name: str, body: Any, **_options: Any) -> None:
            sent.append(body)

        desk._api.post = post  # type: ignore[method-assign, assignment]
        media = await account.media.keep(b"%PDF-1.7 a", name="a.pdf", mime="application/pdf")
        context, target = target_for(Role.DESK, None, key="k")
        for one in (media, KEPT):
            (step,) = desk.render([said(Role.DESK, File(media=one), conversation="c")], context)
            await desk.deliver(step, target)
    assert ["data" in body["files"][0] for body in sent] == [True, False]
    assert [errors_of("Told", body) for body in sent] == [[], []]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "given",
    [
        {"type": "answer", "ticket": "17", "text": "hello"},
        {"type": "answer", "ticket": "17", "id": "1", "files": [{"url": "https://crm.example.com/a"}]},
        {"type": "note", "ticket": "17", "text": "#bot", "format": "markdown", "author": {"name": "Mei"}},
        {"type": "status", "ticket": "17", "status": "closed"},
        {"type": "deleted", "ticket": "17", "id": "1"},
        {"type": "answer", "ticket": 17, "text": "hello"},
        {"type": "answer", "ticket": "17"},
        {"type": "answer", "text": "hello"},
        {"type": "answer", "ticket": "17", "text": "hello", "format": "rtf"},
        {"type": "answer", "ticket": "17", "files": [{"url": "ftp://crm.example.com/a"}]},
        {"type": "status", "ticket": "17", "status": "gone"},
        {"type": "shout", "ticket": "17"},
    ],
)
async def test_what_comes_is_taken_exactly_where_it_is_described(given: dict[str, Any]) -> None:
    described = errors_of("Said", given) == []
    try:
        await keep(given, "msg_1", make_account("ours"))
    except Unusable:
        assert not described
    else:
        assert described


def test_the_examples_are_short() -> None:
    for name in ("desk.py", "desk.mjs"):
        text = Path("connectors/webhook/examples", name).read_text("utf-8")
        assert len(text.splitlines()) < 60, name

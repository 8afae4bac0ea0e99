"""What each desk's records forget, and what admins are told to do there: in both languages, any number of times."""

from types import SimpleNamespace
from typing import Any

import pytest

from bridge.contract import Account, Contact, Put, Said, Subject, in_language
from bridge.testing.rig import make_account
from connectors.chatwoot import forgetting as chatwoot
from connectors.email import forgetting as email
from connectors.email.token import digest
from connectors.freshdesk import forgetting as freshdesk
from connectors.rt import forgetting as rt
from connectors.zendesk import forgetting as zendesk
from connectors.zendesk.people import USER, external_id

WHO = Contact(id="oAnna", name="Anna Example")
SUBJECT = Subject(contacts=(WHO,), tickets=("17", "18"), peers=("501",), keys=("k1", "k2"))
WEB = "https://acme.example.com"


async def ask(kind: str, account: Account) -> list[Said]:
    answers: dict[str, Any] = {
        "zendesk": lambda: zendesk.forget(account, SUBJECT, WEB),
        "email": lambda: email.forget(account, SUBJECT, "help@acme.example"),
        "rt": lambda: rt.Forgetting.forget(SimpleNamespace(account=account), SUBJECT),  # type: ignore[arg-type] # all it needs
    }
    if kind in answers:
        return list(await answers[kind]())
    return list(
        freshdesk.left_to_do(account, SUBJECT, WEB) if kind == "freshdesk" else chatwoot.left_to_do(SUBJECT, WEB)
    )


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["zendesk", "freshdesk", "rt", "chatwoot", "email"])
async def test_admins_are_told_what_is_left_at_the_vendor(kind: str, language: str) -> None:
    account = make_account("desk")
    said = await ask(kind, account)
    assert said == await ask(kind, account), "asked again, the same is left"
    text = " ".join(in_language(one, language) for one in said)
    assert "17" in text and "18" in text and "Anna" not in text
    assert any("\u4e00" <= letter <= "\u9fff" for letter in text) is (language == "zh")
    assert kind == "email" or "501" in text


async def test_records_that_name_a_customer_go_and_others_stay() -> None:
    account = make_account("desk")
    mine, other = external_id("desk", "oAnna"), external_id("desk", "oBert")
    await account.records.commit(
        Put(USER, mine, {"id": "501", "name": "Anna Example"}),
        Put(USER, other, {"id": "502", "name": "Bert Example"}),
        Put("thread", "17", {"conversation": "17", "subject": "parcel", "to": "anna@acme.example", "last": "m1"}),
        Put("thread", "19", {"conversation": "19", "subject": "other"}),
        Put("id", "x", {"conversation": "17"}),
        Put("id", "y", {"conversation": "19"}),
        Put("mail", "m1", {"text": "hello"}),
        Put("mail", digest("k1"), {"text": "hello"}),
    )
    assert (await zendesk.records_of(account, SUBJECT))["users"][0]["name"] == "Anna Example"
    assert len((await email.records_of(account, SUBJECT))["threads"]) == 1
    await zendesk.forget(account, SUBJECT, WEB)
    await email.forget(account, SUBJECT, "help@acme.example")
    for kind, key in ((USER, mine), ("thread", "17"), ("id", "x"), ("mail", "m1"), ("mail", digest("k1"))):
        assert await account.records.get(kind, key) is None, (kind, key)
    for kind, key in ((USER, other), ("thread", "19"), ("id", "y")):
        assert await account.records.get(kind, key) is not None, (kind, key)

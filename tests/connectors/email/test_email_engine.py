"""Both roles under the real engine: a customer's mail becomes a ticket by mail, and the answer goes back."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from mail_rig import until

from bridge.app import Bridge
from bridge.cli.dead_letters import dead_json, replay
from bridge.registry import Declared
from bridge.settings import Settings
from connectors.email import Email, mime
from connectors.email.simulator import Simulator
from mappings import inbox
from mappings.schema import migrate

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))


@asynccontextmanager
async def running(folder, accounts, routes):
    settings = Settings(
        bridge={
            "public_url": "https://bridge.example.com",
            "database_url": f"sqlite+aiosqlite:///{folder}/bridge.db",
            "media_dir": str(folder / "media"),
            "secret_key": "0123456789abcdef0123456789abcdef",
        },
        accounts=accounts,
        routes=routes,
        engine={"settle": "1s", "backoff_max": "1s", "breaker_pause": "1s"},
    )
    declared = {name: Declared(name, Email, Email.Config.model_validate(keys)) for name, keys in accounts.items()}
    bridge = Bridge(settings, declared)
    bridge.store.open()
    await asyncio.to_thread(migrate, bridge.store)
    bridge.store.close()
    async with bridge.running():
        async with asyncio.timeout(60):  # from now on mails count
            for name in accounts:
                while await bridge.store.read(inbox.get_cursor, name) is None:
                    await asyncio.sleep(0.02)
        yield bridge


def texts(mails: list[bytes]) -> list[str]:
    return [mime.leaves(mime.parse(raw))[0].text_body.strip() for raw in mails]


@pytest.mark.timeout(180)
async def test_a_mail_held_back_is_listed_with_its_reason_and_passes_when_replayed(tmp_path):
    async with Simulator(role="channel") as shop, Simulator(role="desk", style="rt") as desk:
        accounts = {"letters": shop.settings(), "tickets": desk.settings()}
        async with running(tmp_path, accounts, [{"channel": "letters", "desk": "tickets"}]) as bridge:
            await until(lambda: "IDLE" in shop.imap.commands)
            shop.arrives(
                b"From: a@customer.example\r\nList-Id: <team.customer.example>\r\nMessage-ID: <l1@customer.example>\r\n"
                b"Subject: lamp\r\n\r\nWhere is my lamp?\r\n"
            )
            async with asyncio.timeout(60):
                while not (found := await bridge.store.read(dead_json))["groups"]:
                    await asyncio.sleep(0.02)
            assert "List-Id" in found["groups"][0]["cause"]
            assert not desk.desk.tickets
            await bridge.store.write(replay, [found["groups"][0]["entries"][0]["id"]])
            await until(lambda: desk.desk.tickets)
            assert texts(desk.desk.tickets[0].mails) == ["Where is my lamp?"]
            assert not (await bridge.store.read(dead_json))["groups"]


@pytest.mark.timeout(180)
async def test_customers_by_mail_and_agents_by_mail(tmp_path):
    async with Simulator(role="channel") as shop, Simulator(role="desk", style="rt", acknowledges=True) as desk:
        accounts = {"letters": shop.settings(), "tickets": desk.settings(await_ticket="10s")}
        async with running(tmp_path, accounts, [{"channel": "letters", "desk": "tickets"}]):
            await until(lambda: "IDLE" in shop.imap.commands)  # mail from before the first look is history
            shop.customer_writes("我的订单呢？", files=(("图.png", "image/png", PNG),))
            await until(lambda: desk.desk.tickets)
            ticket = desk.desk.tickets[0]
            assert texts(ticket.mails) == ["我的订单呢？"]
            await until(lambda: len(ticket.mails) > 1)  # the words do not wait for the file
            assert mime.body(mime.leaves(mime.parse(ticket.mails[1]))[1].part) == PNG
            desk.agent_answers("马上查")
            await until(lambda: shop.sent)
            shop.customer_writes("谢谢", answering=shop.sent[0])
            await until(lambda: len(ticket.mails) == 3)
            desk.agent_answers("不客气")
            await until(lambda: len(shop.sent) == 2)
            shop.vacation(shop.sent[-1])
            desk.arrives(desk.desk.acknowledgement(ticket, desk.clock()))
            shop.customer_writes("再问一下", answering=shop.sent[-1])
            await until(lambda: len(ticket.mails) == 4)
        assert texts(shop.sent) == ["马上查", "不客气"]
        first, picture, *later = texts(desk.sent)
        assert [first, *later] == ["我的订单呢？", "谢谢", "再问一下"] and "图.png" in picture
        assert len(desk.desk.tickets) == 1


@pytest.mark.timeout(180)
async def test_a_bounced_answer_is_told_to_the_agent(tmp_path):
    async with Simulator(role="channel") as shop, Simulator(role="desk") as desk:
        accounts = {"letters": shop.settings(), "tickets": desk.settings()}
        async with running(tmp_path, accounts, [{"channel": "letters", "desk": "tickets"}]):
            await until(lambda: "IDLE" in shop.imap.commands)
            shop.customer_writes("hello")
            await until(lambda: desk.desk.tickets)
            shop.refused_addresses.add("a@customer.example")
            desk.agent_answers("an answer that bounces")
            await until(lambda: len(desk.sent) == 2)
        (_, note) = texts(desk.sent)
        assert "does not exist" in note
        assert len(shop.sent) == 1

"""Reading: by position, once, whatever the server and the mails are like."""

import asyncio
import contextlib
import imaplib
import smtplib

import mail_corpus as corpus
import pytest
from mail_rig import make_rig, until

from bridge.contract import AuthFailed, Malformed, Media, MessageReceived, Rejected, Retryable, StoreDown
from bridge.testing.rig import make_account
from connectors.email import Email
from connectors.email.envelope import load
from connectors.email.simulator import OURS, PASSWORD


def arrives(rig, number: int, body: bytes = b"text") -> None:
    rig.sim.arrives(corpus.mail(body).replace(b"<c1@", f"<c{number}@".encode()))


@pytest.fixture
async def listening(channel):
    """A listener that runs, and what it kept."""
    kept: list = []

    async def keep(raws, cursor=None):
        kept.extend(raws)
        channel.cursor = cursor

    task = asyncio.create_task(channel.box.listen(keep, channel.cursor))
    yield channel, kept, task
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_first_time_starts_now_not_with_history():
    async with make_rig(role="channel") as rig:
        arrives(rig, 1)
        page = await rig.box.poll(None)
        assert not page.raws
        arrives(rig, 2)
        page = await rig.box.poll(page.cursor)
        assert [raw.key for raw in page.raws] == ["mid:<c2@customer.example>"]


async def test_a_mail_is_read_once_and_no_flag_changes(channel):
    arrives(channel, 1)
    assert len(await channel.poll()) == 1
    assert not await channel.poll()  # "n:*" names the newest mail again
    assert not channel.sim.inbox.mails[0].seen
    channel.sim.inbox.mails[0].seen = True
    arrives(channel, 2)
    channel.sim.inbox.mails[1].seen = True  # somebody looked into the mailbox first
    assert len(await channel.poll()) == 1


async def test_listening_and_collecting_give_the_same_raws(listening):
    rig, kept, _ = listening
    before = rig.cursor
    arrives(rig, 1)
    await until(lambda: kept)
    page = await rig.box.poll(before)
    assert [raw.key for raw in page.raws] == [raw.key for raw in kept]
    assert rig.box.normalise(page.raws[0]) == rig.box.normalise(kept[0])


async def test_mails_between_two_waits_are_found(listening):
    rig, kept, _ = listening
    for number in range(45):
        arrives(rig, number)
        if number % 7 == 0:
            await asyncio.sleep(0.01)
    await until(lambda: len(kept) == 45)
    assert len({raw.key for raw in kept}) == 45
    assert rig.sim.imap.logins <= 3


async def test_without_idle_the_mailbox_is_polled_in_one_session():
    async with make_rig(role="channel") as rig:
        rig.sim.imap.idle = False
        kept: list = []

        async def keep(raws, cursor=None):
            kept.extend(raws)

        task = asyncio.create_task(rig.box.listen(keep, rig.cursor))
        logins = rig.sim.imap.logins
        for number in range(3):
            arrives(rig, number)
            await until(lambda wanted=number + 1: len(kept) == wanted)
        assert rig.sim.imap.logins == logins + 1
        task.cancel()


async def test_a_cancelled_listener_ends_at_once(listening):
    rig, kept, task = listening
    arrives(rig, 1)
    await until(lambda: kept)
    task.cancel()
    async with asyncio.timeout(1):
        await asyncio.wait({task})


async def test_a_store_that_is_down_loses_nothing(channel):
    async def refuse(raws, cursor=None):
        raise StoreDown

    arrives(channel, 1)
    with pytest.raises(StoreDown):
        await channel.box.listen(refuse, channel.cursor)
    assert len(await channel.poll()) == 1


async def test_a_line_that_dies_mid_way_loses_and_doubles_nothing(channel):
    for number in range(5):
        arrives(channel, number)
    channel.sim.imap.drop_after = 7
    with pytest.raises(Retryable):
        await channel.box.poll(channel.cursor)
    assert len({raw.key for raw in await channel.poll()}) == 5


async def test_a_server_that_goes_away_ends_the_listener_with_a_reason(channel):
    task = asyncio.create_task(channel.box.listen(keep_nothing, channel.cursor))
    await until(lambda: "IDLE" in channel.sim.imap.commands)
    await channel.sim.imap.stop()
    await asyncio.wait({task}, timeout=5)
    assert isinstance(task.exception(), Retryable)
    await channel.sim.imap.start()
    arrives(channel, 1)
    assert len(await channel.poll()) == 1


async def keep_nothing(raws, cursor=None):
    pass


async def test_a_rebuilt_index_brings_the_same_keys_again(channel):
    arrives(channel, 1)
    first = await channel.poll()
    channel.sim.inbox.rebuild()
    arrives(channel, 2)
    again = await channel.poll()
    assert [raw.key for raw in again] == [first[0].key, "mid:<c2@customer.example>"]
    assert channel.cursor == f"{channel.sim.inbox.validity}:2"


async def test_a_provider_that_wants_the_client_named_gets_its_name():
    async with make_rig(role="channel") as rig:
        rig.sim.imap.wants_id = True
        arrives(rig, 1)
        assert len(await rig.poll()) == 1


@pytest.mark.parametrize(
    "name", ["empty", "no-headers", "nul-bytes", "deep", "open-boundary", "bracket-id", "broken-word"]
)
async def test_one_broken_mail_never_blocks_the_next(channel, name):
    broken = next(sample for sample in corpus.hostile() if sample.name == name)
    channel.sim.inbox.add(broken.raw, channel.clock())
    arrives(channel, 7, "好".encode())
    raws = await channel.poll()
    assert len(raws) == 2
    with contextlib.suppress(Malformed):
        channel.box.normalise(raws[0])
    (event,) = channel.box.normalise(raws[1])
    assert event.message.parts[0].body == "好"


async def test_a_mail_of_thirty_megabytes_gives_its_text_and_says_what_is_missing(channel):
    big = corpus.multipart(
        "multipart/mixed",
        corpus.part("text/plain; charset=utf-8", "看附件".encode()),
        corpus.part("application/zip", bytes(23 * 2**20), b"Content-Disposition: attachment; filename=big.zip\r\n"),
    )
    assert len(big) > 30 * 2**20
    channel.sim.inbox.add(big, channel.clock())
    (raw,) = await channel.poll()
    assert len(raw.payload) < 2**20
    (event,) = channel.box.normalise(raw)
    text, too_large, file = event.message.parts
    assert text.body == "看附件"
    assert "31 MB" in too_large.text
    assert "big.zip" in file.text


@pytest.mark.parametrize("letters", ["word ", "字", "😀"])
async def test_a_mail_of_words_without_end_is_shown_as_far_as_anybody_reads(channel, letters):
    body = letters * (2_400_000 // len(letters))
    channel.sim.customer_writes(body)
    (event,) = await channel.events()
    text, rest = event.message.parts
    assert text.body == body[:60_000]
    assert "the mail is longer: its first 60,000" in rest.text and "邮件正文过长" in rest.words["zh"]


async def test_a_file_is_fetched_out_of_its_mail(channel):
    channel.sim.customer_writes(
        "see", files=(("图.png", "image/png", corpus.PNG), ("b.pdf", "application/pdf", b"%PDF" * 100_000))
    )
    (event,) = await channel.events()
    _, picture, file = event.message.parts
    assert picture.media.name == "图.png"
    assert file.media.size == 400_000
    assert b"".join([chunk async for chunk in channel.box.fetch(picture.media, 10_000)]) == corpus.PNG
    with pytest.raises(Rejected):
        _ = [chunk async for chunk in channel.box.fetch(file.media, 10_000)]
    gone = Media(account="mailbox", id=file.media.id.rpartition("/")[0] + "/99")
    with pytest.raises(Rejected):
        _ = [chunk async for chunk in channel.box.fetch(gone, 10_000)]


async def test_a_file_is_fetched_out_of_outlooks_packet(channel):
    from test_email_parts import tnef

    channel.sim.customer_writes(
        "see", files=(("winmail.dat", "application/ms-tnef", tnef(("A.TXT", b"packed", "发票.txt"))),)
    )
    (event,) = await channel.events()
    file = event.message.parts[1]
    assert file.media.name == "发票.txt"
    assert b"".join([chunk async for chunk in channel.box.fetch(file.media, 100)]) == b"packed"


async def test_normalising_touches_nothing_but_the_raw(channel):
    channel.sim.customer_writes("see", files=(("图.png", "image/png", corpus.PNG),))
    (raw,) = await channel.poll()
    other = Email(channel.box.config, make_account("mailbox"))
    assert other.normalise(raw) == channel.box.normalise(raw)
    assert isinstance(other.normalise(raw)[0], MessageReceived)
    assert load(raw.payload).evidence == ("new conversation",)


async def test_wrong_credentials_are_told_apart_from_a_bad_day(channel):
    channel.sim.imap.accounts.clear()
    with pytest.raises(AuthFailed):
        await channel.box.poll(channel.cursor)


async def test_a_folder_that_does_not_exist_is_named():
    async with make_rig(role="channel") as rig:
        config = rig.box.config.model_copy(update={"folder": "Nowhere"})
        with pytest.raises(AuthFailed, match="Nowhere"):
            await Email(config, rig.box.account).poll(None)


async def test_the_simulators_servers_speak_with_the_standard_library(channel):
    """Independent clients: what the simulator says must be the protocol, not our habit."""

    def talk() -> tuple[bytes, int]:
        with imaplib.IMAP4("127.0.0.1", channel.sim.imap.port) as box:
            box.login(OURS, PASSWORD)
            box.select(readonly=True)
            found = box.uid("SEARCH", "ALL")[1][0].split()
            raw = box.uid("FETCH", found[-1], "(BODY.PEEK[])")[1][0][1]
        with smtplib.SMTP("127.0.0.1", channel.sim.smtp.port) as out:
            out.login(OURS, PASSWORD)
            refused = out.sendmail(
                OURS, [OURS], b"From: a@x\r\nDate: x\r\nSubject: x\r\nMessage-ID: <1@x>\r\n\r\nhi\r\n"
            )
        return raw, len(refused)

    arrives(channel, 1)
    raw, refused = await asyncio.to_thread(talk)
    assert b"<c1@customer.example>" in raw
    assert refused == 0

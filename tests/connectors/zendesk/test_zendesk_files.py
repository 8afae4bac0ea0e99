"""Downloading attachments: credentials stay with the account."""

import pytest
from zendesk_rig import answers, say

from bridge.contract import File, Image, Media, Rejected, Retryable
from bridge.testing.faults import Trouble
from connectors.zendesk import Zendesk
from connectors.zendesk.inbound import media_id
from connectors.zendesk.simulator import Simulator

PDF = b"%PDF-1.7 " + b"x" * 1000


async def attached(zendesk: Zendesk, vendor: Simulator) -> Media:
    """The reference as the engine gets it."""
    ticket = vendor.open_ticket()
    await vendor.agent_says(ticket, "<p>here</p>", files=[("a.pdf", "application/pdf", PDF)])
    (message,) = answers(zendesk, (await zendesk.poll(None, ticket)).raws)
    part = message.parts[-1]
    assert isinstance(part, File | Image)
    return part.media


async def fetched(zendesk: Zendesk, media: Media, limit: int = 10_000) -> bytes:
    return b"".join([chunk async for chunk in zendesk.fetch(media, limit)])


async def test_trap_5_credentials_do_not_follow_to_the_file_host(zendesk: Zendesk, vendor: Simulator) -> None:
    """The account redirects to another host, which refuses whoever brings credentials."""
    media = await attached(zendesk, vendor)
    assert await fetched(zendesk, media) == PDF
    assert vendor.host.leaked == []


async def test_trap_5_nor_to_another_host_that_a_comment_names(zendesk: Zendesk, vendor: Simulator) -> None:
    media = await attached(zendesk, vendor)
    token = vendor.last_file().token
    elsewhere = media.model_copy(update={"id": media_id("", f"{vendor.host.origin}/system/{token}")})
    assert await fetched(zendesk, elsewhere) == PDF
    assert vendor.host.leaked == []


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "file:///etc/passwd", "https://10.0.0.1/x", "//", "x:y"]
)
async def test_addresses_inside_our_network_are_refused(zendesk: Zendesk, url: str) -> None:
    with pytest.raises(Rejected):
        await fetched(zendesk, Media(account="support", id=media_id("", url)))


async def test_an_address_out_of_date_is_asked_for_anew(zendesk: Zendesk, vendor: Simulator) -> None:
    media = await attached(zendesk, vendor)
    old = f"{vendor.origin}/attachments/token/gone/?name=a.pdf"
    stale = media.model_copy(update={"id": media_id(str(vendor.last_file().id), old)})
    assert await fetched(zendesk, stale) == PDF


async def test_another_host_name_of_the_account_is_asked_at_home(zendesk: Zendesk, vendor: Simulator) -> None:
    """Answers may name attachments under another host of the same account, which does not take our credentials."""
    await attached(zendesk, vendor)
    other = vendor.views.attachment(vendor.last_file())["content_url"].replace("127.0.0.1", "localhost")
    assert await fetched(zendesk, Media(account="support", id=media_id("", other))) == PDF


async def test_a_relative_address_is_the_accounts(zendesk: Zendesk, vendor: Simulator) -> None:
    await attached(zendesk, vendor)
    path = f"/attachments/token/{vendor.last_file().token}/?name=a.pdf"
    assert await fetched(zendesk, Media(account="support", id=media_id("", path))) == PDF


async def test_malware_found_meanwhile_is_refused(zendesk: Zendesk, vendor: Simulator) -> None:
    media = await attached(zendesk, vendor)
    vendor.last_file().scan = "malware_found"
    with pytest.raises(Rejected) as caught:
        await fetched(zendesk, media)
    assert "malware" in caught.value.message


async def test_a_revoked_token_is_renewed_for_a_download(zendesk: Zendesk, vendor: Simulator) -> None:
    media = await attached(zendesk, vendor)
    vendor.gate.tokens.clear()
    assert await fetched(zendesk, media) == PDF


async def test_a_file_host_in_trouble_is_asked_again(zendesk: Zendesk, vendor: Simulator) -> None:
    media = await attached(zendesk, vendor)
    vendor.host.faults.add(Trouble.STATUS, "/system/", status=503)
    with pytest.raises(Retryable):
        await fetched(zendesk, media)
    assert await fetched(zendesk, media) == PDF


@pytest.mark.parametrize("identifier", ["", "x", "[]", "{}", "null"])
async def test_what_is_no_attachment_of_ours_is_refused(zendesk: Zendesk, identifier: str) -> None:
    with pytest.raises(Rejected):
        await fetched(zendesk, Media(account="support", id=identifier))


async def test_an_upload_is_read_although_it_calls_itself_text(zendesk: Zendesk, vendor: Simulator) -> None:
    """Recorded: the JSON of an upload comes as text/plain."""
    token = await zendesk._api.upload("発票 1.pdf", "application/pdf", PDF)
    (files, _) = vendor.state.uploads[token]
    assert (files[0].name, files[0].mime, files[0].data) == ("発票 1.pdf", "application/pdf", PDF)
    assert (await say(zendesk, "hello"))[0].conversation

"""`Http.download`: links that came from outside lead outside, and nowhere else."""

import asyncio
import gzip
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bridge.contract import Http, Rejected, Retryable
from bridge.contract.addresses import is_public, pin
from tests.contract.sockets import answers, drips, sends, serving

SECRET = {"authorization": "Bearer canary-token-5b1f"}


async def fetch(http: Http, url: str, limit: int = 10_000, **options: Any) -> bytes:
    return b"".join([chunk async for chunk in http.download(url, limit=limit, **options)])


@pytest.fixture
async def outside() -> AsyncIterator[Http]:
    """For an account whose vendor is on the internet."""
    http = Http(home="https://vendor.example")
    yield http
    await http.close()


@pytest.fixture
async def no_connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Notes every attempt to open a connection: a refused address must not get a single packet."""
    attempts: list[Any] = []

    async def sock_connect(_socket: Any, address: Any) -> Any:
        attempts.append(address)
        raise OSError("no connection in this test")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", sock_connect)
    return attempts


PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.9.10",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a00:1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "203.0.114.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


REFUSED = [
    "https://127.0.0.1/x",
    "https://127.0.0.1./x",
    "https://127.1/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://0x7f.1/x",
    "https://0177.0.0.1/x",
    "https://localhost/x",
    "https://localhost./x",
    "https://LOCALHOST/x",
    "https://169.254.169.254/latest/meta-data/",
    "https://0/x",
    "https://[::1]/x",
    "https://[::]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::ffff:7f00:1]/x",
    "https://[64:ff9b::7f00:1]/x",
    "https://[fe80::1%25lo]/x",
    "https://10.0.0.1/x",
    "https://user:pw@1.1.1.1/x",
    "https://vendor.example@127.0.0.1/x",
    "https://1.1.1.1:22/x",
    "https://1.1.1.1:8443/x",
    "http://1.1.1.1/x",
    "http://vendor.example/x",
    "ftp://1.1.1.1/x",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/x",
    "javascript:alert(1)",
    "//127.0.0.1/x",
    "https:///x",
    "https://",
    "",
    "https://[::1/x",
    "https://1.1.1.1:abc/x",
    "https://1.1.1.1:99999/x",
    f"https://{'a' * 70}.example/x",
    "https://a..b/x",
]


@pytest.mark.parametrize("url", REFUSED)
async def test_addresses_inside_are_refused(outside: Http, no_connections: list[Any], url: str) -> None:
    with pytest.raises(Rejected):
        await fetch(outside, url, headers=SECRET)
    assert not no_connections, "a packet was on its way"


async def test_a_name_that_points_inside_is_refused(
    monkeypatch: pytest.MonkeyPatch, no_connections: list[Any], outside: Http
) -> None:
    """One private address among public ones is enough."""
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names("1.1.1.1", "10.0.0.1"))
    with pytest.raises(Rejected, match="private network"):
        await fetch(outside, "https://files.example/x")
    assert not no_connections


async def test_the_address_that_was_checked_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves differently a moment later gains nothing."""
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names("1.1.1.1"))
    assert await pin("https://Files.example./a?b=1", "GET") == ("https://1.1.1.1/a?b=1", "files.example")
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names("2606:4700::1111"))
    assert (await pin("https://files.example:443/a", "GET"))[0] == "https://[2606:4700::1111]/a"


async def test_only_the_address_that_was_checked_is_called(
    monkeypatch: pytest.MonkeyPatch, no_connections: list[Any], outside: Http
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names("1.1.1.1"))
    with pytest.raises(Retryable) as caught:
        await fetch(outside, "https://files.example/x")
    assert ([attempt[:2] for attempt in no_connections], caught.value.certain) == ([("1.1.1.1", 443)], True)


@pytest.mark.parametrize(("named", "good"), [("files.example", True), ("other.example", False)])
async def test_the_certificate_is_that_of_the_host_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str, good: bool
) -> None:
    """The connection goes to an address; the certificate, its indication and `host` go by the name."""
    asked: list[str | None] = []
    server, client = contexts(tmp_path, named)
    server.sni_callback = lambda _socket, name, _context: asked.append(name)
    monkeypatch.setattr("bridge.contract.transport.trusted", lambda: client)
    async with serving(sends(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nthe file"), ssl=server) as files:

        async def pinned(url: str, where: str) -> tuple[str, str]:
            return f"https://127.0.0.1:{files.port}/x", "files.example"

        monkeypatch.setattr("bridge.contract.http.pin", pinned)
        http = Http(home="https://vendor.example")
        if good:
            assert await fetch(http, "https://files.example/x", headers=SECRET) == b"the file"
            assert b"host: files.example\r\n" in files.heads[0].lower()
        else:
            with pytest.raises(Retryable) as caught:
                await fetch(http, "https://files.example/x", headers=SECRET)
            assert (caught.value.code, caught.value.certain, files.heads) == ("ConnectError", True, [])
        await http.close()
    assert asked == ["files.example"]


def contexts(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for a name, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    file = folder / "server.pem"
    file.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_a_name_that_is_not_found_may_be_found_later(monkeypatch: pytest.MonkeyPatch, outside: Http) -> None:
    async def fails(*args: Any, **options: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fails)
    with pytest.raises(Retryable) as caught:
        await fetch(outside, "https://files.example/x")
    assert caught.value.code == "dns"


async def test_a_name_service_that_hangs_meets_the_deadline(monkeypatch: pytest.MonkeyPatch, outside: Http) -> None:
    async def hangs(*args: Any, **options: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", hangs)
    with pytest.raises(Retryable):
        await fetch(outside, "https://files.example/x", timeout=0.05)


def names(*addresses: str) -> Any:
    async def getaddrinfo(*args: Any, **options: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]

    return getaddrinfo


# Redirects, between servers on loopback: allowed to an account whose home is there


def redirect(url: str, status: str = "302 Found") -> Any:
    return answers(status, b"", f"location: {url}")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
async def test_credentials_stay_with_the_first_origin(status: str) -> None:
    async with (
        serving(answers("200 OK", b"the file")) as elsewhere,
        serving(redirect(elsewhere.url + "/f", status)) as vendor,
    ):
        http = Http(home=vendor.url)
        assert await fetch(http, vendor.url + "/attachment", headers=SECRET) == b"the file"
        await http.close()
    assert b"canary" in vendor.heads[0]
    assert b"canary" not in elsewhere.heads[0]
    assert f"host: 127.0.0.1:{elsewhere.port}".encode() in elsewhere.heads[0].lower()


async def test_credentials_follow_within_the_origin() -> None:
    async def act(head: bytes, *connection: Any) -> None:
        await (answers("200 OK", b"the file") if b"/file" in head else redirect("/file"))(head, *connection)

    async with serving(act) as vendor:
        http = Http(home=vendor.url)
        assert await fetch(http, vendor.url + "/attachment", headers=SECRET) == b"the file"
        await http.close()
    assert b"canary" in vendor.heads[1]


async def test_credentials_do_not_come_back_from_a_detour() -> None:
    """Vendor, elsewhere, vendor again: the last leg is the first origin and may have them, the middle never."""
    targets: list[str] = []

    async def bounce(head: bytes, *connection: Any) -> None:
        await redirect(targets[0])(head, *connection)

    async def vendor_act(head: bytes, *connection: Any) -> None:
        await (answers("200 OK", b"ok") if b"/end" in head else redirect(targets[1]))(head, *connection)

    async with serving(bounce) as elsewhere, serving(vendor_act) as vendor:
        targets += [vendor.url + "/end", elsewhere.url + "/hop"]
        http = Http(home=vendor.url)
        assert await fetch(http, vendor.url + "/start", headers=SECRET) == b"ok"
        await http.close()
    assert b"canary" not in elsewhere.heads[0]


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://10.0.0.1/",
        "https://[::ffff:169.254.169.254]/",
        "https://2852039166/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://1.1.1.1/",
        "//169.254.169.254/x",
    ],
)
async def test_a_redirect_inside_is_refused(target: str) -> None:
    async with serving(redirect(target)) as vendor:
        http = Http(home=vendor.url)
        with pytest.raises(Rejected):
            await fetch(http, vendor.url + "/attachment", headers=SECRET)
        await http.close()
    assert len(vendor.heads) == 1


@pytest.mark.parametrize("target", ["https://[::1/", "https://1.1.1.1:abc/"])
async def test_a_redirect_to_no_address_leads_nowhere(target: str) -> None:
    async with serving(redirect(target)) as vendor:
        http = Http(home=vendor.url)
        with pytest.raises((Rejected, Retryable)):
            await fetch(http, vendor.url + "/attachment", headers=SECRET)
        await http.close()
    assert len(vendor.heads) == 1


async def test_a_redirect_to_this_machine_is_refused_for_vendors_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answers("200 OK", b"inside")) as inside:
        http = Http(home="https://vendor.example")
        with pytest.raises(Rejected):
            await fetch(http, inside.url)
        await http.close()
    assert not inside.heads


async def test_three_redirects_are_followed_and_no_more() -> None:
    async def act(head: bytes, *connection: Any) -> None:
        hop = int(head.split()[1].decode().strip("/"))
        await (answers("200 OK", b"ok") if hop == 0 else redirect(f"/{hop - 1}"))(head, *connection)

    async with serving(act) as vendor:
        http = Http(home=vendor.url)
        assert await fetch(http, vendor.url + "/3") == b"ok"
        with pytest.raises(Rejected, match="more than 3 redirects"):
            await fetch(http, vendor.url + "/4")
        await http.close()


@pytest.mark.parametrize("status", ["302 Found", "304 Not Modified", "300 Choices"])
async def test_a_redirect_to_nowhere_is_rejected(status: str) -> None:
    async with serving(answers(status, b"")) as vendor:
        http = Http(home=vendor.url)
        with pytest.raises(Rejected):
            await fetch(http, vendor.url)
        await http.close()


# What comes back


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_what_will_not_pass_is_rejected(status: int) -> None:
    async with serving(answers(f"{status} No")) as vendor:
        http = Http(home=vendor.url)
        with pytest.raises(Rejected) as caught:
            await fetch(http, vendor.url)
        assert caught.value.code == f"http {status}"
        await http.close()


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    async with serving(answers(f"{status} Later")) as vendor:
        http = Http(home=vendor.url)
        with pytest.raises(Retryable) as caught:
            await fetch(http, vendor.url)
        assert caught.value.certain
        await http.close()


async def test_the_limit_is_exact_and_holds_for_bombs() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    async with (
        serving(answers("200 OK", b"x" * 1000)) as vendor,
        serving(answers("200 OK", bomb, "content-encoding: gzip")) as bomber,
    ):
        http = Http(home=vendor.url)
        assert len(await fetch(http, vendor.url, limit=1000)) == 1000
        for url, limit in ((vendor.url, 999), (bomber.url, 1_000_000)):
            with pytest.raises(Rejected) as caught:
                await fetch(http, url, limit=limit)
            assert caught.value.code == "too large"
        await http.close()


async def test_pieces_stay_small() -> None:
    packed = gzip.compress(b"\0" * 3_000_000)
    async with serving(answers("200 OK", packed, "content-encoding: gzip")) as vendor:
        http = Http(home=vendor.url)
        sizes = [len(chunk) async for chunk in http.download(vendor.url, limit=3_000_000)]
        await http.close()
    assert (sum(sizes), max(sizes) <= 65536) == (3_000_000, True)


async def test_a_drip_meets_the_deadline() -> None:
    async with serving(drips) as vendor:
        http = Http(home=vendor.url)
        with pytest.raises(Retryable) as caught:
            await fetch(http, vendor.url, timeout=0.15)
        assert caught.value.code == "timeout"
        await http.close()


async def test_half_a_file_is_no_file() -> None:
    async with serving(sends(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")) as vendor:
        http = Http(home=vendor.url)
        with pytest.raises(Retryable):
            await fetch(http, vendor.url)
        await http.close()


async def test_the_deadline_never_strikes_the_reader() -> None:
    """Whoever writes a piece to a slow disk is not cancelled in the middle: the error comes with the next piece."""
    async with serving(answers("200 OK", b"x" * 200_000)) as vendor:
        http = Http(home=vendor.url)
        written = 0
        pieces = http.download(vendor.url, limit=200_000, timeout=0.1)
        piece = await anext(pieces)
        await asyncio.sleep(0.15)
        written += len(piece)
        with pytest.raises(Retryable) as caught:
            await anext(pieces)
        assert (caught.value.code, written) == ("timeout", 65536)
        await http.close()


async def test_a_reader_may_stop_early() -> None:
    async with serving(answers("200 OK", b"x" * 500_000)) as vendor:
        http = Http(home=vendor.url, max_concurrency=1)
        stream = http.download(vendor.url, limit=10**6)
        assert await anext(stream)
        await stream.aclose()
        assert len(await fetch(http, vendor.url, limit=10**6)) == 500_000, "its connection is free again"
        await http.close()


async def test_links_and_credentials_stay_out_of_errors_and_logs(caplog: pytest.LogCaptureFixture) -> None:
    """A link's path alone may open the file."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx")
    async with serving(answers("404 No")) as vendor:
        http = Http(home=vendor.url)
        with pytest.raises(Rejected) as caught:
            await fetch(http, vendor.url + "/token/canary-path?name=canary-query", headers=SECRET)
        await http.close()
    assert "canary" not in str(caught.value) + repr(caught.value) + caplog.text

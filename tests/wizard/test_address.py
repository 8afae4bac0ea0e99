"""The public address is asked through itself, and what stands in its way is named."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge.services.tokens import derive_key
from bridge.testing.ports import free_port
from bridge.web.echo import proof
from bridge.wizard.address import Asking, ask_back, detected, judge, remarks

SECRET = "0123456789abcdef0123456789abcdef"
EXPECTED = "ab" * 32


@pytest.mark.parametrize(
    ("status", "headers", "body", "found"),
    [
        (200, {}, EXPECTED.encode(), ("ok", "")),
        (200, {}, b"\xef\xbb\xbf" + EXPECTED.encode(), ("altered", "bom")),
        (200, {}, EXPECTED.encode() + b"\n", ("altered", "white")),
        (200, {}, b'"' + EXPECTED.encode() + b'"', ("altered", "quotes")),
        (200, {"content-type": "text/html"}, b"<p>" + EXPECTED.encode() + b"</p>", ("altered", "html")),
        (200, {}, EXPECTED.encode() + b"tracking", ("altered", "more")),
        (
            301,
            {"location": "https://www.shop.example/hooks/shop?x=1"},
            b"",
            ("redirect", "https://www.shop.example/hooks/shop"),
        ),
        (302, {"location": "/login?next=%2F"}, b"", ("redirect", "/login")),
        (401, {}, b"", ("sign_in", "401")),
        (403, {"content-type": "text/html"}, b"<h1>Forbidden</h1>", ("sign_in", "403")),
        (502, {"content-type": "text/html"}, b"<h1>Bad Gateway</h1>", ("gateway", "502")),
        (404, {"content-type": "text/html; charset=utf-8"}, b"<h1>Not found</h1>", ("page", "404")),
        (200, {"content-type": "text/plain"}, b"cd" * 32, ("other", "200")),
    ],
)
def test_an_answer_is_judged(status: int, headers: dict[str, str], body: bytes, found: tuple[str, str]) -> None:
    assert judge(status, headers, body, EXPECTED) == found


Answering = Callable[[str], Awaitable[bytes]]


@asynccontextmanager
async def served(answer: Answering, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # somebody who only looks whether there is a door
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            writer.write(await answer(head.split("bridge_echo=")[-1].split(" ")[0]))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"


def said(body: str, head: str = "200 OK\r\ncontent-type: text/plain") -> bytes:
    return f"HTTP/1.1 {head}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode()


async def right(challenge: str) -> bytes:
    return said(proof(derive_key(SECRET, "echo"), challenge))


async def test_an_address_that_leads_back() -> None:
    async with served(right) as url:
        assert (await ask_back(url, "/hooks/shop", SECRET)).ok
        assert (await ask_back(url, "/hooks/shop", "another bridge's secret")).what == "other"
        assert (await Asking().look(url, "/hooks/shop", SECRET)).ok


async def test_what_stands_in_the_way_on_the_net() -> None:
    assert (await ask_back("https://no-such-name.invalid", "/hooks/shop", SECRET)).what == "name"
    assert (await ask_back(f"http://127.0.0.1:{free_port()}", "/hooks/shop", SECRET)).what == "refused"

    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said("Bad Request", "400 Bad Request"))
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    plain = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with plain:
        url = f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}"
        assert (await ask_back(url, "/hooks/shop", SECRET)).what == "tls"


async def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    async with served(right, self_signed(tmp_path)) as url:
        found = await ask_back(url, "/hooks/shop", SECRET)
    assert found.what == "certificate" and "self-signed" in found.detail.replace("self signed", "self-signed")


async def test_a_proxy_that_shows_its_own_page() -> None:
    async def page(_challenge: str) -> bytes:
        return said("<h1>Welcome to nginx!</h1>", "200 OK\r\ncontent-type: text/html")

    async with served(page) as url:
        assert (await ask_back(url, "/hooks/shop", SECRET)).what == "page"


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bridge.example.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize(
    ("headers", "scheme", "found"),
    [
        ({"host": "bridge.shop.example", "x-forwarded-proto": "https"}, "http", "https://bridge.shop.example"),
        ({"host": "127.0.0.1:8080", "x-forwarded-host": "Bridge.Shop.example"}, "https", "https://bridge.shop.example"),
        ({"host": "127.0.0.1:8080"}, "http", ""),
        ({"host": "localhost:8080"}, "http", ""),
        ({"host": "server"}, "http", ""),
        ({}, "http", ""),
    ],
)
def test_the_address_of_a_browser_is_proposed(headers: dict[str, str], scheme: str, found: str) -> None:
    assert detected(headers, scheme) == found


def test_what_is_worth_knowing_of_an_address() -> None:
    assert remarks("https://bridge.shop.example") == []
    assert remarks("http://bridge.shop.example:8080") == ["plain", "port"]
    assert remarks("http://127.0.0.1:8080") == ["here"]

"""Whether the public address leads back to this very process, asked through it; and what stands in its way."""

import asyncio
import secrets
import socket
import ssl
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from bridge.contract import ConnectorError, Http, is_loopback
from bridge.contract.transport import trusted
from bridge.services.tokens import derive_key
from bridge.web.echo import ECHO, proof

_AGAIN = 4.0  # seconds
PATIENCE = 5.0  # seconds: platforms hang up then
_BOM = b"\xef\xbb\xbf"


class Answer(NamedTuple):
    """What came back. `what` names a text of the catalogue (`address.…`), "ok" is the good one."""

    what: str
    detail: str = ""
    ms: int = 0

    @property
    def ok(self) -> bool:
        return self.what == "ok"


def judge(status: int, headers: Mapping[str, str], body: bytes, expected: str) -> tuple[str, str]:
    """What an answer to the question means. Pure."""
    wanted = expected.encode()
    if status in {301, 302, 303, 307, 308}:
        where = urlsplit(headers.get("location", ""))
        return "redirect", f"{where.scheme}://{where.netloc}{where.path}" if where.netloc else where.path
    if status == 200 and body == wanted:
        return "ok", ""
    if wanted in body:
        return "altered", _alteration(body, wanted)
    if status in {401, 403, 407}:
        return "sign_in", str(status)
    if status in {502, 503, 504}:
        return "gateway", str(status)
    if "text/html" in headers.get("content-type", ""):
        return "page", str(status)
    return "other", str(status)


def _alteration(body: bytes, wanted: bytes) -> str:
    if body.startswith(_BOM):
        return "bom"
    if body.strip() == wanted:
        return "white"
    if body.strip(b" \r\n\t\"'") == wanted:
        return "quotes"
    return "html" if b"<" in body else "more"


async def ask_back(url: str, path: str, secret: str) -> Answer:
    """Asks `url` + `path` for the proof that only this bridge can give, as a platform would call it."""
    begun = time.monotonic()
    trouble = await _reach(url)
    if trouble is not None:
        return trouble
    challenge = secrets.token_hex(8)
    http = Http(timeout=2 * PATIENCE, home=url)
    try:
        answer = await http.request("GET", url + path, params={ECHO: challenge})
    except ConnectorError as error:
        return Answer("timeout" if error.code == "timeout" else "broken", error.code)
    finally:
        await http.close()
    ms = int(1000 * (time.monotonic() - begun))
    expected = proof(derive_key(secret, "echo"), challenge)
    what, detail = judge(answer.status, answer.headers, answer.body, expected)
    return Answer("slow" if what == "ok" and ms > 1000 * PATIENCE else what, detail, ms)


async def _reach(url: str) -> Answer | None:
    """Name, port and certificate, each with its own fault; None when all are well."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    tls = trusted() if parts.scheme == "https" else None
    try:
        async with asyncio.timeout(2 * PATIENCE):
            _, writer = await asyncio.open_connection(host, port, ssl=tls, server_hostname=host if tls else None)
    except socket.gaierror:
        return Answer("name", host)
    except ssl.SSLCertVerificationError as error:
        return Answer("certificate", error.verify_message or error.reason or "")
    except ssl.SSLError as error:
        return Answer("tls", error.reason or "")
    except TimeoutError:
        return Answer("silent", f"{host}:{port}")
    except OSError as error:
        return Answer("refused", f"{host}:{port} ({error.strerror or type(error).__name__})")
    writer.close()
    return None


class Asking:
    """What came of asking, kept for a few seconds: a page that follows asks every second."""

    def __init__(self) -> None:
        self._known: tuple[float, tuple[str, str], Answer] | None = None
        self._lock = asyncio.Lock()

    async def look(self, url: str, path: str, secret: str) -> Answer:
        """Through the address, unless that was done just now."""
        async with self._lock:
            if self._known is None or self._known[1] != (url, path) or time.monotonic() - self._known[0] > _AGAIN:
                answer = await ask_back(url, path, secret)
                self._known = time.monotonic(), (url, path), answer
            return self._known[2]


def detected(headers: Mapping[str, str], scheme: str) -> str:
    """The address under which a browser reached this page, if it is a public one; "" otherwise."""
    host = headers.get("x-forwarded-host", headers.get("host", "")).partition(",")[0].strip()
    scheme = headers.get("x-forwarded-proto", scheme).partition(",")[0].strip()
    name = urlsplit(f"//{host}").hostname or ""
    if not name or is_loopback(name) or "." not in name or scheme not in {"http", "https"}:
        return ""
    return f"{scheme}://{host}".lower()


def remarks(url: str) -> list[str]:
    """What an admin should know of an address that works: texts of the catalogue (`remark.…`)."""
    parts = urlsplit(url)
    found = []
    if is_loopback(parts.hostname or ""):
        found.append("here")
    elif parts.scheme == "http":
        found.append("plain")
    if not is_loopback(parts.hostname or "") and parts.port not in {None, 80, 443}:
        found.append("port")
    return found

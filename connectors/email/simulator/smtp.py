"""The simulator's SMTP server: takes mails for the world around it, and refuses what real servers refuse."""

import asyncio
import base64
import binascii
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LINE = 998  # octets, RFC 5322 2.1.1


@dataclass(slots=True)
class Trouble:
    """An answer in place of the usual one: `at` is MAIL, RCPT, DATA, AUTH or END (after the content).

    `answer` "" cuts the connection; at END the mail is then taken first when `taken`.
    """

    at: str
    answer: str = ""
    times: int = 1
    taken: bool = False


@dataclass(slots=True)
class SmtpServer:
    """`deliver(sender, recipients, raw)` gets every mail; it may return an answer to refuse it with."""

    deliver: Callable[[str, list[str], bytes], str]
    accounts: dict[str, str]
    tokens: set[str]
    size: int = 30 * 2**20
    same_sender: bool = False  # QQ, 163: the envelope sender must be the login
    troubles: list[Trouble] = field(default_factory=list)
    port: int = 0
    sessions: int = 0
    _server: asyncio.Server | None = None
    _open: set[Any] = field(default_factory=set)

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port or self.port, limit=2**26)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.close()
            await self._server.wait_closed()
            self._server = None

    def _trouble(self, at: str) -> Trouble | None:
        found = next((trouble for trouble in self.troubles if trouble.at == at), None)
        if found is not None:
            found.times -= 1
            if found.times <= 0:
                self.troubles.remove(found)
        return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self.sessions += 1
        try:
            await _Session(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


class _Session:
    def __init__(self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._user = ""
        self._sender = ""
        self._recipients: list[str] = []

    async def run(self) -> None:
        await self._say("220 mail.example ESMTP")
        while line := await self._reader.readline():
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                await self._say("221 2.0.0 bye")
                return
            if not await self._command(verb.upper(), rest):
                return

    async def _command(self, verb: str, rest: str) -> bool:
        trouble = self._server._trouble(verb)  # noqa: SLF001 # the session is part of its server
        if trouble is not None:
            if not trouble.answer:
                self._writer.transport.abort()
                return False
            await self._say(trouble.answer)
            return True
        match verb:
            case "EHLO":
                await self._say(
                    f"250-mail.example\r\n250-SIZE {self._server.size}\r\n250-DSN\r\n250 AUTH PLAIN LOGIN XOAUTH2"
                )
            case "HELO" | "NOOP" | "RSET":
                await self._say("250 2.0.0 ok")
            case "AUTH":
                await self._auth(rest)
            case "MAIL":
                await self._mail(rest)
            case "RCPT":
                await self._rcpt(rest)
            case "DATA":
                return await self._data()
            case _:
                await self._say("502 5.5.2 unknown command")
        return True

    async def _auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        try:
            if mechanism.upper() == "LOGIN":
                user = await self._ask("VXNlcm5hbWU6") if not initial else base64.b64decode(initial).decode()
                password = await self._ask("UGFzc3dvcmQ6")
                good = self._server.accounts.get(user) == password
            else:
                data = base64.b64decode(initial or await self._ask("", raw=True)).decode()
                if mechanism.upper() == "XOAUTH2":
                    found = re.fullmatch(r"user=([^\x01]+)\x01auth=Bearer ([^\x01]+)\x01\x01", data)
                    user = found[1] if found else ""
                    good = bool(found) and found is not None and found[2] in self._server.tokens
                    if not good:
                        await self._ask(base64.b64encode(b'{"status":"401"}').decode(), raw=True)
                else:
                    _, user, password = data.split("\0")
                    good = self._server.accounts.get(user) == password
        except (binascii.Error, ValueError):
            await self._say("501 5.5.2 cannot decode")
            return
        self._user = user if good else ""
        await self._say("235 2.7.0 ok" if good else "535 5.7.8 authentication failed")

    async def _ask(self, challenge: str, *, raw: bool = False) -> str:
        await self._say(f"334 {challenge}")
        line = (await self._reader.readline()).strip().decode()
        return line if raw else base64.b64decode(line).decode()

    async def _mail(self, rest: str) -> None:
        found = re.match(r"FROM:<([^<>]*)>", rest, re.IGNORECASE)
        size = re.search(r"SIZE=(\d+)", rest, re.IGNORECASE)
        if not self._user:
            await self._say("530 5.7.0 authentication required")
        elif found is None:
            await self._say("501 5.1.7 bad sender")
        elif len(found[1].partition("@")[0]) > 64:
            await self._say("501 5.1.7 local part too long")
        elif self._server.same_sender and found[1] != self._user:
            await self._say("501 mail from address must be same as authorization user")
        elif size and int(size[1]) > self._server.size:
            await self._say("552 5.3.4 message too large")
        else:
            self._sender, self._recipients = found[1], []
            await self._say("250 2.1.0 ok")

    async def _rcpt(self, rest: str) -> None:
        found = re.match(r"TO:<([^<>\s]+@[^<>\s]+)>", rest, re.IGNORECASE)
        if found is None or not self._user:
            await self._say("501 5.1.3 bad recipient")
            return
        self._recipients.append(found[1])
        await self._say("250 2.1.5 ok")

    async def _data(self) -> bool:
        if not self._recipients:
            await self._say("503 5.5.1 need RCPT")
            return True
        await self._say("354 go on")
        first = await self._reader.readline()
        rest = b"" if first == b".\r\n" else (await self._reader.readuntil(b"\r\n.\r\n"))[:-3]
        raw = (first + rest).replace(b"\r\n..", b"\r\n.")
        trouble = self._server._trouble("END")  # noqa: SLF001 # as above
        if trouble is not None and not trouble.taken:
            if trouble.answer:
                await self._say(trouble.answer)
                return True
            self._writer.transport.abort()
            return False
        refused = _faults(raw) or self._server.deliver(self._sender, self._recipients, raw)
        if trouble is not None and not trouble.answer:
            self._writer.transport.abort()
            return False
        await self._say(trouble.answer if trouble else refused or "250 2.0.0 ok queued")
        return True

    async def _say(self, text: str) -> None:
        self._writer.write(text.encode() + b"\r\n")
        await self._writer.drain()


def _faults(raw: bytes) -> str:
    """What is wrong with the mail itself."""
    head = raw.partition(b"\r\n\r\n")[0]
    if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
        return "550 5.6.0 bare CR or LF"
    if any(len(line) > LINE for line in raw.split(b"\r\n")):
        return "550 5.6.0 line too long"
    if not raw.isascii():
        return "550 5.6.3 8BITMIME was not announced"
    for name in (b"from", b"date", b"message-id", b"subject"):
        if len(re.findall(rb"^" + name + rb":", head, re.IGNORECASE | re.MULTILINE)) != 1:
            return f"550 5.6.0 needs exactly one {name.decode()}"
    return ""

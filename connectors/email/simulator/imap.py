"""The simulator's IMAP server: enough of RFC 3501, 2177 and 2971 for any client that reads one folder."""

import asyncio
import base64
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@dataclass(slots=True)
class StoredMail:
    uid: int
    raw: bytes
    at: datetime
    seen: bool = False


@dataclass(slots=True)
class Folder:
    """Mails with UIDs that only grow. `validity` changes when a server rebuilds its index."""

    validity: int = 1000
    following: int = 1
    mails: list[StoredMail] = field(default_factory=list)
    grown: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, raw: bytes, at: datetime) -> int:
        self.mails.append(StoredMail(self.following, raw, at))
        self.following += 1
        self.grown.set()
        return self.following - 1

    def rebuild(self) -> None:
        """A new UIDVALIDITY: all UIDs start again."""
        self.validity += 1
        for number, mail in enumerate(self.mails, 1):
            mail.uid = number
        self.following = len(self.mails) + 1


@dataclass(slots=True)
class ImapServer:
    """One user's folders. Switches play the quirks of providers."""

    folders: dict[str, Folder]
    accounts: dict[str, str]
    tokens: set[str]
    idle: bool = True
    wants_id: bool = False  # 163: SELECT is refused until the client has named itself
    drop_after: int = 0  # cuts the connection after so many FETCH commands, once
    port: int = 0
    logins: int = 0
    commands: list[str] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _open: set[Any] = field(default_factory=set)

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port or self.port, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
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
    def __init__(self, server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._in = False
        self._named = False
        self._folder: Folder | None = None
        self._known = 0

    async def run(self) -> None:
        self._say("* OK [CAPABILITY IMAP4rev1] mail.example ready")
        async for line in self._lines():
            tag, _, rest = line.partition(" ")
            verb, _, arguments = rest.partition(" ")
            if verb.upper() == "UID":
                verb, _, arguments = arguments.partition(" ")
                verb = f"UID {verb}"
            self._server.commands.append(f"{verb.upper()} {arguments if verb.upper() != 'LOGIN' else ''}".strip())
            answer = await self._command(verb.upper(), arguments, tag)
            if not answer:
                return
            self._say(f"{tag} {answer}")
            await self._writer.drain()
            if verb.upper() == "LOGOUT":
                return

    async def _lines(self) -> AsyncIterator[str]:
        while data := await self._reader.readline():
            while found := re.search(rb"\{(\d+)(\+?)\}\r\n$", data):
                if not found[2]:
                    self._say("+ go on")
                    await self._writer.drain()
                literal = await self._reader.readexactly(int(found[1]))
                data = data[: found.start()] + b'"' + literal + b'"' + await self._reader.readline()
            yield data.decode("utf-8", "replace").rstrip("\r\n")

    async def _command(self, verb: str, arguments: str, tag: str) -> str:
        if verb in {"CAPABILITY", "NOOP", "LOGOUT", "ID", "LOGIN", "AUTHENTICATE"}:
            return await self._any_state(verb, arguments)
        if not self._in:
            return "NO [AUTHENTICATIONFAILED] sign in first"
        if verb in {"SELECT", "EXAMINE"}:
            return self._select(verb, arguments)
        if verb in {"LIST", "XLIST"}:
            for name in self._server.folders:
                mark = "\\Junk" if name == "Junk" else "\\HasNoChildren"
                self._say(f'* {verb} ({mark}) "/" "{name}"')
            return "OK listed"
        if self._folder is None:
            return "BAD no folder is selected"
        match verb:
            case "UID SEARCH":
                return self._search(arguments)
            case "UID FETCH":
                return self._fetch(arguments)
            case "IDLE" if self._server.idle:
                return await self._idle()
            case _:
                return f"BAD unknown command {verb}"

    async def _any_state(self, verb: str, arguments: str) -> str:
        match verb:
            case "CAPABILITY":
                idle = " IDLE" if self._server.idle else ""
                self._say(f"* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 ID SPECIAL-USE{idle}")
            case "LOGOUT":
                self._say("* BYE see you")
            case "NOOP":
                self._announce()
            case "ID":
                if not re.fullmatch(r'NIL|\((?:"[^"]*" (?:"[^"]*"|NIL))(?: "[^"]*" (?:"[^"]*"|NIL))*\)', arguments):
                    return "BAD syntax"
                self._named = True
                self._say('* ID ("name" "simulator")')
            case "LOGIN":
                user, password = (re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', arguments) + [("", "")] * 2)[:2]
                return self._enter("".join(user), password="".join(password))
            case _:
                mechanism, _, initial = arguments.partition(" ")
                return await self._authenticate(mechanism.upper(), initial)
        return "OK done"

    async def _authenticate(self, mechanism: str, initial: str) -> str:
        if not initial:
            self._say("+ ")
            await self._writer.drain()
            initial = (await self._reader.readline()).strip().decode()
        data = base64.b64decode(initial).decode()
        if mechanism == "PLAIN":
            _, user, password = data.split("\0")
            return self._enter(user, password=password)
        found = re.fullmatch(r"user=([^\x01]+)\x01auth=Bearer ([^\x01]+)\x01\x01", data)
        if found and found[2] in self._server.tokens:
            return self._enter(found[1], trusted=True)
        self._say("+ " + base64.b64encode(b'{"status":"400","schemes":"Bearer"}').decode())
        await self._writer.drain()
        await self._reader.readline()
        return "NO [AUTHENTICATIONFAILED] token refused"

    def _enter(self, user: str, *, password: str = "", trusted: bool = False) -> str:
        self._in = trusted or self._server.accounts.get(user) == re.sub(r"\\(.)", r"\1", password)
        self._server.logins += self._in
        return "OK welcome" if self._in else "NO [AUTHENTICATIONFAILED] wrong user or password"

    def _select(self, verb: str, arguments: str) -> str:
        if self._server.wants_id and not self._named:
            return "NO SELECT Unsafe Login. Please contact kefu@188.com for help"
        name = arguments.strip('"')
        folder = self._server.folders.get("INBOX" if name.upper() == "INBOX" else name)
        if folder is None:
            return "NO [NONEXISTENT] mailbox does not exist"
        self._folder, self._known = folder, len(folder.mails)
        self._say(f"* {len(folder.mails)} EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)")
        self._say(f"* OK [UIDVALIDITY {folder.validity}] here\r\n* OK [UIDNEXT {folder.following}] here")
        return f"OK [{'READ-ONLY' if verb == 'EXAMINE' else 'READ-WRITE'}] selected"

    def _search(self, arguments: str) -> str:
        assert self._folder is not None
        mails = self._folder.mails
        span = re.fullmatch(r"UID (\d+):\*", arguments)
        since = re.fullmatch(r'SINCE "?(\d{1,2})-(\w{3})-(\d{4})"?', arguments)
        sender = re.fullmatch(r'FROM "?([^"]+)"?', arguments)
        if span:
            first = min(int(span[1]), mails[-1].uid if mails else 1)  # "n:*" includes the last mail (RFC 3501)
            found = [mail.uid for mail in mails if mail.uid >= first]
        elif since:
            day = datetime(int(since[3]), _MONTHS.index(since[2]) + 1, int(since[1]), tzinfo=UTC)
            found = [mail.uid for mail in mails if mail.at >= day]
        elif sender:
            found = [mail.uid for mail in mails if sender[1].encode() in mail.raw.partition(b"\r\n\r\n")[0]]
        elif arguments == "ALL":
            found = [mail.uid for mail in mails]
        else:
            return "BAD unknown search"
        self._say("* SEARCH " + " ".join(map(str, found)))
        return "OK searched"

    def _fetch(self, arguments: str) -> str:
        assert self._folder is not None
        numbers, _, items = arguments.partition(" ")
        if "RFC822 " in items or items.strip("()").upper() == "RFC822":
            return "BAD use BODY.PEEK[]"
        if self._server.drop_after:
            self._server.drop_after -= 1
            if not self._server.drop_after:
                self._writer.transport.abort()
                return ""
        wanted = {int(number) for number in numbers.split(",")}
        for number, mail in enumerate(self._folder.mails, 1):
            if mail.uid in wanted:
                self._fetched(number, mail, items.upper())
        return "OK fetched"

    def _fetched(self, number: int, mail: StoredMail, items: str) -> None:
        parts = [f"UID {mail.uid}"]
        if "RFC822.SIZE" in items:
            parts.append(f"RFC822.SIZE {len(mail.raw)}")
        if "INTERNALDATE" in items:
            at = mail.at.astimezone(UTC)
            parts.append(f'INTERNALDATE "{at:%d}-{_MONTHS[at.month - 1]}-{at:%Y %H:%M:%S} +0000"')
        head = f"* {number} FETCH ({' '.join(parts)}".encode()
        span = re.search(r"BODY(\.PEEK)?\[\](?:<(\d+)\.(\d+)>)?", items)
        if span is None:
            self._writer.write(head + b")\r\n")
            return
        mail.seen = mail.seen or not span[1]
        data, name = mail.raw, "BODY[]"
        if span[2]:
            data, name = mail.raw[int(span[2]) : int(span[2]) + int(span[3])], f"BODY[]<{span[2]}>"
        self._writer.write(head + f" {name} {{{len(data)}}}\r\n".encode() + data + b")\r\n")

    async def _idle(self) -> str:
        assert self._folder is not None
        self._say("+ idling")
        await self._writer.drain()
        done = asyncio.ensure_future(self._reader.readline())
        while not done.done():
            if not self._announce():
                self._folder.grown.clear()
                grown = asyncio.ensure_future(self._folder.grown.wait())
                await asyncio.wait({done, grown}, return_when=asyncio.FIRST_COMPLETED)
                grown.cancel()
            await self._writer.drain()
        return "OK done" if done.result().strip().upper() == b"DONE" else "BAD expected DONE"

    def _announce(self) -> bool:
        if self._folder is None or len(self._folder.mails) == self._known:
            return False
        self._known = len(self._folder.mails)
        self._say(f"* {self._known} EXISTS")
        return True

    def _say(self, text: str) -> None:
        self._writer.write(text.encode() + b"\r\n")
